#include "core/batch.h"

#include <stdlib.h>

struct batch *batch_new(const char *stream)
{
	struct batch *batch = xcalloc(1, sizeof *batch);
	batch->stream = arena_text(&batch->arena, "%s", stream);
	return batch;
}

static void free_contents(struct batch *batch)
{
	free(batch->changes);
	free(batch->lifecycle);
	put_list_clear(&batch->puts);
	arena_free(&batch->arena);
}

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	free_contents(batch);
	free(batch);
}

void batch_keep_puts(struct batch *batch)
{
	struct batch kept = {.arena = {0}, .charged_bytes = batch->charged_bytes};
	kept.stream = arena_text(&kept.arena, "%s", batch->stream);
	for (size_t i = 0; i < batch->puts.n; i++) {
		const struct state_put *put = &batch->puts.puts[i];
		if (put->remove)
			put_list_remove(&kept.puts, &kept.arena, put->key);
		else
			put_list_add(&kept.puts, &kept.arena, put->key, put->value);
	}
	free_contents(batch);
	*batch = kept;
}

struct change *batch_change(struct batch *batch)
{
	if (batch->n_changes == batch->room_changes) {
		batch->room_changes = batch->room_changes ? batch->room_changes * 2 : 8;
		batch->changes = xrealloc(batch->changes, batch->room_changes * sizeof *batch->changes);
	}
	struct change *change = &batch->changes[batch->n_changes++];
	*change = (struct change){0};
	return change;
}

struct lifecycle *batch_lifecycle(struct batch *batch, enum lifecycle_type type)
{
	size_t n = batch->n_lifecycle++;
	batch->lifecycle = xrealloc(batch->lifecycle, batch->n_lifecycle * sizeof *batch->lifecycle);
	batch->lifecycle[n] = (struct lifecycle){.type = type, .stream = batch->stream};
	return &batch->lifecycle[n];
}

void batch_put(struct batch *batch, struct slice key, struct slice value)
{
	put_list_add(&batch->puts, &batch->arena, key, value);
}

void batch_remove(struct batch *batch, struct slice key)
{
	put_list_remove(&batch->puts, &batch->arena, key);
}

/* What a client library keeps beside key and value: its own message and seven headers. Estimated high. */
enum { RECORD_OVERHEAD_BYTES = 1024 };

static size_t store_bytes(const struct store_info *store)
{
	return store ? store->entry_id.size + store->owner.size : 0;
}

static size_t folder_bytes(const struct folder_info *folder)
{
	return folder ? folder->source_key.size + folder->entry_id.size + folder->path.size +
				folder->container_class.size
		      : 0;
}

/* What the arena holds once for many changes and every record repeats. */
static size_t repeated_bytes(const struct batch *batch)
{
	size_t n = 0;
	for (size_t i = 0; i < batch->n_changes; i++)
		n += store_bytes(batch->changes[i].store) + folder_bytes(batch->changes[i].folder);
	for (size_t i = 0; i < batch->n_lifecycle; i++)
		n += store_bytes(batch->lifecycle[i].store) + folder_bytes(batch->lifecycle[i].folder);
	return n;
}

size_t batch_bytes(const struct batch *batch)
{
	size_t encoded = batch->arena.n_bytes + repeated_bytes(batch);
	size_t per_change = sizeof *batch->changes + RECORD_OVERHEAD_BYTES;
	return sizeof *batch + batch->arena.n_bytes + encoded + batch->room_changes * per_change +
	       batch->n_lifecycle * (sizeof *batch->lifecycle + RECORD_OVERHEAD_BYTES) +
	       batch->puts.room * sizeof *batch->puts.puts;
}
