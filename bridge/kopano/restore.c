#include <stdlib.h>

#include "bridge/kopano/kopano.h"
#include "bridge/kopano/map_state.h"

/* A server that was set back to an earlier time gives change ids again that it had given before, to other changes. It
 * is known by its highest change id, by what it keeps of our sync ids, and by the sync ids that it gives, all of which
 * never go back otherwise. Everything is announced and listed anew then, in a new epoch. */

int restore_check(struct kopano *kopano, struct err *err)
{
	size_t n = 0;
	uint32_t *sync_ids = xcalloc(kopano->n_streams, sizeof *sync_ids);
	uint32_t *change_ids = xcalloc(kopano->n_streams, sizeof *change_ids);
	uint32_t *kept = xcalloc(kopano->n_streams, sizeof *kept);
	for (size_t i = 0; i < kopano->n_streams; i++) {
		const struct stream *stream = kopano->streams[i];
		if (stream->ended || !stream->kept.sync_id)
			continue;
		sync_ids[n] = stream->kept.sync_id;
		kept[n++] = stream->kept.change_id;
	}
	int rc = n ? client_sync_states(kopano->client, sync_ids, n, change_ids, err) : 0;
	bool went_back = false;
	/* One that is not there has expired, and says nothing. */
	for (size_t i = 0; rc == 0 && i < n; i++)
		went_back |= change_ids[i] && change_ids[i] < kept[i];
	free(sync_ids);
	free(change_ids);
	free(kept);
	if (went_back)
		return restore_suspect(kopano, SIGN_KEPT, err);
	if (rc == 0)
		restore_unsuspect(kopano, SIGN_KEPT);
	return passing(rc, err);
}

/* ---- what becomes of everything ---- */

static void forget_stream(struct kopano *kopano, struct stream *stream, struct batch *batch)
{
	bool ended = stream->ended;
	stream_remove(stream, batch);
	stream->ended = ended;
	stream->started = stream->suspended = stream->has_goal = false;
	stream->sync_id = stream->still = 0;
	stream->kept = (struct stream_position){0};
	settle_free(&stream->settle);
	settle_start(&stream->settle, 1, kopano->config->settle_ms);
	stream->due = true;
	stream->poll_at_ms = 0;
}

/* The ids that they wait for may never be given again. */
static void forget_holds(struct kopano *kopano, struct batch *batch)
{
	for (uint32_t f = 0; f < kopano->map.folders_used; f++) {
		if (!(map_folder(&kopano->map, f)->flags & FOLDER_REVIVED))
			continue;
		map_flag_folder(&kopano->map, f, FOLDER_REVIVED, 0);
		map_put_folder_entry(&kopano->map, f, batch);
	}
}

static void forget_listings(struct kopano *kopano, struct batch *batch)
{
	while (kopano->n_listings)
		listing_remove(kopano, kopano->listings[0]->folder, batch);
	forget_holds(kopano, batch);
	told_forget(&kopano->told);
	listing_look_again(kopano);
}

static void begin_anew(struct kopano *kopano, const char *why)
{
	bool snapshot = kopano->config->follow->snapshot;
	window_drop(kopano);
	folders_drop(kopano);
	struct batch *batch = share_batch(kopano, "restore");
	for (size_t i = 0; i < kopano->n_streams; i++)
		forget_stream(kopano, kopano->streams[i], batch);
	forget_listings(kopano, batch);
	kopano->server.epoch++;
	kopano->generation++;
	kopano->start_max = kopano->maximum = 0;
	kopano->maxima = (struct notes){.keep_ms = kopano->config->settle_ms};
	kopano->resync = snapshot;
	put_ends(kopano, batch);
	share_lifecycle(kopano, NO_FOLDER, batch, LIFECYCLE_RESTORED, why);
	if (!snapshot)
		share_lifecycle(kopano, NO_FOLDER, batch, LIFECYCLE_MISSED,
				"what has changed since the time to which the server was set back is not published");
	hand_over(kopano, batch);
	stores_anew(kopano);
}

static const char *text_of(enum restore_sign sign)
{
	switch (sign) {
	case SIGN_MAXIMUM:
		return "its highest change id is below one that it had given";
	case SIGN_KEPT:
		return "it keeps an older change id than it was given to keep";
	default:
		return "a new sync id is not above an old one";
	}
}

void restore_unsuspect(struct kopano *kopano, enum restore_sign sign)
{
	kopano->suspected &= ~(unsigned)sign;
}

/* It is the dearest thing that can be done: one sign is not enough, and the session could be of a confused server. */
int restore_suspect(struct kopano *kopano, enum restore_sign sign, struct err *err)
{
	const char *why = text_of(sign);
	if (kopano->suspected & sign) {
		kopano->suspected = 0;
		begin_anew(kopano, why);
		return err_set(err, ERR_AGAIN, "the server was set back to an earlier time (%s)", why);
	}
	kopano->suspected |= sign;
	kopano->log_on_again = true;
	return err_set(err, ERR_AGAIN, "the server seems to have been set back to an earlier time (%s): looking again",
		       why);
}
