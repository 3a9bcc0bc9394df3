build2/tests/support/client_rig.o: tests/support/client_rig.c core/hex.h \
 core/arena.h core/slice.h tests/support/client_rig.h \
 bridge/kopano/client.h core/change.h core/error.h \
 tests/support/script_http.h
core/hex.h:
core/arena.h:
core/slice.h:
tests/support/client_rig.h:
bridge/kopano/client.h:
core/change.h:
core/error.h:
tests/support/script_http.h:
