build2/core/report.o: core/report.c core/report.h core/arena.h \
 core/slice.h
core/report.h:
core/arena.h:
core/slice.h:
