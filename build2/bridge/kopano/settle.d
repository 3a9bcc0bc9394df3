build2/bridge/kopano/settle.o: bridge/kopano/settle.c \
 bridge/kopano/settle.h core/batch.h core/arena.h core/slice.h \
 core/change.h core/state.h core/error.h
bridge/kopano/settle.h:
core/batch.h:
core/arena.h:
core/slice.h:
core/change.h:
core/state.h:
core/error.h:
