/* One line per event worth knowing, on standard error: for people, or a JSON object; with journald's <N> prefixes under
 * systemd. Only daemon code logs; libraries return errors. Thread-safe. Secrets never come here. */
#ifndef TIDINGS_BRIDGE_LOG_H
#define TIDINGS_BRIDGE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* Lines above this level are left out; LOG_LEVEL_INFO at the start. */
void log_set_level(enum log_level level);

/* {"time":"2026-01-31T12:00:00.000Z","level":"info","text":"..."}; LOG_FORMAT_TEXT at the start. */
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
void log_set_format(enum log_format format);
/* A line at the bottom of the terminal that the next one replaces and other lines push down; NULL or "": none. Nothing
 * happens where standard error is no terminal. */
void log_progress(const char *text);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_at(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
