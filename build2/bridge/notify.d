build2/bridge/notify.o: bridge/notify.c bridge/notify.h bridge/clock.h
bridge/notify.h:
bridge/clock.h:
