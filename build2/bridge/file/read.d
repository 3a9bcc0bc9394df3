build2/bridge/file/read.o: bridge/file/read.c bridge/file/file.h \
 bridge/driver.h bridge/conf.h core/error.h core/sink.h core/change.h \
 core/slice.h core/report.h core/arena.h core/state.h core/source.h \
 core/batch.h core/router.h
bridge/file/file.h:
bridge/driver.h:
bridge/conf.h:
core/error.h:
core/sink.h:
core/change.h:
core/slice.h:
core/report.h:
core/arena.h:
core/state.h:
core/source.h:
core/batch.h:
core/router.h:
