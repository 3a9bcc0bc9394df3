/* A map with the keys and ids of a server, for tests. */
#ifndef TIDINGS_TESTS_SUPPORT_MAP_RIG_H
#define TIDINGS_TESTS_SUPPORT_MAP_RIG_H

#include "bridge/kopano/map.h"

extern struct map map;
extern struct arena arena;
extern unsigned changes; /* of the last put */
extern uint32_t user1;   /* the store of make_tree */
extern const uint8_t server_guid[GUID_SIZE];

/* cmocka's setup and teardown. */
int map_rig_start(void **state);
int map_rig_end(void **state);

struct slice key_of(uint32_t number);
struct slice id_of(uint32_t store, uint8_t type, uint32_t number);
void write_guid(uint32_t store, uint8_t *guid);
uint32_t put_store(uint32_t number, const char *owner);
struct folder_row row_of(uint32_t store, uint32_t number, uint32_t parent, const char *name);

/* Store 1: 1 root, 2 subtree, 3 Inbox, in it 4 "a/b", in it 5 "c\\d". */
void make_tree(void);
uint32_t put(uint32_t number, uint32_t parent, const char *name); /* in that store */
uint32_t number(uint32_t n);                                      /* in the map, of the folder with this key */
const char *path(uint32_t n);

#endif
