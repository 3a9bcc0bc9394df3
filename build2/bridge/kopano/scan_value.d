build2/bridge/kopano/scan_value.o: bridge/kopano/scan_value.c \
 bridge/kopano/scan.h core/arena.h core/slice.h core/error.h proto/utf8.h
bridge/kopano/scan.h:
core/arena.h:
core/slice.h:
core/error.h:
proto/utf8.h:
