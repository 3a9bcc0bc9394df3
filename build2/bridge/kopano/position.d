build2/bridge/kopano/position.o: bridge/kopano/position.c \
 bridge/kopano/position.h core/arena.h core/slice.h core/change.h \
 bridge/kopano/bytes.h core/hex.h
bridge/kopano/position.h:
core/arena.h:
core/slice.h:
core/change.h:
bridge/kopano/bytes.h:
core/hex.h:
