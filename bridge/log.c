#include "bridge/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LINE = 1024 };

static atomic_int threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	threshold = level;
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

static const char *label(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error: ";
	case LOG_LEVEL_WARNING:
		return "warning: ";
	case LOG_LEVEL_DEBUG:
		return "debug: ";
	default:
		return "";
	}
}

/* A server's or a file's text must not be able to look like further lines. */
static void make_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static void write_line(enum log_level level, const char *format, va_list args)
{
	char text[MAX_LINE], line[MAX_LINE + 32], prefix[8];
	if ((int)level > threshold)
		return;
	vsnprintf(text, sizeof text, format, args);
	make_one_line(text);
	snprintf(prefix, sizeof prefix, "<%d>", (int)level);
	int n = snprintf(line, sizeof line, "%s%s%s\n", is_journal() ? prefix : "tidings: ", label(level), text);
	ssize_t written = write(STDERR_FILENO, line, (size_t)n); /* in one call: lines of threads do not mix */
	(void)written;                                           /* there is nowhere to say that this failed */
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
