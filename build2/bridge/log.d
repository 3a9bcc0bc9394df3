build2/bridge/log.o: bridge/log.c bridge/log.h proto/json.h core/slice.h
bridge/log.h:
proto/json.h:
core/slice.h:
