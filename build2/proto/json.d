build2/proto/json.o: proto/json.c proto/json.h core/slice.h \
 build2/generated/google/protobuf/timestamp.pb-c.h proto/enum_name.h \
 proto/utf8.h build2/generated/tidings/v1/change.pb-c.h \
 build2/generated/tidings/v1/dead_letter.pb-c.h \
 build2/generated/tidings/v1/lifecycle.pb-c.h
proto/json.h:
core/slice.h:
build2/generated/google/protobuf/timestamp.pb-c.h:
proto/enum_name.h:
proto/utf8.h:
build2/generated/tidings/v1/change.pb-c.h:
build2/generated/tidings/v1/dead_letter.pb-c.h:
build2/generated/tidings/v1/lifecycle.pb-c.h:
