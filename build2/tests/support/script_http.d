build2/tests/support/script_http.o: tests/support/script_http.c \
 tests/support/script_http.h core/slice.h core/arena.h
tests/support/script_http.h:
core/slice.h:
core/arena.h:
