#include "bridge/kopano/share.h"

#include "bridge/kopano/kopano.h"

static void turn_to(struct kopano *kopano, const struct batch *batch)
{
	struct shares *shares = &kopano->shares;
	shares->batch = batch;
	shares->turn++;
	shares->server = NULL;
	shares->store_info = NULL;
	shares->observed_at_ns = now_ns();
}

struct batch *share_batch(struct kopano *kopano, const char *stream)
{
	struct batch *batch = batch_new(stream);
	turn_to(kopano, batch);
	return batch;
}

/* ---- copies ---- */

static const struct server_info *server_of(struct kopano *kopano, struct batch *batch)
{
	if (kopano->shares.batch != batch)
		turn_to(kopano, batch);
	if (!kopano->shares.server) {
		struct server_info *copy = arena_alloc(&batch->arena, sizeof *copy);
		*copy = kopano->server;
		kopano->shares.server = copy;
	}
	return kopano->shares.server;
}

const struct store_info *share_store(struct kopano *kopano, uint32_t store, struct batch *batch)
{
	struct shares *shares = &kopano->shares;
	if (shares->batch != batch)
		turn_to(kopano, batch);
	if (!shares->store_info || shares->store != store) {
		shares->store_info = map_store_info(&kopano->map, store, &batch->arena);
		shares->store = store;
	}
	return shares->store_info;
}

/* Two folders of one slot take turns in it, and get further copies: rare, and right. */
static const struct share_slot *share_folder(struct kopano *kopano, uint32_t folder, struct batch *batch)
{
	struct shares *shares = &kopano->shares;
	if (shares->batch != batch)
		turn_to(kopano, batch);
	struct share_slot *slot = &shares->slots[folder % SHARE_SLOTS];
	if (slot->turn == shares->turn && slot->folder == folder)
		return slot;
	*slot = (struct share_slot){.turn = shares->turn,
				    .folder = folder,
				    .store = share_store(kopano, map_folder(&kopano->map, folder)->store, batch),
				    .info = map_folder_info(&kopano->map, folder, &batch->arena)};
	return slot;
}

/* ---- what points to them ---- */

void share_server(struct kopano *kopano, struct batch *batch, struct change *change)
{
	change->server = server_of(kopano, batch);
	change->observed_at_ns = kopano->shares.observed_at_ns;
}

void share_fill(struct kopano *kopano, uint32_t folder, struct batch *batch, struct change *change)
{
	share_server(kopano, batch, change);
	change->object_type = OBJECT_ITEM;
	if (folder == NO_FOLDER)
		return;
	const struct share_slot *slot = share_folder(kopano, folder, batch);
	change->store = slot->store;
	change->folder = slot->info;
	change->parent_source_key = slot->info->source_key;
}

struct change *share_change(struct kopano *kopano, uint32_t folder, struct batch *batch)
{
	struct change *change = batch_change(batch);
	share_fill(kopano, folder, batch, change);
	return change;
}

void share_lifecycle(struct kopano *kopano, uint32_t folder, struct batch *batch, enum lifecycle_type type,
		     const char *text)
{
	struct lifecycle *event = batch_lifecycle(batch, type);
	event->server = server_of(kopano, batch);
	if (folder != NO_FOLDER) {
		const struct share_slot *slot = share_folder(kopano, folder, batch);
		event->store = slot->store;
		event->folder = slot->info;
	}
	event->text = arena_text(&batch->arena, "%s", text);
	event->time_ns = now_ns();
}

void share_store_lifecycle(struct kopano *kopano, uint32_t store, struct batch *batch, enum lifecycle_type type,
			   const char *text)
{
	share_lifecycle(kopano, NO_FOLDER, batch, type, text);
	batch->lifecycle[batch->n_lifecycle - 1].store = share_store(kopano, store, batch);
}

void share_bracket(struct kopano *kopano, uint32_t folder, struct batch *batch, enum change_kind kind,
		   const uint8_t snapshot_id[SNAPSHOT_ID_SIZE])
{
	struct change *change = share_change(kopano, folder, batch);
	change->kind = kind;
	change->origin = ORIGIN_SNAPSHOT;
	memcpy(change->snapshot_id, snapshot_id, SNAPSHOT_ID_SIZE);
}
