#include "core/parcel.h"

#include "core/router.h"

static struct parcel *new_parcel(const struct parcel_maker *maker, enum parcel_kind kind)
{
	struct parcel *parcel = arena_zero(&maker->batch->arena, sizeof *parcel);
	parcel->batch = maker->batch;
	parcel->flight = maker->flight;
	parcel->kind = kind;
	parcel->record.token = parcel;
	return parcel;
}

static void address(struct parcel *parcel, const struct route *route)
{
	parcel->record.topic = route->topic;
	parcel->record.key = route->key;
	parcel->record.type = route->type;
}

/* A parcel of a change, without its value. */
static struct parcel *addressed(const struct parcel_maker *maker, const struct change *change, enum parcel_kind kind)
{
	struct parcel *parcel = new_parcel(maker, kind);
	struct route route;
	route_change(change, &maker->batch->arena, &route);
	address(parcel, &route);
	parcel->change = change;
	parcel->record.subject = change->source_key;
	parcel->record.server = change->server;
	parcel->record.time_ns = change->observed_at_ns;
	return parcel;
}

static struct parcel *encoded(const struct parcel_maker *maker, const struct change *change, enum parcel_kind kind)
{
	struct parcel *parcel = addressed(maker, change, kind);
	parcel->record.value = maker->parts->encoder->change(change, &maker->batch->arena, parcel->record.id);
	return parcel;
}

struct parcel *parcel_record(const struct parcel_maker *maker, const struct change *change)
{
	return encoded(maker, change, PARCEL_RECORD);
}

struct parcel *parcel_keys_alone(const struct parcel_maker *maker, const struct change *change)
{
	struct change *keys = arena_alloc(&maker->batch->arena, sizeof *keys);
	*keys = *change;
	keys->item = NULL;
	keys->folder_properties = NULL;
	keys->user = NULL;
	keys->group = NULL;
	keys->store_properties = NULL;
	keys->cause = CAUSE_NONE;
	return encoded(maker, keys, PARCEL_KEYS_ALONE);
}

static void encode_letter(const struct parcel_maker *maker, struct parcel *letter, struct dead_letter *dead)
{
	struct sink *sink = maker->parts->sink;
	const struct encoder *encoder = maker->parts->encoder;
	struct record *record = &letter->record;
	struct arena *arena = &maker->batch->arena;
	size_t limit = sink->ops->limit(sink, TOPIC_DEADLETTER, record->key);
	if (dead->value.size > limit)
		dead->value = slice_of(NULL, 0);
	record->value = encoder->dead_letter(letter->change, dead, arena, record->id);
	if (dead->value.size && record->value.size > limit) {
		dead->value = slice_of(NULL, 0);
		record->value = encoder->dead_letter(letter->change, dead, arena, record->id);
	}
}

struct parcel *parcel_letter(const struct parcel_maker *maker, const struct change *change,
			     const struct parcel *original, enum cause cause, const char *text)
{
	struct parcel *letter = addressed(maker, change, PARCEL_LETTER);
	struct dead_letter dead = {
		.cause = cause,
		.text = text,
		.topic = maker->parts->topics[letter->record.topic],
		.key = letter->record.key,
		.value = original ? original->record.value : slice_of(NULL, 0),
		.value_size_bytes = original ? original->record.value.size : 0,
		.time_ns = change->observed_at_ns,
	};
	letter->record.topic = TOPIC_DEADLETTER;
	letter->record.type = "tidings.v1.DeadLetter";
	encode_letter(maker, letter, &dead);
	return letter;
}

/* Of a daemon that starts. */
static const struct server_info no_server;

struct parcel *parcel_lifecycle(const struct parcel_maker *maker, const struct lifecycle *event)
{
	struct arena *arena = &maker->batch->arena;
	struct parcel *parcel = new_parcel(maker, PARCEL_LIFECYCLE);
	struct route route;
	route_lifecycle(event, arena, &route);
	address(parcel, &route);
	parcel->record.server = event->server ? event->server : &no_server;
	parcel->record.time_ns = event->time_ns;
	parcel->record.value = maker->parts->encoder->lifecycle(event, arena, parcel->record.id);
	return parcel;
}
