build2/bridge/kopano/http.o: bridge/kopano/http.c bridge/kopano/http.h \
 bridge/kopano/client.h core/arena.h core/slice.h core/change.h \
 core/error.h bridge/clock.h bridge/kopano/http_url.h \
 bridge/kopano/stop.h core/step.h
bridge/kopano/http.h:
bridge/kopano/client.h:
core/arena.h:
core/slice.h:
core/change.h:
core/error.h:
bridge/clock.h:
bridge/kopano/http_url.h:
bridge/kopano/stop.h:
core/step.h:
