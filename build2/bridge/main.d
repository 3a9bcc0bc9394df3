build2/bridge/main.o: bridge/main.c bridge/cli/cli.h bridge/driver.h \
 bridge/conf.h core/error.h core/sink.h core/change.h core/slice.h \
 core/report.h core/arena.h core/state.h core/source.h core/batch.h \
 core/encode.h proto/encode.h
bridge/cli/cli.h:
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
core/encode.h:
proto/encode.h:
