#include "tests/support/map_rig.h"

const uint8_t server_guid[GUID_SIZE] = "the server's id";
struct map map;
struct arena arena;

int map_rig_start(void **state)
{
	(void)state;
	map_start(&map, server_guid);
	return 0;
}

int map_rig_end(void **state)
{
	(void)state;
	map_free(&map);
	arena_free(&arena);
	return 0;
}

/* ---- a server's keys and ids ---- */

struct slice key_of(uint32_t number)
{
	uint8_t *key = arena_zero(&arena, GUID_SIZE + 6);
	memcpy(key, server_guid, GUID_SIZE);
	memcpy(key + GUID_SIZE, &number, sizeof number);
	return slice_of(key, GUID_SIZE + 6);
}

void write_guid(uint32_t store, uint8_t *guid)
{
	memset(guid, 0x51, GUID_SIZE);
	memcpy(guid, &store, sizeof store);
}

struct slice id_of(uint32_t store, uint8_t type, uint32_t number)
{
	uint8_t *id = arena_zero(&arena, 48);
	write_guid(store, id + 4);
	id[20] = 1;
	id[24] = type;
	memcpy(id + 28, &number, sizeof number);
	return slice_of(id, 48);
}

uint32_t put_store(uint32_t number, const char *owner)
{
	unsigned changed;
	struct store_row row = {.entry_id = id_of(number, 1, number),
				.owner = slice_of_text(owner),
				.display_name = slice_of_text("Inbox - Somebody"),
				.type = STORE_PRIVATE};
	write_guid(number, row.guid);
	return map_put_store(&map, &row, &changed);
}

struct folder_row row_of(uint32_t store, uint32_t number, uint32_t parent, const char *name)
{
	return (struct folder_row){.source_key = key_of(number),
				   .parent_source_key = parent ? key_of(parent) : slice_of(NULL, 0),
				   .entry_id = id_of(store, 3, number),
				   .name = slice_of_text(name),
				   .container_class = slice_of_text("IPF.Note"),
				   .type = FOLDER_GENERIC};
}

unsigned changes; /* of the last put */
uint32_t user1;   /* store 1 */

uint32_t put(uint32_t number, uint32_t parent, const char *name)
{
	struct folder_row row = row_of(1, number, parent, name);
	return map_put(&map, user1, &row, &changes);
}

void make_tree(void)
{
	user1 = put_store(1, "user1");
	map_set_tree(&map, user1, key_of(1), key_of(2));
	put(5, 4, "c\\d");
	put(4, 3, "a/b");
	put(3, 2, "Inbox");
	put(2, 1, "IPM_SUBTREE");
	put(1, 0, "");
}

uint32_t number(uint32_t n)
{
	return map_find(&map, key_of(n));
}

const char *path(uint32_t n)
{
	struct slice slice = map_path(&map, number(n), &arena);
	return arena_text(&arena, "%.*s", (int)slice.size, (const char *)slice.data);
}
