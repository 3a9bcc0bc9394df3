build2/bridge/kopano/soap.o: bridge/kopano/soap.c bridge/kopano/soap.h \
 bridge/kopano/scan.h core/arena.h core/slice.h core/error.h
bridge/kopano/soap.h:
bridge/kopano/scan.h:
core/arena.h:
core/slice.h:
core/error.h:
