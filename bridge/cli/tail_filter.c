#include <string.h>
#include <strings.h>

#include "bridge/cli/tail.h"
#include "core/hex.h"

static bool is_hex_of(const char *text, struct slice bytes)
{
	char hex[3] = "";
	if (bytes.size == 0 || strlen(text) != 2 * bytes.size)
		return false;
	for (size_t i = 0; i < bytes.size; i++) {
		hex_write(hex, slice_of(bytes.data + i, 1));
		if (strncasecmp(hex, text + 2 * i, 2) != 0)
			return false;
	}
	return true;
}

/* The key that proto/README.md lays down. */
static const char *made_key(const struct summary *summary, struct arena *arena)
{
	bool is_folder = strcmp(summary->object, "FOLDER") == 0, is_item = strcmp(summary->object, "ITEM") == 0;
	const char *store = hex_text(arena, summary->store);
	if (is_item || is_folder)
		return arena_text(arena, "%s/%s", store, hex_text(arena, is_item ? summary->folder : summary->key));
	return summary->store.size ? store : hex_text(arena, summary->key);
}

static bool has_key(const char *key, const struct summary *summary, const struct delivered *delivered)
{
	struct arena arena = {0};
	bool has = delivered->key.size ? slice_equal(delivered->key, slice_of_text(key))
				       : strcasecmp(key, made_key(summary, &arena)) == 0;
	arena_free(&arena);
	return has;
}

static bool is_of_store(const char *store, const struct summary *summary)
{
	if (summary->is_public && strcmp(store, "public") == 0)
		return true;
	return (*summary->owner && strcasecmp(store, summary->owner) == 0) || is_hex_of(store, summary->store);
}

/* The folder itself, and what is in it. */
static bool is_of_folder(const char *folder, const struct summary *summary)
{
	bool is_folder = strcmp(summary->object, "FOLDER") == 0;
	return strcmp(folder, summary->path) == 0 || is_hex_of(folder, summary->folder) ||
	       (is_folder && (strcmp(folder, summary->own_path) == 0 || is_hex_of(folder, summary->key)));
}

/* A sink that knows no times left it to us. */
static bool is_too_old(const struct tail_options *options, const struct summary *summary,
		       const struct delivered *delivered)
{
	return options->reader.from_ms > 0 && delivered->published_ms == 0 &&
	       summary->time_ms < options->reader.from_ms;
}

bool tail_passes(const struct tail_options *options, const struct summary *summary, const struct delivered *delivered)
{
	return !is_too_old(options, summary, delivered) &&
	       (!options->key || has_key(options->key, summary, delivered)) &&
	       (!options->store || is_of_store(options->store, summary)) &&
	       (!options->folder || is_of_folder(options->folder, summary)) &&
	       (!options->kind || strcmp(options->kind, summary->kind) == 0) &&
	       (!options->object || strcmp(options->object, summary->object) == 0);
}
