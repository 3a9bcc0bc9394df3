build2/bridge/state/create.o: bridge/state/create.c bridge/state/create.h \
 core/error.h core/step.h
bridge/state/create.h:
core/error.h:
core/step.h:
