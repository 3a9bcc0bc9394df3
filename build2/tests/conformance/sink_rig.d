build2/tests/conformance/sink_rig.o: tests/conformance/sink_rig.c \
 tests/conformance/sink_rig.h tests/conformance/sink.h core/arena.h \
 core/slice.h core/sink.h core/change.h core/error.h core/report.h \
 core/state.h bridge/clock.h tests/support/memory_state.h
tests/conformance/sink_rig.h:
tests/conformance/sink.h:
core/arena.h:
core/slice.h:
core/sink.h:
core/change.h:
core/error.h:
core/report.h:
core/state.h:
bridge/clock.h:
tests/support/memory_state.h:
