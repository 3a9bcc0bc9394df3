build2/bridge/kopano/bytes.o: bridge/kopano/bytes.c bridge/kopano/bytes.h \
 core/arena.h core/slice.h
bridge/kopano/bytes.h:
core/arena.h:
core/slice.h:
