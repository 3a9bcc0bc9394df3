#include <stdlib.h>

#include "bridge/kopano/kopano.h"

enum { ALL_CHANGES = SYNC_READ_STATE | SYNC_NORMAL | SYNC_ASSOCIATED };

static int register_sync(struct kopano *kopano, struct followed *followed, struct err *err)
{
	uint32_t sync_id = 0;
	int rc = client_set_sync(kopano->client, followed->folder.source_key, SYNC_CONTENTS, 0, &sync_id, err);
	if (rc)
		return rc;
	followed->sync_id = sync_id;
	followed->checked = true;
	followed->kept_at_ms = clock_ms();
	return 0;
}

/* ---- the start ---- */

struct ids {
	uint32_t *ids;
	size_t n, room;
};

static void add_id(struct ids *ids, uint32_t id)
{
	if (ids->n == ids->room) {
		ids->room = ids->room ? 2 * ids->room : 256;
		ids->ids = xrealloc(ids->ids, ids->room * sizeof *ids->ids);
	}
	ids->ids[ids->n++] = id;
}

static int read_ids(struct kopano *kopano, const struct followed *followed, uint32_t from, struct ids *ids,
		    uint32_t *max, struct err *err)
{
	struct journal_entry entry;
	int rc = client_changes(kopano->client, followed->sync_id, from, SYNC_CONTENTS, ALL_CHANGES, err);
	while (rc == 0 && (rc = client_next_entry(kopano->client, &entry, max, err)) == 0)
		add_id(ids, entry.change_id);
	return rc == KOPANO_END ? 0 : rc;
}

static void put_ends(struct kopano *kopano, struct batch *batch)
{
	struct ends ends = {.server = kopano->server,
			    .mode = (uint8_t)kopano->config->follow->mode,
			    .following = FOLLOWING_FOLDERS};
	batch_put(batch, slice_of_text(ENTRY_ENDS), ends_write(&batch->arena, &ends));
}

/* The batch of BEGIN also carries where following starts: so no cursor exists without it. */
static void publish_start(struct kopano *kopano, struct followed *followed, const struct ids *ids)
{
	bool snapshot = snapshot_wanted(kopano, followed);
	struct batch *batch = batch_new(snapshot ? followed->snapshot_stream : followed->contents_stream);
	put_ends(kopano, batch);
	put_entry(followed, batch);
	settle_take(&followed->settle, ids->ids, ids->n, batch, followed->taken_key);
	put_position(followed, batch);
	if (snapshot)
		snapshot_begin(kopano, followed, batch);
	followed->started = true;
	hand_over(kopano, batch);
}

/* Following starts below the folder's own maximum, with all that is visible there now as taken: what appears there
 * later was on its way. 0 would mean "list all" (kopano-protocol 4.4). */
static int note_start(struct kopano *kopano, struct followed *followed, struct ids *ids, struct err *err)
{
	uint32_t max = 0;
	int rc = register_sync(kopano, followed, err);
	if (rc == 0 && followed->given)
		return 0;
	if (rc == 0)
		rc = folder_maximum(kopano, followed, &max, err);
	uint32_t from = max > START_MARGIN ? max - START_MARGIN : 1;
	if (rc == 0)
		rc = read_ids(kopano, followed, from, ids, &max, err);
	settle_start(&followed->settle, from, kopano->config->settle_ms);
	settle_note(&followed->settle, clock_ms(), max);
	return rc;
}

int follow_start(struct kopano *kopano, struct followed *followed, struct err *err)
{
	struct ids ids = {0};
	int rc = note_start(kopano, followed, &ids, err);
	if (rc == 0)
		publish_start(kopano, followed, &ids);
	free(ids.ids);
	if (no_access(kopano, rc))
		return folder_suspend(kopano, followed), 0;
	if (rc == ERR_GONE)
		return folder_end(kopano, followed, "it was deleted"), 0;
	return rc;
}

/* ---- asking ---- */

/* A sync id that the server does not know any more, or that is another folder's since a restore, is replaced: the
 * change id is what counts, nothing is missed. If the folder itself is unknown, it is gone. */
static int replace_sync(struct kopano *kopano, struct followed *followed, struct err *err)
{
	int rc = register_sync(kopano, followed, err);
	if (no_access(kopano, rc))
		return folder_suspend(kopano, followed), 0;
	if (rc == ERR_GONE)
		return folder_end(kopano, followed, "it was deleted"), 0;
	if (rc)
		return passing(rc, err);
	followed->poll_at_ms = clock_ms();
	struct batch *batch = batch_new(followed->contents_stream);
	put_position(followed, batch);
	hand_over(kopano, batch);
	return 0;
}

int follow_refused(struct kopano *kopano, struct followed *followed, int rc, struct err *err)
{
	uint32_t er = client_er(kopano->client);
	if (no_access(kopano, rc))
		return folder_suspend(kopano, followed), 0;
	if (rc == ERR_GONE || (rc == ERR_BAD && (er == KOPANO_COLLISION || er == KOPANO_INVALID_PARAMETER)))
		return replace_sync(kopano, followed, err);
	/* The caller pauses; an interval of an hour is for reads that went well. */
	int64_t soon = clock_ms() + RETRY_POLL_MS;
	if (followed->poll_at_ms > soon)
		followed->poll_at_ms = soon;
	return passing(rc, err);
}

/* Whether the sync id is (still) this folder's: asked after each logon, and daily to keep it alive. getChanges would
 * not tell: it answers with whatever folder the id belongs to. */
static int check_sync(struct kopano *kopano, struct followed *followed, struct err *err)
{
	if (followed->checked && clock_ms() - followed->kept_at_ms < KEEP_ALIVE_MS)
		return 0;
	if (followed->sync_id == 0)
		return err_set(err, ERR_GONE, "there is no sync id yet");
	int rc = client_set_sync(kopano->client, followed->folder.source_key, SYNC_CONTENTS, followed->settle.settled,
				 &followed->sync_id, err);
	followed->checked = rc == 0;
	followed->kept_at_ms = clock_ms();
	return rc;
}

/* A long backlog is read after the ids have settled, so that its position moves as it is read. */
static int wait_for_backlog(struct kopano *kopano, struct followed *followed, bool *wait, struct err *err)
{
	struct settle *settle = &followed->settle;
	uint32_t max = 0;
	*wait = false;
	if (settle->n_notes)
		return 0;
	int rc = folder_maximum(kopano, followed, &max, err);
	if (rc)
		return rc;
	settle_note(settle, clock_ms(), max);
	*wait = max > settle->settled && max - settle->settled > BACKLOG_IDS;
	if (*wait)
		followed->poll_at_ms = clock_ms() + settle->settle_ms;
	return 0;
}

static uint32_t wanted_changes(const struct kopano *kopano)
{
	return SYNC_READ_STATE | SYNC_NORMAL | (kopano->config->follow->associated ? SYNC_ASSOCIATED : 0);
}

static int ask(struct kopano *kopano, struct followed *followed, struct err *err)
{
	bool wait = false;
	int rc = check_sync(kopano, followed, err);
	if (rc == 0)
		rc = wait_for_backlog(kopano, followed, &wait, err);
	if (rc || wait)
		return rc;
	uint32_t from = settle_ask(&followed->settle, clock_ms());
	rc = client_changes(kopano->client, followed->sync_id, from, SYNC_CONTENTS, wanted_changes(kopano), err);
	if (rc == 0)
		kopano->reading = followed;
	else
		settle_dropped(&followed->settle);
	return rc;
}

int follow_ask(struct kopano *kopano, struct followed *followed, struct err *err)
{
	followed->poll_at_ms = clock_ms() + kopano->config->poll_ms;
	int rc = ask(kopano, followed, err);
	return rc ? follow_refused(kopano, followed, rc, err) : 0;
}
