build2/bridge/kafka/read.o: bridge/kafka/read.c bridge/kafka/read.h \
 bridge/kafka/kafka.h bridge/clock.h bridge/driver.h bridge/conf.h \
 core/error.h core/sink.h core/change.h core/slice.h core/report.h \
 core/arena.h core/state.h core/source.h core/batch.h
bridge/kafka/read.h:
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
