#include "bridge/kopano/kopano.h"
#include "core/step.h"

bool no_access(const struct kopano *kopano, int rc)
{
	return rc == ERR_BAD && client_er(kopano->client) == KOPANO_NO_ACCESS;
}

/* ---- proof ---- */

static int prove_alive(struct kopano *kopano, uint32_t folder, struct err *err)
{
	struct arena arena = {0};
	struct object object;
	int rc = client_load_object(kopano->client, kopano->folders[folder].info.entry_id, MUST_NOT_BE_SOFT_DELETED,
				    &arena, &object, err);
	arena_free(&arena);
	return rc;
}

int folder_prove(struct kopano *kopano, struct stream *stream, uint32_t folder, bool *proven, struct err *err)
{
	uint32_t maximum;
	int alive = prove_alive(kopano, folder, err);
	int rc = alive ? alive : stream_maximum(kopano, stream, &maximum, err);
	*proven = rc == 0;
	if (no_access(kopano, rc))
		return folder_suspend(kopano, stream), 0;
	if (alive == ERR_GONE)
		return folder_end(kopano, stream, "it was deleted"), 0;
	if (rc == ERR_GONE)
		return stream->poll_at_ms = 0, 0;
	return rc;
}

/* ---- lost and back ---- */

static void announce(struct kopano *kopano, const struct stream *stream, enum lifecycle_type type, const char *text)
{
	struct batch *batch = share_batch(kopano, stream->name);
	share_lifecycle(kopano, stream->folder, batch, type, text);
	hand_over(kopano, batch);
}

void folder_suspend(struct kopano *kopano, struct stream *stream)
{
	stream->poll_at_ms = clock_ms() + (int64_t)STEP_LIMIT(SUSPENDED_POLL_MS);
	round_note(stream, 0); /* there is no more to be had */
	if (stream->suspended)
		return;
	stream->suspended = true;
	announce(kopano, stream, LIFECYCLE_SUSPENDED, "the right to read this folder is gone; its position is kept");
}

void folder_resume(struct kopano *kopano, struct stream *stream)
{
	stream->suspended = false;
	announce(kopano, stream, LIFECYCLE_RESUMED, "the right to read this folder is back");
}

/* ---- the end ---- */

void folder_end(struct kopano *kopano, struct stream *stream, const char *why)
{
	struct folder *folder = &kopano->folders[stream->folder];
	struct batch *batch = share_batch(kopano, stream->name);
	uint8_t id[SNAPSHOT_ID_SIZE];
	random_bytes(id, sizeof id);
	share_bracket(kopano, stream->folder, batch, CHANGE_SNAPSHOT_BEGIN, id);
	share_bracket(kopano, stream->folder, batch, CHANGE_SNAPSHOT_END, id);
	share_lifecycle(kopano, stream->folder, batch, LIFECYCLE_FOLDER_ENDED, why);
	stream_remove(stream, batch);
	listing_remove(kopano, stream->folder, batch);
	folder->listed = ENTRY_ENDED;
	folder_put_entry(folder, batch);
	hand_over(kopano, batch);
}
