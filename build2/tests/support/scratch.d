build2/tests/support/scratch.o: tests/support/scratch.c \
 tests/support/scratch.h
tests/support/scratch.h:
