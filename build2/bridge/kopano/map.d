build2/bridge/kopano/map.o: bridge/kopano/map.c bridge/kopano/map.h \
 bridge/kopano/index.h core/slice.h bridge/kopano/texts.h core/arena.h \
 core/change.h
bridge/kopano/map.h:
bridge/kopano/index.h:
core/slice.h:
bridge/kopano/texts.h:
core/arena.h:
core/change.h:
