/* Batches of short names, and the encoder that writes them as text, so that a test can say what it means.
 *
 *     struct batch *batch = script_batch("a", 7);                  stream "a", sets position/a to "7"
 *     script_item(batch, CHANGE_UPDATED, "inbox", "x", 7);         -> "UPDATED inbox/x 7"
 *     script_row(batch, "inbox", "x");                             -> "CREATED inbox/x 0", origin snapshot
 *
 * script_grow adds content; an upsert whose content was taken away ends in " keys". A dead letter is "LETTER <cause> of
 * <its text> for <topic> size <n>", with " with <value>" if it has one. */
#ifndef TIDINGS_TESTS_SUPPORT_SCRIPT_BATCH_H
#define TIDINGS_TESTS_SUPPORT_SCRIPT_BATCH_H

#include "core/batch.h"
#include "core/encode.h"

extern const struct encoder script_encoder;

struct batch *script_batch(const char *stream, uint64_t position);

struct change *script_item(struct batch *batch, enum change_kind kind, const char *folder, const char *item,
			   uint64_t change_id);
struct change *script_row(struct batch *batch, const char *folder, const char *item);
struct change *script_bracket(struct batch *batch, enum change_kind kind, const char *folder);

/* Makes the content of an upsert so large that its record cannot be smaller. */
void script_grow(struct batch *batch, struct change *change, size_t n_bytes);

#endif
