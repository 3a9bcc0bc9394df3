build2/bridge/state/sqlite.o: bridge/state/sqlite.c bridge/state/sqlite.h \
 core/state.h core/arena.h core/slice.h core/error.h \
 bridge/state/create.h bridge/state/lock.h
bridge/state/sqlite.h:
core/state.h:
core/arena.h:
core/slice.h:
core/error.h:
bridge/state/create.h:
bridge/state/lock.h:
