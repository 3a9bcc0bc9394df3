build2/proto/utf8.o: proto/utf8.c proto/utf8.h core/slice.h
proto/utf8.h:
core/slice.h:
