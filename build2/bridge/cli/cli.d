build2/bridge/cli/cli.o: bridge/cli/cli.c bridge/cli/cli.h \
 bridge/driver.h bridge/conf.h core/error.h core/sink.h core/change.h \
 core/slice.h core/report.h core/arena.h core/state.h core/source.h \
 core/batch.h core/encode.h bridge/conf_word.h
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
bridge/conf_word.h:
