#include <stdlib.h>

#include "bridge/kopano/kopano.h"
#include "bridge/kopano/map_state.h"
#include "bridge/pattern.h"

/* Snapshots that somebody wants: of a running source, from another thread, or noted in the state while none ran. Either
 * way they wait here until the source's thread has nothing that was begun. */

struct request {
	struct request *next;
	char *store, *folder; /* folder "": all of the store */
	char *key;            /* of the state; NULL: it is not there */
};

static void free_request(struct request *request)
{
	free(request->store);
	free(request->folder);
	free(request->key);
	free(request);
}

void requests_free(struct kopano *kopano)
{
	while (kopano->requests) {
		struct request *request = kopano->requests;
		kopano->requests = request->next;
		free_request(request);
	}
}

static char *copy_of(const char *text, size_t n)
{
	char *copy = xmalloc(n + 1);
	if (n)
		memcpy(copy, text, n);
	copy[n] = '\0';
	return copy;
}

static struct request *add(struct kopano *kopano, struct slice store, struct slice folder)
{
	struct request *request = xcalloc(1, sizeof *request);
	request->store = copy_of((const char *)store.data, store.size);
	request->folder = copy_of((const char *)folder.data, folder.size);
	request->next = kopano->requests;
	kopano->requests = request;
	return request;
}

/* ---- from outside ---- */

/* "<store>\n<folder>" */
static int take_stored(void *context, struct slice key, struct slice value)
{
	const uint8_t *end = value.size ? memchr(value.data, '\n', value.size) : NULL;
	size_t n = end ? (size_t)(end - value.data) : value.size;
	struct slice folder = end ? slice_of(end + 1, value.size - n - 1) : slice_of(NULL, 0);
	struct request *request = add(context, slice_of(value.data, n), folder);
	request->key = copy_of((const char *)key.data, key.size);
	return 0;
}

int requests_seek(struct kopano *kopano, struct state *state, struct err *err)
{
	return state->ops->each(state, slice_of_text(STATE_REQUEST_SNAPSHOT), take_stored, kopano, err);
}

int source_request(struct source *source, const struct source_request *request, struct err *err)
{
	struct kopano *kopano = (struct kopano *)source;
	int rc = 0;
	pthread_mutex_lock(&kopano->mutex);
	if (!standing_knows(&kopano->standing, request->store, &rc, err))
		rc = rc ? rc
			: err_set(err, ERR_BAD, "no store of \"%s\" is followed; it is a login name, or public",
				  request->store);
	else
		add(kopano, slice_of_text(request->store), slice_of_text(request->folder ? request->folder : ""));
	pthread_cond_broadcast(&kopano->stopped);
	pthread_mutex_unlock(&kopano->mutex);
	return rc;
}

/* ---- what is done ---- */

static bool is_store(const struct kopano *kopano, const struct request *request, uint32_t store)
{
	struct arena arena = {0};
	const struct map_store *known = map_store(&kopano->map, store);
	struct slice name =
		known->type == STORE_PUBLIC ? slice_of_text("public") : map_store_owner(&kopano->map, store, &arena);
	bool is_it = slice_equal(name, slice_of_text(request->store));
	arena_free(&arena);
	return is_it && known->flags & STORE_FOLLOWED;
}

static bool is_folder(const struct kopano *kopano, const struct request *request, uint32_t folder)
{
	struct arena arena = {0};
	bool is_it = folder_is_followed(kopano, folder);
	if (is_it && request->folder[0])
		is_it = slice_equal(map_path(&kopano->map, folder, &arena), pattern_path(request->folder, &arena));
	arena_free(&arena);
	return is_it;
}

static size_t want_store(struct kopano *kopano, const struct request *request, uint32_t store, struct batch *batch)
{
	const struct map *map = &kopano->map;
	size_t n = 0;
	for (uint32_t f = map_next_of_store(map, store, MAP_NONE); f != MAP_NONE;
	     f = map_next_of_store(map, store, f)) {
		if (!is_folder(kopano, request, f))
			continue;
		listing_remove(kopano, f, batch);
		listing_want(kopano, f);
		map_put_folder_entry(map, f, batch);
		n++;
	}
	return n;
}

static void take(struct kopano *kopano, const struct request *request)
{
	const struct map *map = &kopano->map;
	struct batch *batch = share_batch(kopano, "requests");
	size_t n = 0;
	for (uint32_t s = map_next_store(map, MAP_NONE); s != MAP_NONE; s = map_next_store(map, s))
		if (is_store(kopano, request, s))
			n += want_store(kopano, request, s, batch);
	if (request->key)
		batch_remove(batch, slice_of_text(request->key));
	if (!n)
		share_lifecycle(kopano, NO_FOLDER, batch, LIFECYCLE_MISSED,
				arena_text(&batch->arena,
					   "a snapshot was asked for of \"%s\" of \"%s\", which is not "
					   "followed",
					   request->folder, request->store));
	hand_over(kopano, batch);
}

bool requests_wait(struct kopano *kopano)
{
	pthread_mutex_lock(&kopano->mutex);
	bool any = kopano->requests;
	pthread_mutex_unlock(&kopano->mutex);
	return any;
}

/* What was told of their items before was not kept in mind: the tables are given time to know of it. */
void requests_take(struct kopano *kopano)
{
	pthread_mutex_lock(&kopano->mutex);
	struct request *requests = kopano->requests;
	kopano->requests = NULL;
	pthread_mutex_unlock(&kopano->mutex);
	while (requests) {
		struct request *request = requests;
		requests = request->next;
		take(kopano, request);
		free_request(request);
	}
	listing_rest(kopano);
}
