build2/bridge/conf.o: bridge/conf.c bridge/conf.h core/error.h \
 bridge/conf_word.h core/arena.h core/slice.h
bridge/conf.h:
core/error.h:
bridge/conf_word.h:
core/arena.h:
core/slice.h:
