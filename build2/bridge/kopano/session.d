build2/bridge/kopano/session.o: bridge/kopano/session.c \
 bridge/kopano/session.h bridge/kopano/answer.h bridge/kopano/client.h \
 core/arena.h core/slice.h core/change.h core/error.h \
 bridge/kopano/scan.h bridge/kopano/http.h bridge/kopano/soap.h
bridge/kopano/session.h:
bridge/kopano/answer.h:
bridge/kopano/client.h:
core/arena.h:
core/slice.h:
core/change.h:
core/error.h:
bridge/kopano/scan.h:
bridge/kopano/http.h:
bridge/kopano/soap.h:
