#include <stdio.h>
#include <time.h>

#include "bridge/kopano/kopano.h"
#include "bridge/kopano/standing.h"

/* ---- noted by the source's thread ---- */

void status_failed(struct kopano *kopano, const struct err *err)
{
	struct standing *standing = &kopano->standing;
	pthread_mutex_lock(&kopano->mutex);
	if (!standing->outage_since)
		standing->outage_since = time(NULL);
	snprintf(standing->outage, sizeof standing->outage, "%s", err->text);
	pthread_mutex_unlock(&kopano->mutex);
}

void status_back(struct kopano *kopano)
{
	pthread_mutex_lock(&kopano->mutex);
	kopano->standing.outage_since = 0;
	kopano->standing.n_reconnects++;
	pthread_mutex_unlock(&kopano->mutex);
}

/* While the maximum stands there is no lag, whatever the highest id of the stream's own is. */
static uint32_t lag_of(const struct kopano *kopano, const struct stream *stream)
{
	uint32_t settled = stream->settle.settled;
	bool stands = kopano->maximum && stream->still >= kopano->maximum;
	return stands || settled >= kopano->maximum ? 0 : kopano->maximum - settled;
}

static void note_streams(const struct kopano *kopano, struct standing *standing)
{
	standing->streams = arena_zero(&standing->arena, STANDING_STREAMS * sizeof *standing->streams);
	standing->n_streams = standing->n_all_streams = 0;
	for (size_t i = 0; i < kopano->n_streams; i++) {
		const struct stream *stream = kopano->streams[i];
		if (stream->ended || standing->n_all_streams++ >= STANDING_STREAMS)
			continue;
		standing->streams[standing->n_streams++] =
			(struct standing_stream){.name = arena_text(&standing->arena, "%s", stream->name),
						 .settled = stream->settle.settled,
						 .lag = lag_of(kopano, stream),
						 .suspended = stream->suspended};
	}
}

static const char *listing_text(const struct kopano *kopano, const struct listing *listing, struct arena *arena)
{
	struct slice path = map_path(&kopano->map, listing->folder, arena);
	uint32_t store = map_folder(&kopano->map, listing->folder)->store;
	struct slice owner = map_store_owner(&kopano->map, store, arena);
	return arena_text(arena, "\"%.*s\" of %.*s", (int)path.size, (const char *)path.data,
			  owner.size ? (int)owner.size : 16,
			  owner.size ? (const char *)owner.data : "the public store");
}

static void note_listings(const struct kopano *kopano, struct standing *standing)
{
	standing->listings = arena_zero(&standing->arena, kopano->n_listings * sizeof *standing->listings);
	standing->n_listings = kopano->n_listings;
	for (size_t i = 0; i < kopano->n_listings; i++) {
		const struct listing *listing = kopano->listings[i];
		standing->listings[i] =
			(struct standing_listing){.name = arena_text(&standing->arena, "%s", listing->name),
						  .text = listing_text(kopano, listing, &standing->arena),
						  .n_done = listing->n_done,
						  .n_total = listing->n_total};
	}
}

static void note_stores(const struct kopano *kopano, struct standing *standing)
{
	const struct map *map = &kopano->map;
	standing->owners = arena_zero(&standing->arena, map->n_stores * sizeof *standing->owners);
	standing->n_owners = 0;
	for (uint32_t s = map_next_store(map, MAP_NONE); s != MAP_NONE; s = map_next_store(map, s))
		if (map_store(map, s)->flags & STORE_FOLLOWED)
			standing->owners[standing->n_owners++] = map_store(map, s)->type == STORE_PUBLIC
									 ? slice_of_text("public")
									 : map_store_owner(map, s, &standing->arena);
	standing->n_stores = map->n_stores;
	standing->n_folders = map->n_folders;
	standing->map_bytes = map_bytes(map);
}

static void note_all(const struct kopano *kopano, struct standing *standing)
{
	const struct counts *counts = &kopano->counts;
	arena_free(&standing->arena);
	standing->maximum = kopano->maximum;
	standing->epoch = kopano->server.epoch;
	if (kopano->client)
		snprintf(standing->server_version, sizeof standing->server_version, "%s",
			 client_server_version(kopano->client));
	note_streams(kopano, standing);
	note_listings(kopano, standing);
	note_stores(kopano, standing);
	standing->n_filtered = counts->n_filtered;
	standing->n_late = counts->n_late;
	standing->n_unannounced = counts->n_unannounced;
	standing->n_unknown = counts->n_unknown;
	standing->is_noted = true;
}

void status_note(struct kopano *kopano, bool now_rests)
{
	struct standing *standing = &kopano->standing;
	int64_t now = clock_ms(), age = now - standing->noted_at_ms;
	if (!kopano->has_moved || (!now_rests && standing->noted_at_ms && age < NOTE_STANDING_MS))
		return;
	kopano->has_moved = !now_rests;
	pthread_mutex_lock(&kopano->mutex);
	standing->noted_at_ms = now;
	note_all(kopano, standing);
	pthread_mutex_unlock(&kopano->mutex);
}

/* ---- asked by others ---- */

bool standing_knows(const struct standing *standing, const char *owner, int *rc, struct err *err)
{
	*rc = 0;
	if (!standing->is_noted)
		return *rc = err_set(err, ERR_AGAIN, "the source is not logged on yet"), false;
	for (size_t i = 0; i < standing->n_owners; i++)
		if (slice_equal(standing->owners[i], slice_of_text(owner)))
			return true;
	return false;
}

static void report_streams(const struct standing *standing, struct report *report)
{
	struct report *list = report_list(report, "streams");
	uint32_t lag = 0;
	for (size_t i = 0; i < standing->n_streams; i++) {
		const struct standing_stream *stream = &standing->streams[i];
		struct report *row = report_row(list);
		report_text(row, "stream", "%s", stream->name);
		report_number(row, "settled", stream->settled);
		report_number(row, "lag", stream->lag);
		report_truth(row, "suspended", stream->suspended);
		lag = stream->lag > lag ? stream->lag : lag;
	}
	report_number(report, "lag", lag);
	report_number(report, "streams_in_all", (int64_t)standing->n_all_streams);
}

static void report_listings(const struct standing *standing, struct report *report)
{
	struct report *list = report_list(report, "snapshots");
	for (size_t i = 0; i < standing->n_listings; i++) {
		struct report *row = report_row(list);
		report_text(row, "stream", "%s", standing->listings[i].name);
		report_text(row, "text", "%s", standing->listings[i].text);
		report_number(row, "done", (int64_t)standing->listings[i].n_done);
		report_number(row, "total", (int64_t)standing->listings[i].n_total);
	}
}

static void report_counts(const struct standing *standing, struct report *report)
{
	report_number(report, "stores", standing->n_stores);
	report_number(report, "stores_followed", (int64_t)standing->n_owners);
	report_number(report, "folders", standing->n_folders);
	report_number(report, "map_bytes", (int64_t)standing->map_bytes);
	report_number(report, "filtered", (int64_t)standing->n_filtered);
	report_number(report, "late", (int64_t)standing->n_late);
	report_number(report, "never_announced", (int64_t)standing->n_unannounced);
	report_number(report, "unknown_folder", (int64_t)standing->n_unknown);
	report_number(report, "reconnects", (int64_t)standing->n_reconnects);
}

void source_status(struct source *source, struct report *report)
{
	struct kopano *kopano = (struct kopano *)source;
	const struct standing *standing = &kopano->standing;
	pthread_mutex_lock(&kopano->mutex);
	report_truth(report, "connected", standing->is_noted && !standing->outage_since);
	if (standing->outage_since) {
		report_text(report, "outage", "%s", standing->outage);
		report_number(report, "since", standing->outage_since);
	}
	if (standing->is_noted) {
		report_text(report, "server", "%s, Kopano %s", kopano->config->login.url, standing->server_version);
		report_number(report, "epoch", standing->epoch);
		report_number(report, "maximum", standing->maximum);
		report_streams(standing, report);
		report_listings(standing, report);
		report_counts(standing, report);
	}
	doorbell_report(kopano, report);
	pthread_mutex_unlock(&kopano->mutex);
}
