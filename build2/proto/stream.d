build2/proto/stream.o: proto/stream.c proto/stream.h core/arena.h \
 core/slice.h
proto/stream.h:
core/arena.h:
core/slice.h:
