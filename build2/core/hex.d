build2/core/hex.o: core/hex.c core/hex.h core/arena.h core/slice.h
core/hex.h:
core/arena.h:
core/slice.h:
