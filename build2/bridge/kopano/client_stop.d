build2/bridge/kopano/client_stop.o: bridge/kopano/client_stop.c \
 bridge/kopano/stop.h bridge/kopano/client.h core/arena.h core/slice.h \
 core/change.h core/error.h
bridge/kopano/stop.h:
bridge/kopano/client.h:
core/arena.h:
core/slice.h:
core/change.h:
core/error.h:
