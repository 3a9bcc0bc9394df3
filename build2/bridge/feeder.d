build2/bridge/feeder.o: bridge/feeder.c bridge/feeder.h core/source.h \
 core/batch.h core/arena.h core/slice.h core/change.h core/state.h \
 core/error.h core/report.h bridge/clock.h bridge/outage.h core/step.h
bridge/feeder.h:
core/source.h:
core/batch.h:
core/arena.h:
core/slice.h:
core/change.h:
core/state.h:
core/error.h:
core/report.h:
bridge/clock.h:
bridge/outage.h:
core/step.h:
