#include "core/inflight.h"

#include <stdlib.h>

#include "core/batch.h"

struct flight {
	struct flight *next;
	struct batch *batch;
	size_t n_unanswered;
	bool sealed;
};

struct flight *inflight_add(struct inflight *inflight, struct batch *batch)
{
	struct flight *flight = xcalloc(1, sizeof *flight);
	flight->batch = batch;
	if (inflight->tail)
		inflight->tail->next = flight;
	else
		inflight->head = flight;
	inflight->tail = flight;
	inflight->n_batches++;
	return flight;
}

void inflight_expect(struct inflight *inflight, struct flight *flight)
{
	flight->n_unanswered++;
	inflight->n_unanswered++;
}

void inflight_answered(struct inflight *inflight, struct flight *flight)
{
	flight->n_unanswered--;
	inflight->n_unanswered--;
}

void inflight_seal(struct flight *flight)
{
	flight->sealed = true;
}

const struct flight *flight_next(const struct flight *flight)
{
	return flight->next;
}

const struct batch *flight_batch(const struct flight *flight)
{
	return flight->batch;
}

struct batch *inflight_take(struct inflight *inflight)
{
	struct flight *head = inflight->head;
	if (!head || !head->sealed || head->n_unanswered)
		return NULL;
	struct batch *batch = head->batch;
	inflight->head = head->next;
	if (!inflight->head)
		inflight->tail = NULL;
	inflight->n_batches--;
	free(head);
	return batch;
}

void inflight_clear(struct inflight *inflight)
{
	for (struct flight *flight = inflight->head, *next; flight; flight = next) {
		next = flight->next;
		batch_free(flight->batch);
		free(flight);
	}
	*inflight = (struct inflight){0};
}
