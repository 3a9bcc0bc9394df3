build2/core/batch.o: core/batch.c core/batch.h core/arena.h core/slice.h \
 core/change.h core/state.h core/error.h
core/batch.h:
core/arena.h:
core/slice.h:
core/change.h:
core/state.h:
core/error.h:
