build2/bridge/zeromq/consumer.o: bridge/zeromq/consumer.c \
 bridge/zeromq/consumer.h core/change.h core/slice.h core/error.h \
 bridge/clock.h bridge/zeromq/counts.h proto/stream.h core/arena.h
bridge/zeromq/consumer.h:
core/change.h:
core/slice.h:
core/error.h:
bridge/clock.h:
bridge/zeromq/counts.h:
proto/stream.h:
core/arena.h:
