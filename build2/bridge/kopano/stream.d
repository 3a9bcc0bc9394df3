build2/bridge/kopano/stream.o: bridge/kopano/stream.c \
 bridge/kopano/stream.h bridge/kopano/client.h core/arena.h core/slice.h \
 core/change.h core/error.h bridge/kopano/settle.h core/batch.h \
 core/state.h bridge/kopano/kopano.h bridge/clock.h bridge/driver.h \
 bridge/conf.h core/sink.h core/report.h core/source.h \
 bridge/kopano/item.h bridge/kopano/listing.h bridge/kopano/keymap.h \
 bridge/kopano/position.h bridge/kopano/share.h bridge/kopano/window.h \
 core/hex.h
bridge/kopano/stream.h:
bridge/kopano/client.h:
core/arena.h:
core/slice.h:
core/change.h:
core/error.h:
bridge/kopano/settle.h:
core/batch.h:
core/state.h:
bridge/kopano/kopano.h:
bridge/clock.h:
bridge/driver.h:
bridge/conf.h:
core/sink.h:
core/report.h:
core/source.h:
bridge/kopano/item.h:
bridge/kopano/listing.h:
bridge/kopano/keymap.h:
bridge/kopano/position.h:
bridge/kopano/share.h:
bridge/kopano/window.h:
core/hex.h:
