build2/bridge/kopano/keymap.o: bridge/kopano/keymap.c \
 bridge/kopano/keymap.h core/slice.h core/arena.h
bridge/kopano/keymap.h:
core/slice.h:
core/arena.h:
