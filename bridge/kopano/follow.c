#include <stdlib.h>

#include "bridge/kopano/kopano.h"

/* ---- the start ---- */

void put_ends(struct kopano *kopano, struct batch *batch)
{
	struct ends ends = {.server = kopano->server,
			    .mode = (uint8_t)kopano->config->follow->mode,
			    .following = FOLLOWING_FOLDERS};
	batch_put(batch, slice_of_text(ENTRY_ENDS), ends_write(&batch->arena, &ends));
}

/* The batch of BEGIN also carries where following starts: so no cursor exists without it. */
static void publish_start(struct kopano *kopano, struct stream *stream, const struct ids *ids)
{
	struct batch *batch = share_batch(kopano, stream->name);
	put_ends(kopano, batch);
	folder_put_entry(&kopano->folders[stream->folder], batch);
	stream_put_start(stream, ids, batch);
	if (snapshot_wanted(kopano, stream->folder))
		snapshot_begin(kopano, stream, stream->folder, batch);
	hand_over(kopano, batch);
}

static int follow_start(struct kopano *kopano, struct stream *stream, struct err *err)
{
	struct ids ids = {0};
	int rc = stream_start(kopano, stream, 0, &ids, err);
	if (rc == 0)
		publish_start(kopano, stream, &ids);
	free(ids.ids);
	if (no_access(kopano, rc))
		return folder_suspend(kopano, stream), 0;
	if (rc == ERR_GONE)
		return folder_end(kopano, stream, "it was deleted"), 0;
	return rc;
}

static void begin_missing_snapshot(struct kopano *kopano, struct stream *stream)
{
	struct batch *batch = share_batch(kopano, stream->name);
	snapshot_begin(kopano, stream, stream->folder, batch);
	hand_over(kopano, batch);
}

/* ---- steps ---- */

int follow_step(struct kopano *kopano, struct stream *stream, struct err *err)
{
	if (stream->ending)
		return folder_end(kopano, stream, "the configuration does not name it any more"), 0;
	if (!stream->started)
		return follow_start(kopano, stream, err);
	if (!stream->suspended && snapshot_wanted(kopano, stream->folder))
		return begin_missing_snapshot(kopano, stream), 0;
	return stream_ask(kopano, stream, err);
}

struct stream *follow_due(struct kopano *kopano)
{
	int64_t now = clock_ms();
	for (size_t i = 0; i < kopano->n_streams; i++) {
		size_t at = (kopano->turn + i) % kopano->n_streams;
		struct stream *stream = kopano->streams[at];
		if (stream->ended || stream->poll_at_ms > now)
			continue;
		kopano->turn = at + 1;
		return stream;
	}
	return NULL;
}

int64_t follow_wait_ms(const struct kopano *kopano)
{
	int64_t next = INT64_MAX;
	for (size_t i = 0; i < kopano->n_streams; i++)
		if (!kopano->streams[i]->ended && kopano->streams[i]->poll_at_ms < next)
			next = kopano->streams[i]->poll_at_ms;
	int64_t wait = next == INT64_MAX ? 60000 : next - clock_ms(), book = book_wait_ms(kopano);
	wait = wait < book ? wait : book;
	return wait > 0 ? wait : 0;
}
