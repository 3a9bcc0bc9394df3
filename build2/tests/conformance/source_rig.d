build2/tests/conformance/source_rig.o: tests/conformance/source_rig.c \
 tests/conformance/source_rig.h tests/conformance/source.h core/source.h \
 core/batch.h core/arena.h core/slice.h core/change.h core/state.h \
 core/error.h core/report.h bridge/clock.h tests/support/memory_state.h
tests/conformance/source_rig.h:
tests/conformance/source.h:
core/source.h:
core/batch.h:
core/arena.h:
core/slice.h:
core/change.h:
core/state.h:
core/error.h:
core/report.h:
bridge/clock.h:
tests/support/memory_state.h:
