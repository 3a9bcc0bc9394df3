build2/generated/tidings/v1/stream.pb-c.o: \
 build2/generated/tidings/v1/stream.pb-c.c \
 build2/generated/tidings/v1/stream.pb-c.h
build2/generated/tidings/v1/stream.pb-c.h:
