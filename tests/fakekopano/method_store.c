#include "tests/fakekopano/method.h"
#include "tests/fakekopano/object.h"
#include "tests/fakekopano/rights.h"
#include "tests/fakekopano/server.h"
#include "tests/fakekopano/tags.h"

#define SERVER_URL "pseudo://kc"

static void put_value(struct call *c, const char *name, const struct value *v)
{
	put_bytes(c, name, v->data, v->len);
}

/* The store that an argument names, also a detached one. */
static uint32_t store_argument(struct call *c, struct bytes id, uint32_t *store)
{
	if (world_by_entry_id(c->w, id, store) != OBJECT_STORE || c->w->stores[*store].removed)
		return KCERR_NOT_FOUND;
	return 0;
}

static void store_answer(struct call *c, uint32_t er, uint32_t store)
{
	const struct store *s = &c->w->stores[er ? 0 : store];
	struct value v;

	put_uint(c, "er", er);
	if (er) {
		put_raw(c, "<sStoreId></sStoreId><sRootId></sRootId><guid></guid>");
		if (!c->er)
			put_text(c, "lpszServerPath", SERVER_URL);
		return;
	}
	store_entry_id(c->w, s, &v);
	put_value(c, "sStoreId", &v);
	folder_entry_id(c->w, &c->w->folders[s->special[SPECIAL_ROOT]], &v);
	put_value(c, "sRootId", &v);
	put_bytes(c, "guid", s->guid.b, GUID_BYTES);
	put_text(c, "lpszServerPath", SERVER_URL);
}

void method_get_store(struct call *c)
{
	const struct xml_node *node = arg_node(c, c->in, "lpsEntryId");
	struct bytes id = node_bytes(c, node);
	uint32_t store = 0, er = c->er;

	if (!er && node)
		er = store_argument(c, id, &store);
	else if (!er)
		store = world_store_of(c->w, c->session->user);
	if (!er && !store)
		er = KCERR_NOT_FOUND;
	store_answer(c, er, store);
}

void method_get_public_store(struct call *c)
{
	uint32_t store = c->er ? 0 : world_public_store(c->w);

	arg_uint(c, c->in, "ulFlags");
	store_answer(c, c->er ? c->er : store ? 0 : KCERR_NOT_FOUND, store);
}

void method_get_store_name(struct call *c)
{
	struct bytes id = arg_bytes(c, c->in, "sEntryId");
	uint32_t store = 0, er = c->er ? c->er : store_argument(c, id, &store);
	char name[64];

	if (!er)
		put_text(c, "lpszStoreName", store_name(c->w, &c->w->stores[store], name, sizeof(name)));
	put_uint(c, "er", er);
}

void method_get_store_type(struct call *c)
{
	struct bytes id = arg_bytes(c, c->in, "sEntryId");
	uint32_t store = 0, er = c->er ? c->er : store_argument(c, id, &store);

	put_uint(c, "ulStoreType", er ? 0 : c->w->stores[store].type);
	put_uint(c, "er", er);
}

static void resolved_store(struct call *c, uint32_t er, uint32_t store, const char *server_path)
{
	const struct store *s = &c->w->stores[er ? 0 : store];
	struct value v;

	put_uint(c, "ulUserId", er || s->detached ? 0 : s->owner);
	if (er) {
		put_raw(c, "<sUserId></sUserId><sStoreId></sStoreId><guid></guid>");
		put_uint(c, "er", er);
		return;
	}
	user_entry_id(c->w, s->owner, &v);
	put_bytes(c, "sUserId", v.data, s->detached ? 0 : v.len);
	store_entry_id(c->w, s, &v);
	if (!server_path)
		v.scratch[ENTRY_FLAGS_AT] = ENTRY_OPEN_HERE;
	put_value(c, "sStoreId", &v);
	put_bytes(c, "guid", s->guid.b, GUID_BYTES);
	put_uint(c, "er", 0);
	if (server_path)
		put_text(c, "lpszServerPath", server_path);
}

void method_resolve_user_store(struct call *c)
{
	const char *name = arg_text(c, c->in, "szUserName");
	uint32_t mask = arg_uint(c, c->in, "ulStoreTypeMask"), store = 0, er = c->er;
	const struct user *user = er || !name ? NULL : world_user_named(c->w, name);

	arg_uint(c, c->in, "ulFlags");
	if (user && (mask == 0 || mask & 1u << STORE_PRIVATE))
		store = world_store_of(c->w, user->id);

	if (!er)
		er = !name ? KCERR_INVALID_PARAMETER : store ? 0 : KCERR_NOT_FOUND;
	resolved_store(c, er, store, SERVER_URL);
}

void method_resolve_store(struct call *c)
{
	struct bytes guid = arg_bytes(c, c->in, "sStoreGuid");
	uint32_t store = 0, er = c->er;

	for (uint32_t i = 1; !er && guid.n == GUID_BYTES && i < c->w->n_stores; i++) {
		const struct store *s = &c->w->stores[i];

		if (!s->removed && memcmp(s->guid.b, guid.p, GUID_BYTES) == 0)
			store = i;
	}
	if (!er && !store)
		er = KCERR_NOT_FOUND;
	resolved_store(c, er, store, NULL);
}

void method_get_receive_folder(struct call *c)
{
	struct bytes id = arg_bytes(c, c->in, "sStoreId");
	uint32_t store = 0, er = c->er ? c->er : store_argument(c, id, &store), inbox = 0;
	struct value v;

	if (!er) {
		inbox = c->w->stores[store].special[SPECIAL_INBOX];
		er = inbox ? 0 : KCERR_NOT_FOUND;
	}
	if (!er) {
		folder_entry_id(c->w, &c->w->folders[inbox], &v);
		put_raw(c, "<sReceiveFolder>");
		put_value(c, "sEntryId", &v);
		put_raw(c, "<lpszAExplicitClass/></sReceiveFolder>");
	} else {
		put_raw(c, "<sReceiveFolder><sEntryId></sEntryId></sReceiveFolder>");
	}
	put_uint(c, "er", er);
}

static void rights_list(struct call *c, const struct folder *f)
{
	struct value v;

	for (uint32_t i = 0; i < f->n_acl; i++) {
		put_raw(c, "<item>");
		put_uint(c, "ulUserid", f->acl[i].user);
		put_uint(c, "ulType", 2);
		put_uint(c, "ulRights", f->acl[i].rights);
		put_uint(c, "ulState", 0);
		user_entry_id(c->w, f->acl[i].user, &v);
		put_value(c, "sUserId", &v);
		put_raw(c, "</item>");
	}
}

void method_get_rights(struct call *c)
{
	struct bytes id = arg_bytes(c, c->in, "sEntryId");
	enum object_type type = OBJECT_NONE;
	uint32_t place = 0, er = c->er;

	arg_uint(c, c->in, "ulType");
	if (!er) {
		type = world_by_entry_id(c->w, id, &place);
		er = type == OBJECT_FOLDER || type == OBJECT_STORE ? 0 : KCERR_NOT_FOUND;
	}
	if (!er) {
		put_raw(c, "<pRightsArray>");
		if (type == OBJECT_FOLDER)
			rights_list(c, &c->w->folders[place]);
		put_raw(c, "</pRightsArray>");
	}
	put_uint(c, "er", er);
}

static uint32_t find_by_keys(struct call *c, struct bytes store_id, struct bytes folder_key, struct bytes item_key,
			     struct value *v)
{
	uint32_t folder = world_by_source_key(c->w, OBJECT_FOLDER, folder_key), store, item, er;

	er = store_argument(c, store_id, &store);
	if (er)
		return er;
	if (!folder || c->w->folders[folder].store != store)
		return KCERR_NOT_FOUND;
	if (item_key.n == 0) {
		folder_entry_id(c->w, &c->w->folders[folder], v);
		return may_see(c->w, c->session->user, folder) ? 0 : KCERR_NO_ACCESS;
	}
	item = world_by_source_key(c->w, OBJECT_ITEM, item_key);
	if (!item || c->w->items[item].folder != folder)
		return KCERR_NOT_FOUND;
	item_entry_id(c->w, &c->w->items[item], v);
	return item_access(c, &c->w->items[item], 0);
}

void method_get_entry_id_from_source_key(struct call *c)
{
	struct bytes store_id = arg_bytes(c, c->in, "sStoreId");
	struct bytes folder_key = arg_bytes(c, c->in, "folderSourceKey");
	struct bytes item_key = arg_bytes(c, c->in, "messageSourceKey");
	struct value v;
	uint32_t er = c->er ? c->er : find_by_keys(c, store_id, folder_key, item_key, &v);

	put_bytes(c, "sEntryId", er ? NULL : v.data, er ? 0 : v.len);
	put_uint(c, "er", er);
}
