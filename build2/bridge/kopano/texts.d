build2/bridge/kopano/texts.o: bridge/kopano/texts.c bridge/kopano/texts.h \
 bridge/kopano/index.h core/slice.h core/arena.h
bridge/kopano/texts.h:
bridge/kopano/index.h:
core/slice.h:
core/arena.h:
