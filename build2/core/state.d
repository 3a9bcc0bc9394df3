build2/core/state.o: core/state.c core/state.h core/arena.h core/slice.h \
 core/error.h
core/state.h:
core/arena.h:
core/slice.h:
core/error.h:
