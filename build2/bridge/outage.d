build2/bridge/outage.o: bridge/outage.c bridge/outage.h core/error.h \
 bridge/clock.h bridge/log.h bridge/notify.h core/step.h
bridge/outage.h:
core/error.h:
bridge/clock.h:
bridge/log.h:
bridge/notify.h:
core/step.h:
