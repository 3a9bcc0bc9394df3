build2/core/arena.o: core/arena.c core/arena.h core/slice.h
core/arena.h:
core/slice.h:
