build2/bridge/kopano/share.o: bridge/kopano/share.c bridge/kopano/share.h \
 core/batch.h core/arena.h core/slice.h core/change.h core/state.h \
 core/error.h bridge/kopano/kopano.h bridge/clock.h bridge/driver.h \
 bridge/conf.h core/sink.h core/report.h core/source.h \
 bridge/kopano/client.h bridge/kopano/item.h bridge/kopano/listing.h \
 bridge/kopano/keymap.h bridge/kopano/position.h bridge/kopano/stream.h \
 bridge/kopano/settle.h bridge/kopano/window.h
bridge/kopano/share.h:
core/batch.h:
core/arena.h:
core/slice.h:
core/change.h:
core/state.h:
core/error.h:
bridge/kopano/kopano.h:
bridge/clock.h:
bridge/driver.h:
bridge/conf.h:
core/sink.h:
core/report.h:
core/source.h:
bridge/kopano/client.h:
bridge/kopano/item.h:
bridge/kopano/listing.h:
bridge/kopano/keymap.h:
bridge/kopano/position.h:
bridge/kopano/stream.h:
bridge/kopano/settle.h:
bridge/kopano/window.h:
