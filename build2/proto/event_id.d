build2/proto/event_id.o: proto/event_id.c proto/event_id.h core/change.h \
 core/slice.h
proto/event_id.h:
core/change.h:
core/slice.h:
