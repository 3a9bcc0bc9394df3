build2/tests/support/memory_source.o: tests/support/memory_source.c \
 tests/support/memory_source.h core/source.h core/batch.h core/arena.h \
 core/slice.h core/change.h core/state.h core/error.h core/report.h \
 bridge/clock.h
tests/support/memory_source.h:
core/source.h:
core/batch.h:
core/arena.h:
core/slice.h:
core/change.h:
core/state.h:
core/error.h:
core/report.h:
bridge/clock.h:
