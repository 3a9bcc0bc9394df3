build2/core/parcel.o: core/parcel.c core/parcel.h core/pipeline.h \
 core/batch.h core/arena.h core/slice.h core/change.h core/state.h \
 core/error.h core/encode.h core/sink.h core/report.h core/router.h
core/parcel.h:
core/pipeline.h:
core/batch.h:
core/arena.h:
core/slice.h:
core/change.h:
core/state.h:
core/error.h:
core/encode.h:
core/sink.h:
core/report.h:
core/router.h:
