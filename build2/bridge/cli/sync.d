build2/bridge/cli/sync.o: bridge/cli/sync.c bridge/cli/cli.h \
 bridge/driver.h bridge/conf.h core/error.h core/sink.h core/change.h \
 core/slice.h core/report.h core/arena.h core/state.h core/source.h \
 core/batch.h core/encode.h bridge/clock.h bridge/settings.h bridge/log.h \
 bridge/state/once.h core/hex.h proto/json.h
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
bridge/clock.h:
bridge/settings.h:
bridge/log.h:
bridge/state/once.h:
core/hex.h:
proto/json.h:
