build2/tests/unit/test_client_transport.o: \
 tests/unit/test_client_transport.c bridge/clock.h \
 tests/support/client_rig.h bridge/kopano/client.h core/arena.h \
 core/slice.h core/change.h core/error.h tests/support/script_http.h
bridge/clock.h:
tests/support/client_rig.h:
bridge/kopano/client.h:
core/arena.h:
core/slice.h:
core/change.h:
core/error.h:
tests/support/script_http.h:
