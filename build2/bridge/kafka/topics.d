build2/bridge/kafka/topics.o: bridge/kafka/topics.c bridge/kafka/kafka.h \
 bridge/clock.h bridge/driver.h bridge/conf.h core/error.h core/sink.h \
 core/change.h core/slice.h core/report.h core/arena.h core/state.h \
 core/source.h core/batch.h core/router.h
bridge/kafka/kafka.h:
bridge/clock.h:
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
core/router.h:
