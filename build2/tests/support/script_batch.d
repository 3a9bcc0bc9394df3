build2/tests/support/script_batch.o: tests/support/script_batch.c \
 tests/support/script_batch.h core/batch.h core/arena.h core/slice.h \
 core/change.h core/state.h core/error.h core/encode.h
tests/support/script_batch.h:
core/batch.h:
core/arena.h:
core/slice.h:
core/change.h:
core/state.h:
core/error.h:
core/encode.h:
