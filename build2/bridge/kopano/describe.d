build2/bridge/kopano/describe.o: bridge/kopano/describe.c \
 bridge/kopano/describe.h bridge/driver.h bridge/conf.h core/error.h \
 core/sink.h core/change.h core/slice.h core/report.h core/arena.h \
 core/state.h core/source.h core/batch.h bridge/kopano/position.h \
 core/hex.h
bridge/kopano/describe.h:
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
bridge/kopano/position.h:
core/hex.h:
