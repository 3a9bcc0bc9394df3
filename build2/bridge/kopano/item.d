build2/bridge/kopano/item.o: bridge/kopano/item.c bridge/kopano/item.h \
 bridge/kopano/client.h core/arena.h core/slice.h core/change.h \
 core/error.h core/batch.h core/state.h
bridge/kopano/item.h:
bridge/kopano/client.h:
core/arena.h:
core/slice.h:
core/change.h:
core/error.h:
core/batch.h:
core/state.h:
