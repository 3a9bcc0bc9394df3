build2/core/pipeline.o: core/pipeline.c core/pipeline.h core/batch.h \
 core/arena.h core/slice.h core/change.h core/state.h core/error.h \
 core/encode.h core/sink.h core/report.h core/inflight.h core/parcel.h \
 core/step.h
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
core/inflight.h:
core/parcel.h:
core/step.h:
