build2/bridge/kopano/index.o: bridge/kopano/index.c bridge/kopano/index.h \
 core/slice.h core/arena.h
bridge/kopano/index.h:
core/slice.h:
core/arena.h:
