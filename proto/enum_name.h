/* Enum values without their prefix: "KIND_CREATED" is "CREATED". Static texts. */
#ifndef TIDINGS_PROTO_ENUM_NAME_H
#define TIDINGS_PROTO_ENUM_NAME_H

#include <protobuf-c/protobuf-c.h>
#include <string.h>

/* NULL: not of this version. */
static inline const char *enum_name(const ProtobufCEnumDescriptor *type, int value)
{
	const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);
	const char *zero = protobuf_c_enum_descriptor_get_value(type, 0)->name;

	return known ? known->name + strlen(zero) - strlen("UNSPECIFIED") : NULL;
}

#endif
