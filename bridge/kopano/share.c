#include "bridge/kopano/share.h"

#include "bridge/kopano/kopano.h"

static void turn_to(struct kopano *kopano, const struct batch *batch)
{
	struct shares *shares = &kopano->shares;
	shares->batch = batch;
	shares->turn++;
	shares->server = NULL;
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

static const struct store_info *copy_store(struct batch *batch, const struct store_info *store)
{
	struct store_info *copy = arena_alloc(&batch->arena, sizeof *copy);
	*copy = *store;
	copy->entry_id = arena_copy(&batch->arena, store->entry_id);
	copy->owner = arena_copy(&batch->arena, store->owner);
	return copy;
}

static const struct folder_info *copy_folder(struct batch *batch, const struct folder_info *info)
{
	struct folder_info *copy = arena_alloc(&batch->arena, sizeof *copy);
	copy->source_key = arena_copy(&batch->arena, info->source_key);
	copy->entry_id = arena_copy(&batch->arena, info->entry_id);
	copy->path = arena_copy(&batch->arena, info->path);
	copy->container_class = arena_copy(&batch->arena, info->container_class);
	return copy;
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
	const struct folder *known = &kopano->folders[folder];
	*slot = (struct share_slot){.turn = shares->turn,
				    .folder = folder,
				    .store = copy_store(batch, &known->store),
				    .info = copy_folder(batch, &known->info)};
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
	const struct share_slot *slot = share_folder(kopano, folder, batch);
	share_server(kopano, batch, change);
	change->store = slot->store;
	change->folder = slot->info;
	change->parent_source_key = slot->info->source_key;
	change->object_type = OBJECT_ITEM;
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

void share_bracket(struct kopano *kopano, uint32_t folder, struct batch *batch, enum change_kind kind,
		   const uint8_t snapshot_id[SNAPSHOT_ID_SIZE])
{
	struct change *change = share_change(kopano, folder, batch);
	change->kind = kind;
	change->origin = ORIGIN_SNAPSHOT;
	memcpy(change->snapshot_id, snapshot_id, SNAPSHOT_ID_SIZE);
}
