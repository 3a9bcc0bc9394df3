build2/bridge/zeromq/counts.o: bridge/zeromq/counts.c \
 bridge/zeromq/counts.h core/slice.h core/arena.h
bridge/zeromq/counts.h:
core/slice.h:
core/arena.h:
