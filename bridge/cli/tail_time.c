#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge/cli/tail.h"

enum { MOST_DIGITS = 9, MINUTE_S = 60, HOUR_S = 60 * MINUTE_S, DAY_S = 24 * HOUR_S };

static int64_t seconds_of(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return MINUTE_S;
	case 'h':
		return HOUR_S;
	case 'd':
		return DAY_S;
	default:
		return 0;
	}
}

/* "10m", "10m ago" */
static bool read_ago(const char *text, int64_t now_ms, int64_t *from_ms)
{
	size_t n_digits = strspn(text, "0123456789");
	if (n_digits == 0 || n_digits > MOST_DIGITS)
		return false;
	const char *rest = text + n_digits + 1;
	int64_t unit_s = seconds_of(text[n_digits]);
	if (unit_s == 0 || (*rest && strcmp(rest, " ago") != 0))
		return false;
	*from_ms = now_ms - strtoll(text, NULL, 10) * unit_s * 1000;
	return *from_ms > 0;
}

/* ".25": milliseconds; what is finer is cut. */
static const char *read_fraction(const char *text, int64_t *ms)
{
	int64_t place = 100;
	*ms = 0;
	if (*text != '.' || !isdigit((unsigned char)text[1]))
		return text;
	for (text++; isdigit((unsigned char)*text); text++, place /= 10)
		*ms += (*text - '0') * place;
	return text;
}

/* "Z", "+01:00" */
static bool read_zone(const char *text, int64_t *seconds)
{
	int hours, minutes, n_read = 0;
	*seconds = 0;
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return true;
	if ((*text != '+' && *text != '-') || !isdigit((unsigned char)text[1]) ||
	    sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &n_read) != 2 || n_read != 5 || text[6] || hours > 23 ||
	    minutes < 0 || minutes > 59)
		return false;
	*seconds = (hours * HOUR_S + minutes * MINUTE_S) * (*text == '-' ? -1 : 1);
	return true;
}

static bool read_rfc3339(const char *text, int64_t *from_ms)
{
	struct tm tm = {0};
	int64_t ms, zone_s;
	const char *rest = strptime(text, "%Y-%m-%d", &tm);
	if (!rest || !*rest || !strchr("Tt ", *rest) || !(rest = strptime(rest + 1, "%H:%M:%S", &tm)))
		return false;
	rest = read_fraction(rest, &ms);
	if (!read_zone(rest, &zone_s))
		return false;
	*from_ms = ((int64_t)timegm(&tm) - zone_s) * 1000 + ms;
	return *from_ms > 0;
}

bool tail_time(const char *text, int64_t now_ms, int64_t *from_ms)
{
	if (strcmp(text, "beginning") == 0)
		*from_ms = FROM_BEGINNING;
	else if (strcmp(text, "end") == 0)
		*from_ms = FROM_END;
	else
		return read_ago(text, now_ms, from_ms) || read_rfc3339(text, from_ms);
	return true;
}
