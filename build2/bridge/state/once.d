build2/bridge/state/once.o: bridge/state/once.c bridge/state/once.h \
 core/state.h core/arena.h core/slice.h core/error.h
bridge/state/once.h:
core/state.h:
core/arena.h:
core/slice.h:
core/error.h:
