#include <stdlib.h>

#include "bridge/kopano/kopano.h"
#include "bridge/kopano/processed.h"

/* `tidings sync --server`: its round is like any other, but for the state, which names what was processed. */

static bool is_kept(const struct kopano *kopano)
{
	return kopano->config->follow->once == ONCE_SERVER;
}

void once_processed(const struct kopano *kopano, uint32_t id, struct slice source_key, struct batch *batch)
{
	if (is_kept(kopano))
		processed_put(id, source_key, batch);
}

void once_add_id(struct kopano *kopano, const struct stream *stream, struct ids *ids, const struct journal_entry *entry)
{
	size_t room = ids->room;
	ids_add(ids, entry->change_id);
	if (!is_kept(kopano) || stream->kind != STREAM_SERVER)
		return;
	if (ids->room != room)
		ids->keys = xrealloc(ids->keys, ids->room * sizeof *ids->keys);
	ids->keys[ids->n - 1] = arena_copy(&kopano->arena, entry->source_key);
}

void once_put_start(const struct kopano *kopano, const struct stream *stream, const struct ids *ids,
		    struct batch *batch)
{
	if (!is_kept(kopano) || stream->kind != STREAM_SERVER)
		return;
	if (stream->given) {
		processed_put_given(kopano->given, batch);
		return;
	}
	processed_put_from(stream->settle.settled, batch);
	for (size_t i = 0; i < ids->n; i++)
		processed_put(ids->ids[i], ids->keys[i], batch);
}
