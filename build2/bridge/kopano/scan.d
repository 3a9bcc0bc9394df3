build2/bridge/kopano/scan.o: bridge/kopano/scan.c bridge/kopano/scan.h \
 core/arena.h core/slice.h core/error.h
bridge/kopano/scan.h:
core/arena.h:
core/slice.h:
core/error.h:
