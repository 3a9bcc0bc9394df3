/* Secrets and certificates that a configuration names. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/conf.h"
#include "core/arena.h"

enum { MAX_SECRET_BYTES = 4096, MAX_PEM_BYTES = 4 << 20 };

/* The size of the first line, or -1 and errno. */
static ssize_t read_line(const char *path, char *line, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	size_t n = 0;
	ssize_t got;
	while ((got = read(fd, line + n, room - n)) > 0)
		n += (size_t)got;
	int saved = errno;
	close(fd);
	errno = saved;
	const char *end = memchr(line, '\n', n);
	if (end)
		n = (size_t)(end - line);
	if (n && line[n - 1] == '\r')
		n--;
	return got < 0 ? -1 : (ssize_t)n;
}

int conf_secret_file(const struct conf_node *node, const char *path, char **secret, struct err *err)
{
	char line[MAX_SECRET_BYTES + 1];
	ssize_t n = read_line(path, line, sizeof line);
	int rc = 0;
	if (n < 0)
		rc = conf_error(node, err, "`%.60s`: cannot read %.200s: %s", node->path, path, strerror(errno));
	else if (n == 0)
		rc = conf_error(node, err, "`%.60s`: the first line of %.200s is empty", node->path, path);
	else if (n > MAX_SECRET_BYTES || memchr(line, '\0', (size_t)n))
		rc = conf_error(node, err, "`%.60s`: the first line of %.200s is no secret of up to %d characters",
				node->path, path, MAX_SECRET_BYTES);
	if (rc == 0) {
		*secret = xcalloc(1, (size_t)n + 1);
		memcpy(*secret, line, (size_t)n);
	}
	explicit_bzero(line, sizeof line);
	return rc;
}

int conf_secret_env(const struct conf_node *node, const char *name, char **secret, struct err *err)
{
	const char *value = getenv(name);
	if (!value || !*value)
		return conf_error(node, err, "`%.60s`: the environment has no variable %.60s, or it is empty",
				  node->path, name);
	size_t size = strlen(value) + 1;
	*secret = memcpy(xmalloc(size), value, size);
	return 0;
}

/* A text that is to be freed, or NULL and errno. */
static char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return NULL;
	char *text = xmalloc(MAX_PEM_BYTES + 1);
	size_t size = fread(text, 1, MAX_PEM_BYTES, file);
	bool failed = ferror(file);
	text[size] = '\0';
	fclose(file); /* keeps errno of a read that failed: EISDIR */
	if (!failed)
		return text;
	free(text);
	return NULL;
}

/* "-----BEGIN RSA PRIVATE KEY-----": the label may have words before it. */
static bool has_label(const char *text, const char *label)
{
	char end[64];
	snprintf(end, sizeof end, "%s-----", label);
	for (const char *at = text; (at = strstr(at, "-----BEGIN ")); at++) {
		const char *found = strstr(at, end), *line_end = at + strcspn(at, "\r\n");
		if (found && found < line_end)
			return true;
	}
	return false;
}

int conf_pem_file(const struct conf_node *node, const char *path, const char *label, struct err *err)
{
	char *text = read_text(path);
	int rc = 0;
	if (!text)
		return conf_error(node, err, "`%.60s`: cannot read %.200s: %s", node->path, path, strerror(errno));
	if (!has_label(text, label))
		rc = conf_error(node, err, "`%.60s`: there is no %s in PEM in %.200s", node->path, label, path);
	else if (strstr(text, "-----BEGIN ENCRYPTED ") || strstr(text, "Proc-Type: 4,ENCRYPTED"))
		rc = conf_error(node, err,
				"`%.60s`: the key in %.200s has a passphrase: write it without one (openssl pkey), "
				"readable for the daemon alone",
				node->path, path);
	explicit_bzero(text, strlen(text));
	free(text);
	return rc;
}
