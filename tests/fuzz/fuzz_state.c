/* States: the digits that a user gives to `tidings sync`, and every kind of entry of the state file, on any bytes. What
 * can be read is written as it was, and can be described.
 */
#include <stdlib.h>

#include "bridge/kopano/book_state.h"
#include "bridge/kopano/describe.h"
#include "bridge/kopano/position.h"
#include "bridge/kopano/settle.h"
#include "bridge/state/once.h"
#include "core/hex.h"

static struct arena arena;

static void must(bool good)
{
	if (!good)
		abort();
}

static void check_given(struct slice bytes)
{
	struct stream_position position;
	struct slice processed;
	struct settle settle;
	if (!given_read(bytes, &arena, &position, &processed))
		return;
	must(bytes.size >= 8 && processed.size % 4 == 0 && processed.size <= bytes.size / 2);
	must(slice_equal(position_write(&arena, &position), slice_of(bytes.data, 8)));
	settle_start(&settle, position.change_id, 0);
	must(settle_load(&settle, processed) == (processed.size > 0));
	for (size_t i = 1; i < settle.n_taken; i++)
		must(settle.taken[i - 1] < settle.taken[i]);
	settle_free(&settle);
}

static void check_digits(const char *text, size_t n)
{
	struct slice bytes;
	if (!hex_read(text, n, &arena, &bytes))
		return;
	must(bytes.size * 2 == n);
	check_given(bytes);
}

static void check_entries(struct slice bytes)
{
	struct stream_position contents;
	struct snapshot_position snapshot;
	struct ends ends;
	struct book_position book;
	struct book_entry book_entry;
	uint32_t change_id;
	struct slice processed;
	if (book_position_read(bytes, &book))
		must(slice_equal(book_position_write(&arena, &book), bytes));
	if (book_entry_read(bytes, &book_entry))
		must(slice_equal(book_entry_write(&arena, &book_entry), bytes));
	if (book_given_read(bytes, &change_id, &processed))
		must(slice_equal(book_given_write(&arena, change_id, processed), bytes));
	if (position_read(bytes, &contents))
		must(slice_equal(position_write(&arena, &contents), bytes));
	if (snapshot_read(bytes, &snapshot))
		must(slice_equal(snapshot_write(&arena, &snapshot), bytes));
	if (ends_read(bytes, &ends))
		must(slice_equal(ends_write(&arena, &ends), bytes));
}

/* A stream's folder is looked up in the same state, so it is described with the same bytes. */
static void check_descriptions(struct slice bytes)
{
	static const char *const keys[] = {"position/contents/s/f",
					   "position/snapshot/s/f",
					   "taken/contents/s/f/00000001",
					   "kept/server",
					   "folder/f",
					   "store/s",
					   "ends/kopano",
					   "position/contents/",
					   "position/inventory"};
	struct state *state = once_state_new();
	struct put_list list = {0};
	const struct put_list *const lists[] = {&list};
	struct err err;
	put_list_add(&list, &arena, slice_of_text("folder/f"), bytes);
	must(state->ops->commit(state, lists, 1, &err) == 0);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const char *text = kopano_describe(state, slice_of_text(keys[i]), bytes, &arena);
		must(!text || *text);
	}
	put_list_clear(&list);
	state->ops->close(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_digits((const char *)data, size);
	check_given(slice_of(data, size));
	check_entries(slice_of(data, size));
	check_descriptions(slice_of(data, size));
	arena_free(&arena);
	return 0;
}
