build2/bridge/zeromq/outbox.o: bridge/zeromq/outbox.c \
 bridge/zeromq/outbox.h core/sink.h core/change.h core/slice.h \
 core/error.h core/report.h core/arena.h core/state.h core/router.h \
 proto/stream.h
bridge/zeromq/outbox.h:
core/sink.h:
core/change.h:
core/slice.h:
core/error.h:
core/report.h:
core/arena.h:
core/state.h:
core/router.h:
proto/stream.h:
