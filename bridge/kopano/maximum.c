#include "bridge/kopano/kopano.h"

/* The server's highest change id, whatever it is of: one call, and its cost does not grow with the server as long as
 * the sync id that it is asked on has no folders below it (the server looks at each of them). So it is the server's own
 * stream, or the stream of a folder's items, which answers this question of folders too. */

static bool can_tell(const struct kopano *kopano, const struct stream *stream)
{
	return stream->kind == STREAM_CONTENTS && stream->started && stream->sync_id && !stream->suspended &&
	       !stream->ended && map_folder(&kopano->map, stream->folder)->first_child == MAP_NONE;
}

/* NULL: nobody can. */
static struct stream *teller(const struct kopano *kopano)
{
	if (kopano->following == FOLLOWING_SERVER)
		return kopano->folders_stream;
	for (size_t i = 0; i < kopano->n_streams; i++)
		if (can_tell(kopano, kopano->streams[i]))
			return kopano->streams[i];
	for (size_t i = 0; i < kopano->n_streams; i++)
		if (kopano->streams[i]->started && kopano->streams[i]->sync_id && !kopano->streams[i]->ended)
			return kopano->streams[i];
	return NULL;
}

int maximum_of(struct kopano *kopano, const struct stream *stream, uint32_t *max, struct err *err)
{
	struct journal_entry entry;
	int rc = client_changes(kopano->client, stream->sync_id, 0, SYNC_HIERARCHY, SYNC_CATCHUP | SYNC_NORMAL, err);
	while (rc == 0)
		rc = client_next_entry(kopano->client, SYNC_HIERARCHY, &entry, max, err);
	return rc == KOPANO_END ? 0 : rc;
}

/* The highest id that the server is known to have given. */
static uint32_t known_maximum(const struct kopano *kopano)
{
	uint32_t max = kopano->maximum;
	for (size_t i = 0; i < kopano->n_streams; i++) {
		const struct stream *stream = kopano->streams[i];
		if (stream->started && !stream->ended && stream->settle.settled > max)
			max = stream->settle.settled;
	}
	return max;
}

static void note(struct kopano *kopano, uint32_t max)
{
	int64_t now = clock_ms();
	if (max != kopano->maximum)
		kopano->moved_at_ms = now;
	kopano->maximum = max;
	restore_unsuspect(kopano, SIGN_MAXIMUM);
	notes_add(&kopano->maxima, now, max);
}

/* What has become of the stream its own step finds out. A sync id that is not known is a database error here. */
static int cannot_tell(struct kopano *kopano, struct stream *stream, int rc, struct err *err)
{
	if (rc == ERR_STOPPED || !client_alive(kopano->client))
		return rc; /* what is known stays known: the server may come back from a backup */
	kopano->maximum = 0;
	stream->checked = false;
	stream->due = true;
	if (no_access(kopano, rc) && kopano->following == FOLLOWING_SERVER)
		return right_lost(kopano, stream, err);
	err->class = ERR_GONE;
	return ERR_GONE;
}

int maximum_ask(struct kopano *kopano, struct err *err)
{
	struct stream *stream = teller(kopano);
	uint32_t max = 0;
	if (!stream)
		return err_set(err, ERR_GONE, "nothing is followed that could tell the server's highest change id");
	int rc = maximum_of(kopano, stream, &max, err);
	if (rc)
		return cannot_tell(kopano, stream, rc, err);
	if (max < known_maximum(kopano))
		return restore_suspect(kopano, SIGN_MAXIMUM, err);
	note(kopano, max);
	return 0;
}
