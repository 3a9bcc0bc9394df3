build2/bridge/daemon.o: bridge/daemon.c bridge/daemon.h bridge/settings.h \
 bridge/driver.h bridge/conf.h core/error.h core/sink.h core/change.h \
 core/slice.h core/report.h core/arena.h core/state.h core/source.h \
 core/batch.h bridge/log.h core/encode.h bridge/clock.h bridge/feeder.h \
 bridge/notify.h bridge/outage.h bridge/state/sqlite.h core/pipeline.h
bridge/daemon.h:
bridge/settings.h:
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
bridge/log.h:
core/encode.h:
bridge/clock.h:
bridge/feeder.h:
bridge/notify.h:
bridge/outage.h:
bridge/state/sqlite.h:
core/pipeline.h:
