#include "bridge/kopano/doorbell.h"

#include <stdlib.h>

#include "bridge/kopano/kopano.h"

enum { LISTEN_MS = 1000, START_AGAIN_MS = 5000, FIRST_NUMBER = 2, ID_STORE_AT = 4 /* in an entry id */ };

static const int64_t again_ms[] = {2, 5, 10, 25, 50, 200, 1000};

enum { N_AGAIN = sizeof again_ms / sizeof *again_ms };

static bool is_wanted(const struct kopano *kopano)
{
	const struct follow *follow = kopano->config->follow;
	return follow->notifications != NOTIFICATIONS_OFF && !follow->once &&
	       (follow->objects & (FOLLOW_ITEM | FOLLOW_FOLDER));
}

/* ---- whom to listen to ---- */

static bool is_listened_to(const struct map *map, uint32_t store)
{
	unsigned needed = STORE_FOLLOWED | STORE_MAPPED;
	return (map_store(map, store)->flags & needed) == needed;
}

static uint64_t fingerprint(const struct map *map)
{
	uint64_t print = 14695981039346656037U; /* FNV-1a */
	for (uint32_t s = map_next_store(map, MAP_NONE); s != MAP_NONE; s = map_next_store(map, s))
		if (is_listened_to(map, s))
			print = (print ^ (s + 1)) * 1099511628211U;
	return print;
}

/* Both kinds of objects, whatever is published: a folder's own event tells that its items may have changed places. */
static void tell_bell(struct kopano *kopano)
{
	const struct map *map = &kopano->map;
	struct arena arena = {0};
	struct subscription *list = xmalloc(map->n_stores * sizeof *list + 1);
	size_t n = 0;
	for (uint32_t s = map_next_store(map, MAP_NONE); s != MAP_NONE; s = map_next_store(map, s))
		if (is_listened_to(map, s))
			list[n++] = (struct subscription){.number = s + FIRST_NUMBER,
							  .mask = NOTICE_EVENTS | NOTICE_OF_ITEMS | NOTICE_OF_FOLDERS |
								  NOTICE_NO_COUNTERS,
							  .key = map_store_entry_id(map, s, &arena)};
	bell_follow(kopano->doorbell.bell, list, n);
	free(list);
	arena_free(&arena);
}

static void on_ring(void *context)
{
	struct kopano *kopano = context;
	pthread_mutex_lock(&kopano->mutex);
	kopano->doorbell.rang = true;
	pthread_cond_broadcast(&kopano->stopped);
	pthread_mutex_unlock(&kopano->mutex);
}

/* Without a thread or descriptors for it the interval holds, and later it is tried again. */
static bool is_started(struct kopano *kopano)
{
	struct doorbell *doorbell = &kopano->doorbell;
	bool is_told = kopano->config->follow->notifications == NOTIFICATIONS_PUBLISH;
	struct bell_parts parts = {
		.login = &kopano->config->login, .ring = on_ring, .context = kopano, .room = is_told ? NOTICE_ROOM : 0};
	struct err err;
	if (doorbell->bell || clock_ms() < doorbell->start_at_ms)
		return doorbell->bell != NULL;
	struct bell *bell = bell_start(&parts, &err);
	pthread_mutex_lock(&kopano->mutex);
	doorbell->bell = bell;
	pthread_mutex_unlock(&kopano->mutex);
	doorbell->start_at_ms = clock_ms() + START_AGAIN_MS;
	return bell != NULL;
}

void doorbell_listen(struct kopano *kopano)
{
	struct doorbell *doorbell = &kopano->doorbell;
	int64_t now = clock_ms();
	if (!is_wanted(kopano) || now - doorbell->looked_at_ms < LISTEN_MS)
		return;
	doorbell->looked_at_ms = now;
	uint64_t stores = fingerprint(&kopano->map);
	if (stores == doorbell->stores || !is_started(kopano))
		return;
	doorbell->stores = stores;
	tell_bell(kopano);
}

/* ---- what is read when it rings ---- */

bool doorbell_rang(const struct kopano *kopano)
{
	return kopano->doorbell.rang;
}

/* Due now, but for one that pauses after a failure. */
static void stream_rang(struct stream *stream)
{
	bool pauses = stream->due && !stream->ringing.on && stream->poll_at_ms > clock_ms();
	if (stream->ended || stream->suspended || !stream->started)
		return;
	stream->ringing = (struct ringing){.on = true, .n_taken = stream->n_taken};
	if (pauses)
		return;
	stream->due = true;
	stream->poll_at_ms = clock_ms();
}

/* What the map does not know yet is found by the hierarchy, which then lists it. */
static void folder_rang(struct kopano *kopano, struct slice entry_id)
{
	if (entry_id.size < ID_STORE_AT + GUID_SIZE)
		return;
	uint32_t store = map_find_store(&kopano->map, entry_id.data + ID_STORE_AT);
	uint32_t folder = store == MAP_NONE ? MAP_NONE : tell_find(&kopano->doorbell.tell, store, entry_id);
	struct stream *stream = folder == MAP_NONE ? NULL : stream_of_items(kopano, folder);
	if (stream)
		stream_rang(stream);
}

static void hierarchies_rang(struct kopano *kopano)
{
	for (size_t i = 0; i < kopano->n_streams; i++)
		if (stream_is_hierarchy(kopano->streams[i]))
			stream_rang(kopano->streams[i]);
}

static void those_rang(struct kopano *kopano, const struct rung *rung)
{
	if (rung->hierarchy)
		hierarchies_rang(kopano);
	if (kopano->following == FOLLOWING_SERVER && rung->n_folders)
		stream_rang(kopano->server_stream);
	if (kopano->following == FOLLOWING_SERVER)
		return;
	for (size_t i = 0; i < rung->n_folders; i++)
		folder_rang(kopano, rung->folders[i]);
}

/* What rings from here on is for the next time: it is taken before anything is asked. */
void doorbell_answer(struct kopano *kopano)
{
	struct doorbell *doorbell = &kopano->doorbell;
	struct rung rung;
	pthread_mutex_lock(&kopano->mutex);
	bool rang = doorbell->rang;
	doorbell->rang = false;
	pthread_mutex_unlock(&kopano->mutex);
	if (!rang || !doorbell->bell || !bell_take(doorbell->bell, &rung))
		return;
	int64_t next_ms = rung.any ? clock_ms() : clock_ms() + kopano->config->poll_ms;
	doorbell->alert_until_ms = clock_ms() + kopano->config->settle_ms;
	if (next_ms < kopano->maximum_at_ms)
		kopano->maximum_at_ms = next_ms;
	doorbell->tell.map = &kopano->map;
	those_rang(kopano, &rung);
	rung_free(&rung);
}

void doorbell_answered(struct kopano *kopano, struct stream *stream)
{
	struct ringing *ringing = &stream->ringing;
	(void)kopano;
	if (!ringing->on)
		return;
	ringing->on = stream->n_taken == ringing->n_taken && ringing->tries < N_AGAIN;
	if (!ringing->on || stream->due)
		return;
	stream->due = true;
	stream->poll_at_ms = clock_ms() + again_ms[ringing->tries++];
}

int64_t doorbell_interval_ms(const struct kopano *kopano, bool is_still)
{
	const struct kopano_config *config = kopano->config;
	bool slow = is_still && clock_ms() >= kopano->doorbell.alert_until_ms && config->sweep_ms > config->poll_ms &&
		    kopano->doorbell.bell && bell_works(kopano->doorbell.bell);
	return slow ? config->sweep_ms : config->poll_ms;
}

/* ---- what is told ---- */

/* Its journal may have ended it while the notice was on its way. */
static bool is_known_followed(const struct map_folder *folder)
{
	return folder->flags & (FOLDER_FOLLOWED | FOLDER_ENDED);
}

/* A folder that nobody knows yet is told of if it can be expected to be followed. */
static bool is_followed(void *context, uint32_t folder, uint32_t parent)
{
	struct kopano *kopano = context;
	const struct map *map = &kopano->map;
	bool all = !kopano->config->follow->folders;
	if (folder != MAP_NONE)
		return is_known_followed(map_folder(map, folder));
	if (parent == MAP_NONE) /* one that has just been created was changed; this account may see it */
		return all && kopano->following == FOLLOWING_SERVER;
	bool is_top = map_store(map, map_folder(map, parent)->store)->subtree == parent;
	return is_known_followed(map_folder(map, parent)) || (is_top && all);
}

static bool take_notices(struct kopano *kopano)
{
	struct doorbell *doorbell = &kopano->doorbell;
	if (!doorbell->bell || kopano->config->follow->notifications != NOTIFICATIONS_PUBLISH)
		return false;
	if (!notices_are_none(&doorbell->notices))
		return true;
	doorbell->next = 0;
	return bell_take_notices(doorbell->bell, &doorbell->notices);
}

static void tell_some(struct kopano *kopano, struct batch *batch)
{
	struct doorbell *doorbell = &kopano->doorbell;
	const struct notices *notices = &doorbell->notices;
	while (doorbell->next < notices->n && batch->n_changes + 2 <= BATCH_CHANGES) {
		const struct heard_notice *heard = &notices->list[doorbell->next++];
		uint32_t store = heard->notice.number - FIRST_NUMBER;
		if (store < kopano->map.stores_used && map_store(&kopano->map, store)->used)
			tell_notice(&doorbell->tell, store, heard, batch);
	}
}

struct batch *doorbell_batch(struct kopano *kopano)
{
	struct doorbell *doorbell = &kopano->doorbell;
	struct notices *notices = &doorbell->notices;
	if (!take_notices(kopano))
		return NULL;
	struct batch *batch = share_batch(kopano, "notifications");
	doorbell->tell.map = &kopano->map;
	doorbell->tell.server = &kopano->server;
	doorbell->tell.is_followed = is_followed;
	doorbell->tell.context = kopano;
	doorbell->tell.objects = kopano->config->follow->objects;
	if (doorbell->next == 0 && notices->missed)
		share_lifecycle(kopano, NO_FOLDER, batch, LIFECYCLE_MISSED,
				"notifications are published from here on; what came before was not");
	tell_some(kopano, batch);
	if (doorbell->next == notices->n && notices->n_dropped)
		share_lifecycle(kopano, NO_FOLDER, batch, LIFECYCLE_MISSED,
				arena_text(&batch->arena, "%llu notifications were dropped: the sink was too slow",
					   (unsigned long long)notices->n_dropped));
	if (doorbell->next == notices->n)
		notices_free(notices);
	if (batch->n_changes || batch->n_lifecycle)
		return batch;
	batch_free(batch);
	return NULL;
}

/* ---- the rest ---- */

void doorbell_report(const struct kopano *kopano, struct report *report)
{
	if (kopano->doorbell.bell)
		bell_report(kopano->doorbell.bell, report_group(report, "notifications"));
}

void doorbell_stop(struct kopano *kopano)
{
	bell_stop(kopano->doorbell.bell);
	notices_free(&kopano->doorbell.notices);
}
