#include "bridge/kopano/http_url.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool starts_with(const char *text, const char *prefix)
{
	return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

static bool has_user(const char *url)
{
	const char *host = strstr(url, "://") + 3;
	const char *at = strchr(host, '@');

	return at && at < host + strcspn(host, "/?#");
}

int http_place_of(const char *url, struct http_place *place, struct err *err)
{
	*place = (struct http_place){.url = url};
	if (starts_with(url, "http://") || starts_with(url, "https://")) {
		if (has_user(url))
			return err_usage(err,
					 "the URL of the server holds a user name: give user and password by their "
					 "own settings");
		return 0;
	}
	if (starts_with(url, "file:///"))
		url += strlen("file://");
	if (url[0] != '/')
		return err_usage(err, "the URL of the server is none: give https://host:237/, http://host:236/ or "
				      "file:///path/of/the/socket");
	*place = (struct http_place){.url = "http://localhost/", .socket = url};
	return 0;
}
