/*
 * The methods of the protocol: a table of names and functions, one file per family.
 *
 * A method reads its arguments, decides on a result and always writes a complete answer: with c->er already set it
 * does not look at the world at all and writes the shape that the real server gives to that error.
 */
#ifndef FAKEKOPANO_METHOD_H
#define FAKEKOPANO_METHOD_H

#include "tests/fakekopano/call.h"
#include "tests/fakekopano/world.h"

#define METHOD_EXCLUSIVE  1u /* changes the world or the list of sessions */
#define METHOD_NO_SESSION 2u
#define METHOD_WAITS      4u /* runs without the lock and knows only the number of its session */

struct method {
	const char *name;
	const char *response;
	void (*run)(struct call *c);
	uint32_t flags;
};

extern const struct method methods[];

/* Index of the method in methods, or -1. */
int method_named(const char *name);

void method_logon(struct call *c);
void method_logoff(struct call *c);
void method_get_user(struct call *c);
void method_get_user_list(struct call *c);
void method_resolve_username(struct call *c);
void method_get_group(struct call *c);
void method_get_group_list(struct call *c);
void method_get_group_list_of_user(struct call *c);
void method_get_user_list_of_group(struct call *c);
void method_resolve_groupname(struct call *c);
void method_get_company_list(struct call *c);
void method_resolve_pseudo_url(struct call *c);
void method_get_ids_from_names(struct call *c);
void method_get_names_from_ids(struct call *c);

void method_notify_get_items(struct call *c);
void method_notify_subscribe(struct call *c);
void method_notify_subscribe_multi(struct call *c);
void method_notify_unsubscribe(struct call *c);
void method_notify_unsubscribe_multi(struct call *c);

void method_get_store(struct call *c);
void method_get_public_store(struct call *c);
void method_get_store_name(struct call *c);
void method_get_store_type(struct call *c);
void method_resolve_user_store(struct call *c);
void method_resolve_store(struct call *c);
void method_get_receive_folder(struct call *c);
void method_get_rights(struct call *c);
void method_get_entry_id_from_source_key(struct call *c);

void method_load_object(struct call *c);
void method_load_prop(struct call *c);
void method_check_exist_object(struct call *c);
void method_get_change_info(struct call *c);

void method_table_open(struct call *c);
void method_table_multi(struct call *c);
void method_table_set_columns(struct call *c);
void method_table_sort(struct call *c);
void method_table_restrict(struct call *c);
void method_table_query_rows(struct call *c);
void method_table_get_row_count(struct call *c);
void method_table_seek_row(struct call *c);
void method_table_query_columns(struct call *c);
void method_table_close(struct call *c);

void method_set_sync_status(struct call *c);
void method_get_sync_states(struct call *c);
void method_get_changes(struct call *c);
void method_export_stream(struct call *c);

/* The row of a sync id, or NULL. */
struct sync *sync_find(const struct world *w, uint32_t id);

/* The error of reading an item: gone, refused by order of a test, no right, or a state other than asked for. */
uint32_t item_access(const struct call *c, const struct item *i, uint32_t flags);

#define LOAD_CHECK_STATE 0x80000000u
#define LOAD_SOFTDELETED 0x400u

#endif
