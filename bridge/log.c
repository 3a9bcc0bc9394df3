#include "bridge/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proto/json.h"

enum { MAX_TEXT = 1024, MAX_ESCAPED = 6, MAX_LINE = MAX_ESCAPED * MAX_TEXT + 128, MAX_PROGRESS = 80 };

static atomic_int threshold = LOG_LEVEL_INFO;
static atomic_int chosen_format = LOG_FORMAT_TEXT;

void log_set_level(enum log_level level)
{
	threshold = level;
}

void log_set_format(enum log_format format)
{
	chosen_format = format;
}

/* systemd names the stream that it gave us; standard error may have been redirected since. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
	       st.st_dev == device && st.st_ino == inode;
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error";
	case LOG_LEVEL_WARNING:
		return "warning";
	case LOG_LEVEL_DEBUG:
		return "debug";
	default:
		return "info";
	}
}

/* A server's or a file's text must not be able to look like further lines. */
static void make_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

/* ---- the line at the bottom ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of what is on the terminal */
static char progress[MAX_PROGRESS];

static void put(const char *text, size_t n)
{
	ssize_t written = write(STDERR_FILENO, text, n); /* in one call: lines of processes do not mix */
	(void)written;                                   /* there is nowhere to say that this failed */
}

static const char clear_line[] = "\r\033[K";

void log_progress(const char *text)
{
	char line[sizeof clear_line + MAX_PROGRESS];
	if (!isatty(STDERR_FILENO))
		return;
	pthread_mutex_lock(&mutex);
	bool had = *progress;
	snprintf(progress, sizeof progress, "%s", text ? text : "");
	make_one_line(progress);
	if (had || *progress)
		put(line, (size_t)snprintf(line, sizeof line, "%s%s", clear_line, progress));
	pthread_mutex_unlock(&mutex);
}

/* ---- lines ---- */

static void print_json(enum log_level level, const char *text, FILE *out)
{
	struct timespec now;
	struct tm utc;
	char time_text[sizeof "2000-01-01T00:00:00"];
	clock_gettime(CLOCK_REALTIME, &now);
	strftime(time_text, sizeof time_text, "%FT%T", gmtime_r(&now.tv_sec, &utc));
	fprintf(out, "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"text\":", time_text, now.tv_nsec / 1000000,
		level_name(level));
	json_print_text(slice_of_text(text), out);
	fprintf(out, "}\n");
}

static void print_text(enum log_level level, const char *text, bool to_journal, FILE *out)
{
	bool plain = level == LOG_LEVEL_INFO;
	fprintf(out, "%s%s%s%s\n", to_journal ? "" : "tidings: ", plain ? "" : level_name(level), plain ? "" : ": ",
		text);
}

/* Written in one call: lines of threads do not mix. That it failed can be said nowhere. */
static void write_line(enum log_level level, const char *format, va_list args)
{
	char text[MAX_TEXT], line[sizeof clear_line + MAX_LINE + MAX_PROGRESS];
	if ((int)level > threshold)
		return;
	vsnprintf(text, sizeof text, format, args);
	make_one_line(text);
	bool to_journal = is_journal();
	FILE *out = fmemopen(line, sizeof line, "w");
	if (!out)
		return;
	pthread_mutex_lock(&mutex);
	if (*progress)
		fputs(clear_line, out);
	if (to_journal)
		fprintf(out, "<%d>", (int)level);
	if (chosen_format == LOG_FORMAT_JSON)
		print_json(level, text, out);
	else
		print_text(level, text, to_journal, out);
	fputs(progress, out);
	long size = ftell(out);
	fclose(out);
	put(line, (size_t)size);
	pthread_mutex_unlock(&mutex);
}

#define DEFINE_LOG(name, level)                                                                                        \
	void log_##name(const char *format, ...)                                                                       \
	{                                                                                                              \
		va_list args;                                                                                          \
		va_start(args, format);                                                                                \
		write_line(level, format, args);                                                                       \
		va_end(args);                                                                                          \
	}

DEFINE_LOG(error, LOG_LEVEL_ERROR)
DEFINE_LOG(warning, LOG_LEVEL_WARNING)
DEFINE_LOG(info, LOG_LEVEL_INFO)
DEFINE_LOG(debug, LOG_LEVEL_DEBUG)

void log_at(enum log_level level, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	write_line(level, format, args);
	va_end(args);
}
