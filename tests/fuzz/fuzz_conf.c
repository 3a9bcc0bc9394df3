/* The configuration, on any bytes: read whole, as by `tidings run`, and in part, as by `tidings sync`. What is refused
 * is refused in one line that names the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bridge/settings.h"

extern const struct source_driver kopano_driver;
extern const struct sink_driver file_driver, kafka_driver, zeromq_driver;

static const struct source_driver *const sources[] = {&kopano_driver, NULL};
static const struct sink_driver *const sinks[] = {&kafka_driver, &zeromq_driver, &file_driver, NULL};

static void must(bool good)
{
	if (!good)
		abort();
}

static void check_refusal(int rc, const struct err *err, const char *name)
{
	must(rc == 0 || rc == ERR_FATAL);
	if (rc == 0)
		return;
	must(err->exit_code == EXIT_USAGE);
	must(strncmp(err->text, name, strlen(name)) == 0 || strstr(err->text, name));
	must(!strpbrk(err->text, "\n\r\x1b"));
}

static void check_tree(const struct conf_node *node)
{
	must(node->line > 0 && node->column > 0 && node->path && node->file);
	must(node->kind == CONF_SCALAR ? node->text && !node->n_children : true);
	for (size_t i = 0; i < node->n_children; i++) {
		must(node->kind == CONF_LIST || conf_get(node, node->children[i].key) == &node->children[i]);
		check_tree(&node->children[i]);
	}
}

static void check_parse(const uint8_t *data, size_t size)
{
	struct conf_node *root = NULL;
	struct err err = {0};
	int rc = conf_parse("fuzz.yaml", (const char *)data, size, &root, &err);
	check_refusal(rc, &err, "fuzz.yaml:");
	if (rc == 0)
		check_tree(root);
	conf_free(rc ? NULL : root);
}

static void check_settings(const char *file)
{
	struct settings settings;
	struct err err = {0};
	int rc = settings_load(file, sources, sinks, &settings, &err);
	check_refusal(rc, &err, "");
	must(rc || (settings.source && settings.sink && settings.state_path && settings.budget_bytes));
	settings_free(&settings);
	rc = settings_load_source(file, sources, ONCE_FOLDER, &settings, &err);
	check_refusal(rc, &err, "");
	settings_free(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char file[64];
	int fd = memfd_create("fuzz", 0);
	must(fd >= 0 && (size == 0 || write(fd, data, size) == (ssize_t)size));
	snprintf(file, sizeof file, "/proc/self/fd/%d", fd);
	check_parse(data, size);
	check_settings(file);
	close(fd);
	return 0;
}
