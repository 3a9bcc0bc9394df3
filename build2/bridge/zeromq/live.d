build2/bridge/zeromq/live.o: bridge/zeromq/live.c bridge/zeromq/zeromq.h \
 bridge/driver.h bridge/conf.h core/error.h core/sink.h core/change.h \
 core/slice.h core/report.h core/arena.h core/state.h core/source.h \
 core/batch.h bridge/zeromq/counts.h bridge/zeromq/session.h \
 bridge/zeromq/outbox.h proto/stream.h
bridge/zeromq/zeromq.h:
bridge/driver.h:
bridge/conf.h:
core/error.h:
core/sink.h:
core/change.h:
core/slice.h:
core/report.h:
core/arena.h:
core/state.h:
core/source.h:
core/batch.h:
bridge/zeromq/counts.h:
bridge/zeromq/session.h:
bridge/zeromq/outbox.h:
proto/stream.h:
