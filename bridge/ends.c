#include "bridge/ends.h"

#include <time.h>

int ends_check(struct state *state, const char *sink, struct err *err)
{
	struct arena arena = {0};
	struct slice was;
	int rc = state->ops->get(state, slice_of_text(STATE_SINK), &arena, &was, err);
	if (rc == ERR_GONE)
		rc = 0;
	else if (rc == 0 && !slice_equal(was, slice_of_text(sink)))
		rc = err_usage(
			err,
			"the state was made with the sink %.*s, and the configuration says %s: change it back, "
			"accept the new sink as it is with `tidings state reset sink`, or begin anew with `tidings "
			"state reset`",
			(int)was.size, (const char *)was.data, sink);
	arena_free(&arena);
	return rc;
}

static struct batch *announce(enum lifecycle_type type, const char *text)
{
	struct timespec now;
	struct batch *batch = batch_new("");
	struct lifecycle *event = batch_lifecycle(batch, type);
	clock_gettime(CLOCK_REALTIME, &now);
	event->time_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	event->text = arena_text(&batch->arena, "%s", text);
	return batch;
}

struct batch *ends_started(const char *sink, const char *text)
{
	struct batch *batch = announce(LIFECYCLE_STARTED, text);
	batch_put(batch, slice_of_text(STATE_SINK), slice_of_text(sink));
	return batch;
}

struct batch *ends_stopped(const char *text)
{
	return announce(LIFECYCLE_STOPPED, text);
}
