/* One record on its way through the pipeline: what is sent, what it was made from and which batch waits for its answer.
 *
 * Parcels and all that they point to live in the arena of their batch: they are valid until it is freed. */
#ifndef TIDINGS_CORE_PARCEL_H
#define TIDINGS_CORE_PARCEL_H

#include "core/pipeline.h"

struct flight;

enum parcel_kind { PARCEL_RECORD, PARCEL_KEYS_ALONE, PARCEL_LETTER, PARCEL_LIFECYCLE };

struct parcel {
	struct parcel *next; /* in the outbox */
	struct flight *flight;
	struct batch *batch;
	const struct change *change; /* NULL for a lifecycle event */
	struct record record;        /* its token is the parcel */
	enum parcel_kind kind;
};

/* Who makes parcels, and for which batch. */
struct parcel_maker {
	const struct pipeline_parts *parts;
	struct batch *batch;
	struct flight *flight;
};

struct parcel *parcel_record(const struct parcel_maker *maker, const struct change *change);
struct parcel *parcel_lifecycle(const struct parcel_maker *maker, const struct lifecycle *event);

/* What the change is without what could not be read or delivered. */
struct parcel *parcel_keys_alone(const struct parcel_maker *maker, const struct change *change);

/* The dead letter of a change; `original` is its record, NULL if none could be made. The original value goes with it if
 * it fits. */
struct parcel *parcel_letter(const struct parcel_maker *maker, const struct change *change,
			     const struct parcel *original, enum cause cause, const char *text);

#endif
