build2/bridge/kopano/answer.o: bridge/kopano/answer.c \
 bridge/kopano/answer.h bridge/kopano/client.h core/arena.h core/slice.h \
 core/change.h core/error.h bridge/kopano/scan.h
bridge/kopano/answer.h:
bridge/kopano/client.h:
core/arena.h:
core/slice.h:
core/change.h:
core/error.h:
bridge/kopano/scan.h:
