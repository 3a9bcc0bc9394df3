build2/tests/support/memory_state.o: tests/support/memory_state.c \
 tests/support/memory_state.h core/state.h core/arena.h core/slice.h \
 core/error.h
tests/support/memory_state.h:
core/state.h:
core/arena.h:
core/slice.h:
core/error.h:
