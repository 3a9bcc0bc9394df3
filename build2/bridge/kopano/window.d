build2/bridge/kopano/window.o: bridge/kopano/window.c \
 bridge/kopano/window.h bridge/kopano/client.h core/arena.h core/slice.h \
 core/change.h core/error.h bridge/kopano/item.h core/batch.h \
 core/state.h bridge/kopano/keymap.h bridge/kopano/kopano.h \
 bridge/clock.h bridge/driver.h bridge/conf.h core/sink.h core/report.h \
 core/source.h bridge/kopano/listing.h bridge/kopano/position.h \
 bridge/kopano/share.h bridge/kopano/stream.h bridge/kopano/settle.h \
 core/step.h
bridge/kopano/window.h:
bridge/kopano/client.h:
core/arena.h:
core/slice.h:
core/change.h:
core/error.h:
bridge/kopano/item.h:
core/batch.h:
core/state.h:
bridge/kopano/keymap.h:
bridge/kopano/kopano.h:
bridge/clock.h:
bridge/driver.h:
bridge/conf.h:
core/sink.h:
core/report.h:
core/source.h:
bridge/kopano/listing.h:
bridge/kopano/position.h:
bridge/kopano/share.h:
bridge/kopano/stream.h:
bridge/kopano/settle.h:
core/step.h:
