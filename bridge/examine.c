#include "bridge/examine.h"

#include <stdarg.h>
#include <stdio.h>

enum { MAX_TEXT = 1024 };

void examine_say(struct examination *examination, enum verdict verdict, const char *subject, const char *format, ...)
{
	char text[MAX_TEXT];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	examination->line(examination, verdict, subject, text);
}

void examine_error(struct examination *examination, const char *subject, const struct err *err)
{
	examination->line(examination, err->class == ERR_AGAIN ? VERDICT_PASSING : VERDICT_WRONG, subject, err->text);
}
