build2/proto/encode.o: proto/encode.c proto/encode.h core/encode.h \
 core/change.h core/slice.h core/arena.h \
 build2/generated/google/protobuf/timestamp.pb-c.h proto/event_id.h \
 proto/utf8.h build2/generated/tidings/v1/change.pb-c.h \
 build2/generated/tidings/v1/dead_letter.pb-c.h \
 build2/generated/tidings/v1/lifecycle.pb-c.h
proto/encode.h:
core/encode.h:
core/change.h:
core/slice.h:
core/arena.h:
build2/generated/google/protobuf/timestamp.pb-c.h:
proto/event_id.h:
proto/utf8.h:
build2/generated/tidings/v1/change.pb-c.h:
build2/generated/tidings/v1/dead_letter.pb-c.h:
build2/generated/tidings/v1/lifecycle.pb-c.h:
