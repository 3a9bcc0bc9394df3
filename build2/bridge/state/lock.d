build2/bridge/state/lock.o: bridge/state/lock.c bridge/state/lock.h \
 core/error.h
bridge/state/lock.h:
core/error.h:
