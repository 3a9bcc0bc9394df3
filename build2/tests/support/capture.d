build2/tests/support/capture.o: tests/support/capture.c \
 tests/support/capture.h
tests/support/capture.h:
