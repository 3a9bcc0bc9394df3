build2/bridge/conf_tree.o: bridge/conf_tree.c bridge/conf.h core/error.h \
 core/arena.h core/slice.h
bridge/conf.h:
core/error.h:
core/arena.h:
core/slice.h:
