/* Errors are named by the reaction that they ask for, not by their cause; the cause is the text.
 *
 * Every function that can fail returns 0 or an enum err_class, and has a `struct err *` as its last parameter, which it
 * fills when it returns non-zero. The text says what happened, where, and what to do, in one line without the final
 * newline and without secrets. Only daemon code logs it, once. Running out of memory aborts (state is crash-safe). */
#ifndef TIDINGS_CORE_ERROR_H
#define TIDINGS_CORE_ERROR_H

enum err_class {
	ERR_AGAIN = 1, /* passing: back off and try again; from a sink: rewind (core/pipeline.h) */
	ERR_GONE,      /* a position, stream or object no longer exists */
	ERR_BAD,       /* this one record or item can never succeed: dead letter */
	ERR_FATAL,     /* log once and exit with err.exit_code */
	ERR_STOPPED,   /* not a failure: stop was asked for */
};

enum { EXIT_RUNTIME = 1, /* restart me */ EXIT_USAGE = 2 /* do not: usage, configuration, credentials, other ends */ };

struct err {
	enum err_class class;
	int exit_code; /* set for ERR_FATAL */
	char text[512];
};

/* Each fills *err and returns its class. Text longer than the buffer is cut; control characters become "?". */
int err_set(struct err *err, enum err_class class, const char *format, ...) __attribute__((format(printf, 3, 4)));
int err_fatal(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3))); /* exit 1 */
int err_usage(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3))); /* exit 2 */

/* Puts "what: " before the text of *err; returns its class. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
