#include "bridge/narrate.h"

#include <stdio.h>

#include "bridge/log.h"

enum { MAX_PLACE = 300 };

/* "Inbox of user1", or as much of it as is known. */
static const char *place_of(const struct folder_info *folder, const struct store_info *store, char place[MAX_PLACE])
{
	struct slice path = folder ? folder->path : (struct slice){0}, owner = store ? store->owner : (struct slice){0};
	if (folder && !path.size)
		path = slice_of_text("a folder");
	snprintf(place, MAX_PLACE, "%.*s%s%.*s", (int)path.size, path.size ? (const char *)path.data : "",
		 path.size && owner.size ? " of " : "", (int)owner.size, owner.size ? (const char *)owner.data : "");
	return place;
}

static enum log_level level_of(enum lifecycle_type type)
{
	switch (type) {
	case LIFECYCLE_MISSED:
	case LIFECYCLE_SUSPENDED:
	case LIFECYCLE_RESTORED:
	case LIFECYCLE_STORE_VANISHED:
		return LOG_LEVEL_WARNING;
	case LIFECYCLE_RESUMED:
	case LIFECYCLE_FOLDER_ENDED:
	case LIFECYCLE_STORE_FOUND:
	case LIFECYCLE_STORE_DETACHED:
		return LOG_LEVEL_INFO;
	default: /* as often as there are folders, or said elsewhere */
		return LOG_LEVEL_DEBUG;
	}
}

static void narrate_lifecycle(const struct lifecycle *event)
{
	char place[MAX_PLACE];
	const char *text = event->text ? event->text : "";
	place_of(event->folder, event->store, place);
	log_at(level_of(event->type), "source: %s%s%s", place, *place ? ": " : "", text);
}

void narrate_batch(const struct batch *batch)
{
	char place[MAX_PLACE] = "";
	const struct change *first = batch->n_changes ? &batch->changes[0] : NULL;
	for (size_t i = 0; i < batch->n_lifecycle; i++)
		narrate_lifecycle(&batch->lifecycle[i]);
	if (!first)
		return;
	place_of(first->folder, first->store, place);
	log_debug("source: %zu records from %zu entries, %s%s%s", batch->n_changes, batch->n_entries, place,
		  *place ? ", " : "", batch->stream);
}

void narrate_commit(size_t n_batches)
{
	log_debug("state: %zu batches were acknowledged, their position is committed", n_batches);
}
