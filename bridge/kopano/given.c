#include "bridge/kopano/kopano.h"
#include "bridge/kopano/processed.h"

static int not_a_position(struct slice bytes, struct err *err)
{
	return err_usage(
		err,
		"the given state is none of a folder: it has %zu bytes, and 8 are expected (sync id and change "
		"id, as python-kopano and `tidings sync` print them in 16 hexadecimal digits), or the longer "
		"form of an interrupted sync",
		bytes.size);
}

/* The sync id is only checked: the changes of whoever else uses it would be hidden from it (kopano-protocol 4.2). One
 * that has expired says nothing, and harms nothing: the change id is what counts. */
static int check_sync(struct kopano *kopano, const struct stream *stream, struct stream_position position,
		      struct err *err)
{
	uint32_t sync_id = position.sync_id;
	if (sync_id == 0)
		return 0;
	struct slice key = stream->folder == NO_FOLDER ? slice_of(NULL, 0)
						       : map_source_key(&kopano->map, stream->folder, &kopano->arena);
	int rc = client_set_sync(kopano->client, key, stream_is_hierarchy(stream) ? SYNC_HIERARCHY : SYNC_CONTENTS,
				 position.change_id, &sync_id, err);
	if (rc == ERR_BAD && client_er(kopano->client) == KOPANO_COLLISION)
		return err_usage(err,
				 "the given state is of another folder, or of folders instead of items (sync id %u is "
				 "registered for it): give the state that a sync of this folder has printed",
				 position.sync_id);
	return rc == ERR_GONE || no_access(kopano, rc) ? 0 : rc;
}

/* Change id 0 means "from the start": as if no position were given. */
static int take_position(struct kopano *kopano, struct stream *stream, struct slice bytes, struct err *err)
{
	struct stream_position position;
	struct slice processed;
	if (!given_read(bytes, &kopano->arena, &position, &processed))
		return not_a_position(bytes, err);
	int rc = check_sync(kopano, stream, position, err);
	if (rc == 0 && position.change_id == 0 && stream->kind == STREAM_SERVER)
		return err_usage(err,
				 "the given state is the beginning, and a whole server is not listed: print a state "
				 "with `tidings sync --server -c FILE --state now`");
	if (rc || position.change_id == 0)
		return rc;
	stream->given = true;
	settle_start(&stream->settle, position.change_id, kopano->config->settle_ms);
	settle_load(&stream->settle, processed);
	if (stream->kind == STREAM_CONTENTS)
		listing_forgo(kopano, stream->folder);
	return 0;
}

int given_seek(struct kopano *kopano, struct state *state, struct err *err)
{
	struct slice bytes;
	int rc = state->ops->get(state, slice_of_text(STATE_GIVEN), &kopano->arena, &bytes, err);
	if (rc)
		return rc == ERR_GONE ? 0 : rc;
	if (book_objects(kopano))
		return book_seek_given(kopano, bytes, err);
	kopano->given = bytes;
	if (kopano->config->follow->once == ONCE_HIERARCHY)
		return 0; /* its stream begins when the store is mapped */
	if (kopano->config->follow->once == ONCE_SERVER)
		return take_position(kopano, kopano->server_stream, bytes, err);
	if (kopano->n_streams != 1)
		return err_usage(err, "a given state is of one folder, and %zu are followed", kopano->n_streams);
	return take_position(kopano, kopano->streams[0], bytes, err);
}

int given_begin(struct kopano *kopano, struct stream *stream, struct err *err)
{
	return kopano->given.size ? take_position(kopano, stream, kopano->given, err) : 0;
}

/* ---- the way back ---- */

struct taking {
	struct arena *arena;
	struct slice position, taken;
	bool is_book;
	size_t n;
};

static int take_value(void *context, struct slice key, struct slice value)
{
	struct taking *taking = context;
	taking->n++;
	taking->is_book = slice_equal(key, slice_of_text(BOOK_POSITION));
	taking->position = arena_copy(taking->arena, value);
	return 0;
}

/* Lists come in ascending order. */
static int append_taken(void *context, struct slice key, struct slice value)
{
	struct taking *taking = context;
	uint8_t *bytes = arena_alloc(taking->arena, taking->taken.size + value.size);
	(void)key;
	if (taking->taken.size)
		memcpy(bytes, taking->taken.data, taking->taken.size);
	memcpy(bytes + taking->taken.size, value.data, value.size);
	taking->taken = slice_of(bytes, taking->taken.size + value.size);
	return 0;
}

int given_once_state(struct state *state, struct arena *arena, struct slice *bytes, struct err *err)
{
	struct taking taking = {.arena = arena};
	struct book_position book;
	struct slice unused;
	if (state->ops->get(state, slice_of_text(POSITION_STREAM "server"), arena, &unused, err) == 0)
		return processed_state(state, arena, bytes, err);
	int rc = state->ops->each(state, slice_of_text(POSITION_STREAM "hierarchy/"), take_value, &taking, err);
	if (rc == 0 && taking.n == 0)
		rc = state->ops->each(state, slice_of_text(POSITION_STREAM), take_value, &taking, err);
	if (rc == 0 && taking.n != 1)
		return err_fatal(err, "it was not read to its end; try again");
	if (rc == 0 && taking.is_book)
		rc = state->ops->each(state, slice_of_text(BOOK_TAKEN), append_taken, &taking, err);
	*bytes = taking.position;
	if (rc == 0 && taking.is_book && book_position_read(taking.position, &book))
		*bytes = book_given_write(arena, book.change_id, taking.taken);
	return rc;
}
