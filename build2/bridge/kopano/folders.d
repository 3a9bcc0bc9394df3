build2/bridge/kopano/folders.o: bridge/kopano/folders.c \
 bridge/kopano/item.h bridge/kopano/client.h core/arena.h core/slice.h \
 core/change.h core/error.h core/batch.h core/state.h \
 bridge/kopano/kopano.h bridge/clock.h bridge/driver.h bridge/conf.h \
 core/sink.h core/report.h core/source.h bridge/kopano/listing.h \
 bridge/kopano/keymap.h bridge/kopano/position.h bridge/kopano/share.h \
 bridge/kopano/stream.h bridge/kopano/settle.h bridge/kopano/window.h
bridge/kopano/item.h:
bridge/kopano/client.h:
core/arena.h:
core/slice.h:
core/change.h:
core/error.h:
core/batch.h:
core/state.h:
bridge/kopano/kopano.h:
bridge/clock.h:
bridge/driver.h:
bridge/conf.h:
core/sink.h:
core/report.h:
core/source.h:
bridge/kopano/listing.h:
bridge/kopano/keymap.h:
bridge/kopano/position.h:
bridge/kopano/share.h:
bridge/kopano/stream.h:
bridge/kopano/settle.h:
bridge/kopano/window.h:
