build2/bridge/cli/tail_names.o: bridge/cli/tail_names.c bridge/cli/tail.h \
 bridge/cli/cli.h bridge/driver.h bridge/conf.h core/error.h core/sink.h \
 core/change.h core/slice.h core/report.h core/arena.h core/state.h \
 core/source.h core/batch.h core/encode.h proto/summary.h proto/json.h
bridge/cli/tail.h:
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
proto/summary.h:
proto/json.h:
