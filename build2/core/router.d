build2/core/router.o: core/router.c core/router.h core/change.h \
 core/slice.h core/sink.h core/error.h core/report.h core/arena.h \
 core/state.h core/hex.h
core/router.h:
core/change.h:
core/slice.h:
core/sink.h:
core/error.h:
core/report.h:
core/arena.h:
core/state.h:
core/hex.h:
