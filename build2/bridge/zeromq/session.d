build2/bridge/zeromq/session.o: bridge/zeromq/session.c \
 bridge/zeromq/session.h bridge/zeromq/outbox.h core/sink.h core/change.h \
 core/slice.h core/error.h core/report.h core/arena.h core/state.h \
 proto/stream.h core/step.h
bridge/zeromq/session.h:
bridge/zeromq/outbox.h:
core/sink.h:
core/change.h:
core/slice.h:
core/error.h:
core/report.h:
core/arena.h:
core/state.h:
proto/stream.h:
core/step.h:
