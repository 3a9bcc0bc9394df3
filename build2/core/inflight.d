build2/core/inflight.o: core/inflight.c core/inflight.h core/batch.h \
 core/arena.h core/slice.h core/change.h core/state.h core/error.h
core/inflight.h:
core/batch.h:
core/arena.h:
core/slice.h:
core/change.h:
core/state.h:
core/error.h:
