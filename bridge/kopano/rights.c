#include "bridge/kopano/client_book.h"
#include "bridge/kopano/kopano.h"
#include "core/step.h"

bool no_access(const struct kopano *kopano, int rc)
{
	return rc == ERR_BAD && client_er(kopano->client) == KOPANO_NO_ACCESS;
}

/* ---- proof ---- */

static int prove_alive(struct kopano *kopano, uint32_t folder, struct err *err)
{
	struct arena arena = {0};
	struct object object;
	int rc = client_load_object(kopano->client, map_entry_id(&kopano->map, folder, &arena),
				    MUST_NOT_BE_SOFT_DELETED, &arena, &object, err);
	arena_free(&arena);
	return rc;
}

/* A system administrator may read every folder; that he still is one, his question about the whole server shows. What
 * has become of a folder, the journal tells. */
static int prove_of_server(struct kopano *kopano, uint32_t folder, bool *proven, struct err *err)
{
	int rc = prove_alive(kopano, folder, err);
	*proven = false;
	if (rc == ERR_GONE || no_access(kopano, rc))
		return listing_put_off(kopano, folder), 0;
	if (rc == 0)
		rc = maximum_ask(kopano, err);
	*proven = rc == 0;
	return rc;
}

int folder_prove(struct kopano *kopano, struct stream *stream, uint32_t folder, bool *proven, struct err *err)
{
	uint32_t maximum;
	if (stream->kind == STREAM_SERVER)
		return prove_of_server(kopano, folder, proven, err);
	int alive = prove_alive(kopano, folder, err);
	int rc = alive ? alive : stream_maximum(kopano, stream, &maximum, err);
	*proven = rc == 0;
	if (no_access(kopano, rc))
		return right_lost(kopano, stream, err);
	if (alive == ERR_GONE)
		return stream_gone(kopano, stream, "it was deleted"), 0;
	if (rc == ERR_GONE)
		return stream->due = true, stream->poll_at_ms = 0, 0;
	return rc;
}

/* ---- lost and back ---- */

static void announce(struct kopano *kopano, const struct stream *stream, enum lifecycle_type type, const char *text)
{
	struct batch *batch = share_batch(kopano, stream->name);
	share_lifecycle(kopano, stream->folder, batch, type, text);
	hand_over(kopano, batch);
}

static int level_lost(const struct kopano *kopano, struct err *err)
{
	return err_usage(
		err,
		"%s is not a system administrator any more (level 2), and this state follows the whole server: "
		"make the account one again, or begin anew with `tidings state reset`",
		kopano->config->login.user);
}

int right_lost(struct kopano *kopano, struct stream *stream, struct err *err)
{
	if (stream->kind == STREAM_SERVER || stream->kind == STREAM_FOLDERS)
		return level_lost(kopano, err);
	stream->due = true;
	stream->poll_at_ms = clock_ms() + (int64_t)STEP_LIMIT(SUSPENDED_POLL_MS);
	round_note(stream, 0); /* there is no more to be had */
	if (stream->suspended)
		return 0;
	stream->suspended = true;
	announce(kopano, stream, LIFECYCLE_SUSPENDED, "the right to read this folder is gone; its position is kept");
	return 0;
}

void right_back(struct kopano *kopano, struct stream *stream)
{
	stream->suspended = false;
	listing_look_again(kopano);
	announce(kopano, stream, LIFECYCLE_RESUMED, "the right to read this folder is back");
}

/* ---- gone ---- */

/* The hierarchy tells how it ended, and of what was below; or the list of stores. */
static void wait_for_word(struct kopano *kopano, struct stream *stream)
{
	stream->due = true;
	stream->poll_at_ms = clock_ms() + STEP_LIMIT(GONE_POLL_MS);
	if (stream->kind == STREAM_HIERARCHY)
		stores_look(kopano);
}

void stream_gone(struct kopano *kopano, struct stream *stream, const char *why)
{
	if (kopano->config->follow->once == ONCE_FOLDER)
		once_end(kopano, stream, why);
	else if (stream->kind == STREAM_CONTENTS && ++stream->n_gone > GONE_TRIES)
		ending_begin(kopano, stream->folder, why);
	else
		wait_for_word(kopano, stream);
}

/* ---- the account ---- */

static int read_level(struct kopano *kopano, uint32_t *level, struct err *err)
{
	struct arena arena = {0};
	struct kopano_user user;
	int rc = client_user(kopano->client, slice_of(NULL, 0), &arena, &user, err);
	*level = rc == 0 ? user.admin_level : ADMIN_NONE;
	arena_free(&arena);
	return passing(rc, err);
}

static int level_missing(const struct kopano *kopano, struct err *err)
{
	return err_usage(err,
			 "follow.mode: server needs a system administrator, and %s is none (level 2): give the account "
			 "that level, or follow stores or folders",
			 kopano->config->login.user);
}

/* One folder, or the folders of one store, are followed by a stream of their own, whoever asks. */
int level_check(struct kopano *kopano, struct err *err)
{
	uint32_t level;
	enum follow_once once = kopano->config->follow->once;
	if (once == ONCE_FOLDER || once == ONCE_HIERARCHY)
		return kopano->following = FOLLOWING_FOLDERS, 0;
	int rc = read_level(kopano, &level, err);
	if (rc)
		return rc;
	bool is_system = level >= ADMIN_SYSTEM;
	if (kopano->following == FOLLOWING_SERVER && !is_system)
		return level_lost(kopano, err);
	if (kopano->config->follow->mode == FOLLOW_SERVER && !is_system)
		return level_missing(kopano, err);
	if (kopano->following == FOLLOWING_NOTHING)
		kopano->following = is_system ? FOLLOWING_SERVER : FOLLOWING_FOLDERS;
	return 0;
}
