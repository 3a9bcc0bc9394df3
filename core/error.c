#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Names of files, keys and folders are quoted in messages, and may hold anything. */
static void make_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7F)
			*text = '?';
}

static int fill(struct err *err, enum err_class class, int exit_code, const char *format, va_list args)
{
	err->class = class;
	err->exit_code = exit_code;
	vsnprintf(err->text, sizeof err->text, format, args);
	make_one_line(err->text);
	return class;
}

int err_set(struct err *err, enum err_class class, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fill(err, class, EXIT_RUNTIME, format, args);
	va_end(args);
	return class;
}

int err_fatal(struct err *err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fill(err, ERR_FATAL, EXIT_RUNTIME, format, args);
	va_end(args);
	return ERR_FATAL;
}

int err_usage(struct err *err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fill(err, ERR_FATAL, EXIT_USAGE, format, args);
	va_end(args);
	return ERR_FATAL;
}

int err_prefix(struct err *err, const char *format, ...)
{
	char before[sizeof err->text];
	va_list args;
	va_start(args, format);
	vsnprintf(before, sizeof before, format, args);
	va_end(args);
	make_one_line(before);
	size_t n_before = strlen(before);
	if (n_before + 2 < sizeof err->text) {
		size_t n_kept = strnlen(err->text, sizeof err->text - n_before - 3);
		memmove(err->text + n_before + 2, err->text, n_kept);
		memcpy(err->text, before, n_before);
		memcpy(err->text + n_before, ": ", 2);
		err->text[n_before + 2 + n_kept] = '\0';
	}
	return err->class;
}
