build2/generated/google/protobuf/timestamp.pb-c.o: \
 build2/generated/google/protobuf/timestamp.pb-c.c \
 build2/generated/google/protobuf/timestamp.pb-c.h
build2/generated/google/protobuf/timestamp.pb-c.h:
