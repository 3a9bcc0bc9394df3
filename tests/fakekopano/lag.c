#include "tests/fakekopano/world.h"

static uint32_t lag_lower(const struct world *w, uint32_t id)
{
	uint32_t low = 0, high = w->n_lagging;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (w->lagging[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void world_lag(struct world *w, uint32_t id)
{
	uint32_t at = lag_lower(w, id);

	w->lagging = array_grow(w->lagging, w->n_lagging, &w->cap_lagging, sizeof(*w->lagging));
	memmove(w->lagging + at + 1, w->lagging + at, (w->n_lagging - at) * sizeof(*w->lagging));
	w->lagging[at] = (struct lagging){id, clock_ms() + w->lag_ms};
	w->n_lagging++;
}

bool world_shows(const struct world *w, uint32_t id)
{
	uint32_t at = w->n_lagging ? lag_lower(w, id) : 0;

	return at >= w->n_lagging || w->lagging[at].id != id || w->lagging[at].due_ms <= clock_ms();
}

uint32_t world_last_shown(const struct world *w)
{
	uint32_t id = w->journal.max;

	while (w->n_lagging && id && (!w->journal.entries[id].kind || !world_shows(w, id)))
		id--;
	return id;
}

uint32_t folder_last_shown(const struct world *w, const struct folder *f)
{
	uint32_t n = f->changes.n;

	while (n > 0 && !world_shows(w, f->changes.at[n - 1]))
		n--;
	return n > 0 ? f->changes.at[n - 1] : 0;
}

void world_end_lags(struct world *w)
{
	uint64_t now = clock_ms();
	uint32_t kept = 0;

	for (uint32_t i = 0; i < w->n_lagging; i++)
		if (w->lagging[i].due_ms > now)
			w->lagging[kept++] = w->lagging[i];
	w->n_lagging = kept;
}
