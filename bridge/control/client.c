#include "bridge/control/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static FILE *open_memory(char **text, size_t *size)
{
	FILE *file = open_memstream(text, size);
	if (!file)
		abort();
	return file;
}

static CURL *new_call(const char *socket, const char *method, const char *url, FILE *file)
{
	CURL *call = curl_easy_init();
	if (!call)
		abort();
	curl_easy_setopt(call, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(call, CURLOPT_URL, url);
	curl_easy_setopt(call, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(call, CURLOPT_PROXY, "");
	curl_easy_setopt(call, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(call, CURLOPT_TIMEOUT_MS, (long)CONTROL_ANSWER_MS);
	curl_easy_setopt(call, CURLOPT_WRITEDATA, file);
	return call;
}

static int failed(CURL *call, CURLcode said, const char *socket, struct err *err)
{
	long number = 0;
	curl_easy_getinfo(call, CURLINFO_OS_ERRNO, &number);
	if (said != CURLE_COULDNT_CONNECT)
		return err_fatal(err, "the daemon at %s does not answer: %s", socket, curl_easy_strerror(said));
	if (number == EACCES || number == EPERM)
		return err_usage(err, "cannot ask the daemon at %s: %s; ask as the daemon's user, or as root", socket,
				 strerror((int)number));
	return err_set(err, ERR_GONE, "no daemon runs with this configuration: nobody listens at %s", socket);
}

int control_ask(const char *socket, const char *method, const char *target, struct arena *arena,
		struct control_answer *answer, struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memory(&text, &size);
	CURL *call = new_call(socket, method, arena_text(arena, "http://localhost%s", target), file);
	CURLcode said = curl_easy_perform(call);
	fclose(file);
	int rc = said == CURLE_OK ? 0 : failed(call, said, socket, err);
	curl_easy_getinfo(call, CURLINFO_RESPONSE_CODE, &answer->code);
	answer->text = arena_text(arena, "%s", text);
	curl_easy_cleanup(call);
	free(text);
	return rc;
}

const char *control_argument(const char *name, const char *value, struct arena *arena)
{
	char *escaped = curl_easy_escape(NULL, value, 0);
	if (!escaped)
		abort();
	const char *text = arena_text(arena, "%s=%s", name, escaped);
	curl_free(escaped);
	return text;
}
