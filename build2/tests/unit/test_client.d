build2/tests/unit/test_client.o: tests/unit/test_client.c \
 tests/support/client_rig.h bridge/kopano/client.h core/arena.h \
 core/slice.h core/change.h core/error.h tests/support/script_http.h
tests/support/client_rig.h:
bridge/kopano/client.h:
core/arena.h:
core/slice.h:
core/change.h:
core/error.h:
tests/support/script_http.h:
