build2/bridge/conf_word.o: bridge/conf_word.c bridge/conf_word.h
bridge/conf_word.h:
