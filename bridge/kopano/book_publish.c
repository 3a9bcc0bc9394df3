#include "bridge/kopano/book_read.h"
#include "bridge/kopano/kopano.h"
#include "core/step.h"

static void put_known(struct book *book, struct batch *batch, struct slice entry_id, bool is_there)
{
	struct book_entry entry = {.listing_no = is_there ? book->position.listing_no : 0};
	const char *key = book_entry_key(&batch->arena, entry_id);
	book_note(book, entry_id, entry.listing_no);
	if (is_there)
		batch_put(batch, slice_of_text(key), book_entry_write(&batch->arena, &entry));
	else
		batch_remove(batch, slice_of_text(key));
}

static struct change *new_change(struct kopano *kopano, const struct book_task *task, struct batch *batch)
{
	struct change *change = batch_change(batch);
	share_server(kopano, batch, change);
	change->object_type = book_type(task->entry_id) == BOOK_GROUP ? OBJECT_GROUP : OBJECT_USER;
	change->source_key = arena_copy(&batch->arena, task->entry_id);
	change->change_id = task->change_id;
	change->origin = task->change_id ? ORIGIN_ICS : ORIGIN_SNAPSHOT;
	if (!task->change_id)
		memcpy(change->snapshot_id, kopano->book.position.snapshot_id, SNAPSHOT_ID_SIZE);
	return change;
}

static void publish_delete(struct kopano *kopano, const struct book_task *task, struct batch *batch)
{
	struct book *book = &kopano->book;
	if (!book_known(book, task->entry_id) && !kopano->config->follow->once) {
		batch->n_filtered++;
		return;
	}
	struct change *change = new_change(kopano, task, batch);
	change->kind = CHANGE_DELETED;
	change->deletion = DELETION_HARD;
	put_known(book, batch, task->entry_id, false);
}

static int publish_read(struct kopano *kopano, const struct book_task *task, struct batch *batch, struct err *err)
{
	struct book *book = &kopano->book;
	struct change content = {0};
	int rc = book_read(kopano->client, task->entry_id, &batch->arena, &content, err);
	if (rc == ERR_GONE) {
		batch->n_gone++;
		return 0;
	}
	if (rc && (rc != ERR_BAD || ++book->n_tries < ITEM_TRIES))
		return rc;
	bool is_new = task->created || (!book_known(book, task->entry_id) && !kopano->config->follow->once);
	struct change *change = new_change(kopano, task, batch);
	change->kind = is_new ? CHANGE_CREATED : CHANGE_UPDATED;
	change->entry_id = change->source_key;
	change->user = content.user;
	change->group = content.group;
	if (rc) {
		change->cause = CAUSE_UNREADABLE;
		change->cause_text = arena_text(&batch->arena, "%s", err->text);
	}
	put_known(book, batch, task->entry_id, true);
	return 0;
}

static int carry_out(struct kopano *kopano, const struct book_task *task, struct batch *batch, struct err *err)
{
	if (task->what == TASK_PASS) {
		batch->n_filtered += !book_wants(kopano, task->entry_id);
		return 0;
	}
	if (task->what == TASK_DELETE)
		return publish_delete(kopano, task, batch), 0;
	if (task->change_id == 0 && !kopano->config->follow->snapshot)
		return put_known(&kopano->book, batch, task->entry_id, true), 0;
	return publish_read(kopano, task, batch, err);
}

/* Ascending, as the journal's answer was. */
static void take_task_ids(struct book *book, const struct book_task *tasks, size_t n, struct batch *batch)
{
	uint32_t ids[BATCH_CHANGES];
	size_t n_ids = 0;
	for (size_t i = 0; i < n; i++)
		if (tasks[i].change_id)
			ids[n_ids++] = tasks[i].change_id;
	settle_take(&book->settle, ids, n_ids, batch, BOOK_TAKEN);
	batch->n_entries = n;
}

static void tasks_done(struct kopano *kopano, struct batch *batch)
{
	struct book *book = &kopano->book;
	book_forget_tasks(book);
	if (!book->position.listing)
		return book_answer_over(kopano, batch);
	book->position.listing = BOOK_FOLLOWING;
	book->poll_at_ms = clock_ms();
	book_put_position(book, batch);
}

/* As many as are read in the time of a batch; an error waits until it is met by the first one of the next. */
int book_publish(struct kopano *kopano, struct err *err)
{
	struct book *book = &kopano->book;
	struct batch *batch = share_batch(kopano, BOOK_STREAM);
	int64_t deadline_ms = clock_ms() + BATCH_AGE_MS;
	size_t first = book->next, n = 0, most = STEP_LIMIT(BATCH_CHANGES);
	int rc = 0;
	while (first + n < book->n_tasks && n < most && (n == 0 || clock_ms() < deadline_ms)) {
		rc = carry_out(kopano, &book->tasks[first + n], batch, err);
		n += rc == 0;
		if (rc || batch->arena.n_bytes > BATCH_BYTES)
			break;
	}
	if (n == 0) {
		batch_free(batch);
		return passing(rc, err);
	}
	book->n_tries = 0;
	book->next += n;
	take_task_ids(book, &book->tasks[first], n, batch);
	if (book->next == book->n_tasks)
		tasks_done(kopano, batch);
	hand_over(kopano, batch);
	return 0;
}
