build2/tests/support/memory_sink.o: tests/support/memory_sink.c \
 tests/support/memory_sink.h core/arena.h core/slice.h core/sink.h \
 core/change.h core/error.h core/report.h core/state.h
tests/support/memory_sink.h:
core/arena.h:
core/slice.h:
core/sink.h:
core/change.h:
core/error.h:
core/report.h:
core/state.h:
