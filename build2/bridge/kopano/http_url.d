build2/bridge/kopano/http_url.o: bridge/kopano/http_url.c \
 bridge/kopano/http_url.h core/error.h
bridge/kopano/http_url.h:
core/error.h:
