#include <stdlib.h>

#include "bridge/kopano/kopano.h"

/* Looking back for entries that became visible later than T after their ids were given: their transactions took long.
 * Every sixth part of the time that is looked back (an hour) the streams of the server are asked from the id that was
 * settled then, and what was not taken is published and counted. Ids are the whole server's, so one set of those taken
 * is enough for all streams; it begins where following stood at the start. When there were too many ids, it begins anew
 * further up, and the look back is shorter. */

enum { MAX_IDS = 16 << 20, LOOKS = 6 };

static uint32_t lowest_settled(const struct kopano *kopano)
{
	uint32_t server = kopano->server_stream->settle.settled, folders = kopano->folders_stream->settle.settled;
	return server < folders ? server : folders;
}

static void take_known(struct kopano *kopano, const struct settle *settle)
{
	for (size_t i = 0; i < settle->n_taken; i++)
		late_taken(kopano, settle->taken[i]);
}

/* What is settled, and not known to be taken one by one, is no news. */
static void begin_at(struct kopano *kopano, uint32_t base)
{
	struct late *late = &kopano->late;
	free(late->taken);
	*late = (struct late){.base = base, .settled.keep_ms = kopano->config->look_back_ms};
	late->due_ms = clock_ms() + kopano->config->look_back_ms / LOOKS;
	take_known(kopano, &kopano->server_stream->settle);
	take_known(kopano, &kopano->folders_stream->settle);
}

void late_start(struct kopano *kopano)
{
	if (kopano->following != FOLLOWING_SERVER || !kopano->config->look_back_ms)
		return;
	uint32_t server = kopano->server_stream->settle.settled, folders = kopano->folders_stream->settle.settled;
	begin_at(kopano, server > folders ? server : folders);
}

void late_free(struct late *late)
{
	free(late->taken);
	*late = (struct late){0};
}

static void grow(struct late *late, uint32_t n_ids)
{
	uint32_t room = late->n_ids ? late->n_ids : 1 << 16;
	while (room < n_ids)
		room *= 2;
	late->taken = xrealloc(late->taken, room / 8);
	memset(late->taken + late->n_ids / 8, 0, (room - late->n_ids) / 8);
	late->n_ids = room;
}

void late_taken(struct kopano *kopano, uint32_t id)
{
	struct late *late = &kopano->late;
	if (!late->due_ms || id <= late->base)
		return;
	uint32_t at = id - late->base - 1;
	if (at >= MAX_IDS)
		return;
	if (at >= late->n_ids)
		grow(late, at + 1);
	late->taken[at / 8] |= (uint8_t)(1 << at % 8);
}

/* Above the settled id an ordinary read finds it. */
bool late_is_taken(const struct kopano *kopano, const struct stream *stream, uint32_t id)
{
	const struct late *late = &kopano->late;
	if (id <= late->base || id > stream->settle.settled)
		return true;
	uint32_t at = id - late->base - 1;
	return at >= late->n_ids || late->taken[at / 8] >> at % 8 & 1;
}

/* What settled by now was settled a look back later. */
void late_note(struct kopano *kopano)
{
	struct late *late = &kopano->late;
	if (!late->due_ms)
		return;
	uint32_t settled = lowest_settled(kopano);
	if (settled > late->base && settled - late->base >= MAX_IDS)
		begin_at(kopano, settled);
	notes_add(&late->settled, clock_ms(), settled);
}

bool late_is_due(const struct kopano *kopano)
{
	const struct late *late = &kopano->late;
	int64_t now = clock_ms();
	return late->due_ms && now >= late->due_ms && now - kopano->moved_at_ms <= kopano->config->look_back_ms;
}

void late_looked(struct kopano *kopano)
{
	kopano->late.due_ms = clock_ms() + kopano->config->look_back_ms / LOOKS;
}

uint32_t late_from(const struct kopano *kopano)
{
	const struct late *late = &kopano->late;
	uint32_t from = notes_before(&late->settled, clock_ms() - kopano->config->look_back_ms);
	return from > late->base ? from : late->base;
}
