build2/proto/summary.o: proto/summary.c proto/summary.h core/arena.h \
 core/slice.h proto/json.h \
 build2/generated/google/protobuf/timestamp.pb-c.h proto/enum_name.h \
 build2/generated/tidings/v1/change.pb-c.h \
 build2/generated/tidings/v1/dead_letter.pb-c.h \
 build2/generated/tidings/v1/lifecycle.pb-c.h
proto/summary.h:
core/arena.h:
core/slice.h:
proto/json.h:
build2/generated/google/protobuf/timestamp.pb-c.h:
proto/enum_name.h:
build2/generated/tidings/v1/change.pb-c.h:
build2/generated/tidings/v1/dead_letter.pb-c.h:
build2/generated/tidings/v1/lifecycle.pb-c.h:
