build2/tests/support/script_rig.o: tests/support/script_rig.c \
 tests/support/script_rig.h core/pipeline.h core/batch.h core/arena.h \
 core/slice.h core/change.h core/state.h core/error.h core/encode.h \
 core/sink.h core/report.h tests/support/memory_sink.h \
 tests/support/memory_state.h tests/support/script_batch.h
tests/support/script_rig.h:
core/pipeline.h:
core/batch.h:
core/arena.h:
core/slice.h:
core/change.h:
core/state.h:
core/error.h:
core/encode.h:
core/sink.h:
core/report.h:
tests/support/memory_sink.h:
tests/support/memory_state.h:
tests/support/script_batch.h:
