build2/bridge/kopano/follow.o: bridge/kopano/follow.c \
 bridge/kopano/kopano.h bridge/clock.h bridge/driver.h bridge/conf.h \
 core/error.h core/sink.h core/change.h core/slice.h core/report.h \
 core/arena.h core/state.h core/source.h core/batch.h \
 bridge/kopano/client.h bridge/kopano/item.h bridge/kopano/listing.h \
 bridge/kopano/keymap.h bridge/kopano/position.h bridge/kopano/share.h \
 bridge/kopano/stream.h bridge/kopano/settle.h bridge/kopano/window.h
bridge/kopano/kopano.h:
bridge/clock.h:
bridge/driver.h:
bridge/conf.h:
core/error.h:
core/sink.h:
core/change.h:
core/slice.h:
core/report.h:
core/arena.h:
core/state.h:
core/source.h:
core/batch.h:
bridge/kopano/client.h:
bridge/kopano/item.h:
bridge/kopano/listing.h:
bridge/kopano/keymap.h:
bridge/kopano/position.h:
bridge/kopano/share.h:
bridge/kopano/stream.h:
bridge/kopano/settle.h:
bridge/kopano/window.h:
