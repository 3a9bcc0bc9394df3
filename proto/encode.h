/* The encoder of records: protobuf messages of proto/tidings/v1, as proto/README.md promises them.
 *
 *     pipeline_start(..., .encoder = &protobuf_encoder)
 *
 * Memory: each record is one allocation in the arena that was given, and nothing else is.
 * Threads: stateless, any. Errors: none; bad text is repaired (proto/utf8.h). */
#ifndef TIDINGS_PROTO_ENCODE_H
#define TIDINGS_PROTO_ENCODE_H

#include "core/encode.h"

extern const struct encoder protobuf_encoder;

#endif
