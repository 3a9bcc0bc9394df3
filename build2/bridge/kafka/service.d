build2/bridge/kafka/service.o: bridge/kafka/service.c \
 bridge/kafka/kafka.h bridge/clock.h bridge/driver.h bridge/conf.h \
 core/error.h core/sink.h core/change.h core/slice.h core/report.h \
 core/arena.h core/state.h core/source.h core/batch.h
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
