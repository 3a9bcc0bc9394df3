build2/bridge/conf_secret.o: bridge/conf_secret.c bridge/conf.h \
 core/error.h core/arena.h core/slice.h
bridge/conf.h:
core/error.h:
core/arena.h:
core/slice.h:
