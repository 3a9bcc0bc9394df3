build2/tests/conformance/sink_kafka.o: tests/conformance/sink_kafka.c \
 tests/conformance/sink_kafka.h bridge/driver.h bridge/conf.h \
 core/error.h core/sink.h core/change.h core/slice.h core/report.h \
 core/arena.h core/state.h core/source.h core/batch.h bridge/clock.h
tests/conformance/sink_kafka.h:
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
bridge/clock.h:
