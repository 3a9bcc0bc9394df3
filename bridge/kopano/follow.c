#include "bridge/kopano/follow.h"

#include <stdlib.h>

#include "bridge/kopano/kopano.h"

/* ---- the start of the server's streams ---- */

bool follow_is_started(const struct kopano *kopano)
{
	return kopano->following != FOLLOWING_SERVER || (kopano->server_stream->started && kopano->has_ends);
}

/* What is in the journal up to here is there for the listings; what comes is for the streams. */
int follow_start(struct kopano *kopano, struct err *err)
{
	struct stream *server = kopano->server_stream, *folders = kopano->folders_stream;
	struct ids items = {0}, others = {0};
	uint32_t max = 0;
	int rc = stream_start(kopano, server, &items, &max, err);
	kopano->start_max = max;
	if (rc == 0)
		rc = stream_start(kopano, folders, &others, &max, err);
	if (rc == 0) {
		struct batch *batch = share_batch(kopano, server->name);
		put_ends(kopano, batch);
		stream_put_start(kopano, server, &items, batch);
		stream_put_start(kopano, folders, &others, batch);
		hand_over(kopano, batch);
		late_start(kopano);
	}
	free(items.ids);
	free(items.keys);
	free(others.ids);
	return no_access(kopano, rc) ? right_lost(kopano, server, err) : passing(rc, err);
}

/* ---- streams that begin and end ---- */

static struct stream *stream_of(const struct kopano *kopano, enum stream_kind kind, uint32_t folder)
{
	for (size_t i = 0; i < kopano->n_streams; i++) {
		struct stream *stream = kopano->streams[i];
		if (stream->kind == kind && stream->folder == folder && !stream->ended)
			return stream;
	}
	return NULL;
}

struct stream *stream_of_items(const struct kopano *kopano, uint32_t folder)
{
	return kopano->following == FOLLOWING_SERVER ? kopano->server_stream
						     : stream_of(kopano, STREAM_CONTENTS, folder);
}

/* The position of a new folder: from its creation on, with a sync id that its first step registers. */
static void start_at(struct kopano *kopano, struct stream *stream, uint32_t change_id, struct batch *batch)
{
	settle_start(&stream->settle, change_id, kopano->config->settle_ms);
	stream->started = true;
	stream_put(stream, batch);
}

void follow_folder(struct kopano *kopano, uint32_t folder, uint32_t created_id, struct batch *batch)
{
	if (!(kopano->config->follow->objects & FOLLOW_ITEM))
		return;
	if (created_id)
		listing_forgo(kopano, folder);
	else
		listing_want(kopano, folder);
	if (kopano->following == FOLLOWING_SERVER || stream_of(kopano, STREAM_CONTENTS, folder))
		return;
	struct stream *stream = stream_add(kopano, STREAM_CONTENTS, folder);
	if (created_id)
		start_at(kopano, stream, created_id, batch);
}

void unfollow_folder(struct kopano *kopano, uint32_t folder, struct batch *batch)
{
	struct stream *stream = stream_of(kopano, STREAM_CONTENTS, folder);
	if (stream && stream == kopano->reading)
		window_drop(kopano);
	if (stream)
		stream_remove(stream, batch);
	listing_remove(kopano, folder, batch);
	map_folder(&kopano->map, folder)->listed = 0;
}

uint32_t follow_top(const struct kopano *kopano, uint32_t store)
{
	const struct map_store *known = map_store(&kopano->map, store);
	return known->subtree == MAP_NONE ? known->root : known->subtree;
}

void unfollow_store(struct kopano *kopano, uint32_t store, struct batch *batch)
{
	struct stream *stream = stream_of(kopano, STREAM_HIERARCHY, follow_top(kopano, store));
	if (stream)
		stream_remove(stream, batch);
}

bool follow_saw_creation(const struct kopano *kopano, uint32_t change_id, struct slice source_key)
{
	if (kopano->following == FOLLOWING_FOLDERS)
		return true;
	return change_id > kopano->start_max && !unknown_had(kopano, source_key);
}

/* ---- the start of one stream ---- */

static int begin_stream(struct kopano *kopano, struct stream *stream, struct err *err)
{
	struct ids ids = {0};
	uint32_t max = 0;
	int rc = stream_start(kopano, stream, &ids, &max, err);
	if (rc == 0) {
		struct batch *batch = share_batch(kopano, stream->name);
		put_ends(kopano, batch);
		stream_put_start(kopano, stream, &ids, batch);
		hand_over(kopano, batch);
		listing_look_again(kopano);
	}
	free(ids.ids);
	return rc;
}

int follow_store(struct kopano *kopano, uint32_t store, struct err *err)
{
	uint32_t folder = follow_top(kopano, store);
	struct stream *stream = stream_of(kopano, STREAM_HIERARCHY, folder);
	if (kopano->following == FOLLOWING_SERVER || (stream && stream->started))
		return 0;
	if (!stream)
		stream = stream_add(kopano, STREAM_HIERARCHY, folder);
	int rc = given_begin(kopano, stream, err);
	if (rc == 0)
		rc = begin_stream(kopano, stream, err);
	if (rc)
		stream->ended = true;
	return rc;
}

static int step_start(struct kopano *kopano, struct stream *stream, struct err *err)
{
	int rc = begin_stream(kopano, stream, err);
	stream->due = true;
	stream->poll_at_ms = clock_ms();
	if (no_access(kopano, rc))
		return right_lost(kopano, stream, err);
	if (rc == ERR_GONE)
		return stream_gone(kopano, stream, "it was deleted"), 0;
	return passing(rc, err);
}

/* ---- whose turn it is ---- */

static bool may_have_news(const struct kopano *kopano, const struct stream *stream)
{
	return !kopano->maximum || stream->still < kopano->maximum;
}

static void make_due(struct stream *stream, int64_t at_ms)
{
	if (stream->due || stream->ended)
		return;
	stream->due = true;
	stream->poll_at_ms = at_ms;
}

/* One more of those without news: whether it may still be read is told by nothing else. */
static void make_one_due(struct kopano *kopano)
{
	for (size_t i = 0; i < kopano->n_streams; i++) {
		struct stream *stream = kopano->streams[kopano->turn++ % kopano->n_streams];
		if (stream->ended)
			continue;
		make_due(stream, clock_ms());
		return;
	}
}

int64_t follow_folders_ms(const struct kopano *kopano)
{
	int64_t polls_ms = 10 * kopano->config->poll_ms;
	return polls_ms < FOLDERS_AGAIN_MS ? polls_ms : FOLDERS_AGAIN_MS;
}

/* True: there are none, nor can any come late. */
static bool make_news_due(struct kopano *kopano)
{
	int64_t now = clock_ms();
	bool is_still = true;
	for (size_t i = 0; i < kopano->n_streams; i++) {
		struct stream *stream = kopano->streams[i];
		bool is_slow = stream->kind == STREAM_HIERARCHY && now - stream->poll_at_ms < follow_folders_ms(kopano);
		if (!is_slow && may_have_news(kopano, stream))
			make_due(stream, now);
		is_still &= stream->ended || !may_have_news(kopano, stream);
	}
	return is_still;
}

static bool is_due(const struct stream *stream, int64_t now)
{
	return stream->due && !stream->ended && stream->poll_at_ms <= now;
}

/* Folders before items; what rang before all that is asked by the interval, every other time: a folder that always
 * rings must not starve the others, and does not start the next turn either. */
static int rank_of(const struct kopano *kopano, const struct stream *stream)
{
	bool rang = stream->ringing.on && kopano->turn % 2 == 0;
	return (rang ? 2 : 0) + stream_is_hierarchy(stream);
}

/* In turns. */
static struct stream *next_due(struct kopano *kopano)
{
	int64_t now = clock_ms();
	struct stream *found = NULL;
	for (size_t i = 0; i < kopano->n_streams; i++) {
		struct stream *stream = kopano->streams[(kopano->turn / 2 + i) % kopano->n_streams];
		if (is_due(stream, now) && (!found || rank_of(kopano, stream) > rank_of(kopano, found)))
			found = stream;
	}
	return found;
}

static int look_for_news(struct kopano *kopano, struct err *err)
{
	kopano->maximum_at_ms = clock_ms() + kopano->config->poll_ms;
	int rc = kopano->config->follow->once == ONCE_FOLDER ? ERR_GONE : maximum_ask(kopano, err);
	if (rc && rc != ERR_GONE)
		return rc;
	bool is_still = make_news_due(kopano);
	kopano->maximum_at_ms = clock_ms() + doorbell_interval_ms(kopano, is_still);
	if (kopano->following == FOLLOWING_FOLDERS)
		make_one_due(kopano);
	else if (late_is_due(kopano))
		make_due(kopano->server_stream, clock_ms());
	kopano->answered |= rc == 0 && !next_due(kopano);
	return 0;
}

/* ---- steps ---- */

/* The order is what makes an item's folder known before the item: the server has made up its whole answer before its
 * first byte, and what it names was told of to a question that came later. */
static int ask_server(struct kopano *kopano, struct err *err)
{
	kopano->looks_back = late_is_due(kopano);
	bool waits = kopano->server_stream->due && kopano->server_stream->poll_at_ms > clock_ms();
	int rc = waits ? 0 : stream_ask(kopano, kopano->server_stream, err);
	kopano->folders_at_ms = clock_ms();
	if (rc == 0)
		rc = stream_ask(kopano, kopano->folders_stream, err);
	if (kopano->looks_back)
		late_looked(kopano);
	kopano->looks_back = false;
	return rc;
}

static int step(struct kopano *kopano, struct stream *stream, struct err *err)
{
	kopano->turn++;
	if (kopano->following == FOLLOWING_SERVER)
		return ask_server(kopano, err);
	if (!stream->started)
		return step_start(kopano, stream, err);
	stream->poll_at_ms = clock_ms();
	return stream_ask(kopano, stream, err);
}

/* However much is due: listings and streams without news wait for what the look tells. */
static bool look_is_late(const struct kopano *kopano)
{
	return kopano->maximum_at_ms && clock_ms() - kopano->maximum_at_ms > kopano->config->poll_ms;
}

int follow_step(struct kopano *kopano, bool *idle, struct err *err)
{
	doorbell_answer(kopano);
	struct stream *stream = look_is_late(kopano) ? NULL : next_due(kopano);
	*idle = false;
	if (stream)
		return step(kopano, stream, err);
	*idle = clock_ms() < kopano->maximum_at_ms;
	return *idle ? 0 : look_for_news(kopano, err);
}

int64_t follow_wait_ms(const struct kopano *kopano)
{
	int64_t next = kopano->maximum_at_ms;
	for (size_t i = 0; i < kopano->n_streams; i++) {
		const struct stream *stream = kopano->streams[i];
		if (is_due(stream, INT64_MAX) && stream->poll_at_ms < next)
			next = stream->poll_at_ms;
	}
	int64_t wait = next - clock_ms();
	return wait > 0 ? wait : 0;
}
