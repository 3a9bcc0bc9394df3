#include "bridge/zeromq/counts.h"

#include <stdlib.h>
#include <xxhash.h>

#include "core/arena.h"

enum { FIRST_ROOM = 1024 }; /* a power of two, as all that follow */

static struct count *find(struct count *table, size_t room, uint64_t hash)
{
	size_t i = hash & (room - 1);
	while (table[i].hash && table[i].hash != hash)
		i = (i + 1) & (room - 1);
	return &table[i];
}

static void grow(struct counts *counts)
{
	size_t room = counts->room ? 2 * counts->room : FIRST_ROOM;
	struct count *table = xcalloc(room, sizeof *table);
	for (size_t i = 0; i < counts->room; i++)
		if (counts->table[i].hash)
			*find(table, room, counts->table[i].hash) = counts->table[i];
	free(counts->table);
	counts->table = table;
	counts->room = room;
}

uint64_t *counts_of(struct counts *counts, struct slice topic)
{
	uint64_t hash = XXH3_64bits(topic.data, topic.size);
	hash = hash ? hash : 1;
	if (2 * counts->n >= counts->room)
		grow(counts);
	struct count *count = find(counts->table, counts->room, hash);
	counts->n += count->hash == 0;
	count->hash = hash;
	return &count->value;
}

void counts_free(struct counts *counts)
{
	free(counts->table);
	*counts = (struct counts){0};
}
