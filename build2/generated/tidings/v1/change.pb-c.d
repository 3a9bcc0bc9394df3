build2/generated/tidings/v1/change.pb-c.o: \
 build2/generated/tidings/v1/change.pb-c.c \
 build2/generated/tidings/v1/change.pb-c.h \
 build2/generated/google/protobuf/timestamp.pb-c.h
build2/generated/tidings/v1/change.pb-c.h:
build2/generated/google/protobuf/timestamp.pb-c.h:
