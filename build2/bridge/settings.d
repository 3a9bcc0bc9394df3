build2/bridge/settings.o: bridge/settings.c bridge/settings.h \
 bridge/driver.h bridge/conf.h core/error.h core/sink.h core/change.h \
 core/slice.h core/report.h core/arena.h core/state.h core/source.h \
 core/batch.h bridge/log.h
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
