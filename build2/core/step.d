build2/core/step.o: core/step.c core/step.h
core/step.h:
