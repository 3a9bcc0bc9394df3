#include "tests/fakekopano/store.h"

#include <stdio.h>
#include <sys/random.h>

#include "tests/fakekopano/object.h"
#include "tests/fakekopano/tags.h"

#define GROUP_SIZE 10

struct layout {
	enum special_folder special;
	enum special_folder parent;
	const char *name, *class, *comment;
};

static const struct layout private_layout[] = {
	{SPECIAL_COMMON_VIEWS, SPECIAL_ROOT, "IPM_COMMON_VIEWS", NULL, ""},
	{SPECIAL_VIEWS, SPECIAL_ROOT, "IPM_VIEWS", NULL, ""},
	{SPECIAL_FINDER, SPECIAL_ROOT, "FINDER_ROOT", NULL, ""},
	{SPECIAL_SHORTCUT, SPECIAL_ROOT, "Shortcut", NULL, ""},
	{SPECIAL_SCHEDULE, SPECIAL_ROOT, "Schedule", NULL, ""},
	{SPECIAL_INBOX, SPECIAL_SUBTREE, "Inbox", NULL, ""},
	{SPECIAL_OUTBOX, SPECIAL_SUBTREE, "Outbox", NULL, ""},
	{SPECIAL_WASTEBASKET, SPECIAL_SUBTREE, "Deleted Items", NULL, ""},
	{SPECIAL_SENTMAIL, SPECIAL_SUBTREE, "Sent Items", NULL, ""},
	{SPECIAL_CONTACTS, SPECIAL_SUBTREE, "Contacts", "IPF.Contact", ""},
	{SPECIAL_CALENDAR, SPECIAL_SUBTREE, "Calendar", "IPF.Appointment", ""},
	{SPECIAL_DRAFTS, SPECIAL_SUBTREE, "Drafts", "IPF.Note", ""},
	{SPECIAL_JOURNAL, SPECIAL_SUBTREE, "Journal", "IPF.Journal", ""},
	{SPECIAL_NOTES, SPECIAL_SUBTREE, "Notes", "IPF.StickyNote", ""},
	{SPECIAL_TASKS, SPECIAL_SUBTREE, "Tasks", "IPF.Task", ""},
	{SPECIAL_JUNK, SPECIAL_SUBTREE, "Junk E-mail", "IPF.Note", ""},
	{SPECIAL_NONE, SPECIAL_SUBTREE, "RSS Feeds", "IPF.Note.OutlookHomepage", "RSS Feed comment"},
	{SPECIAL_NONE, SPECIAL_SUBTREE, "Conversation Action Settings", "IPF.Configuration", ""},
	{SPECIAL_NONE, SPECIAL_SUBTREE, "Quick Step Settings", "IPF.Configuration", ""},
	{SPECIAL_NONE, SPECIAL_SUBTREE, "Suggested Contacts", "IPF.Contact", ""},
	{SPECIAL_NONE, SPECIAL_ROOT, "Freebusy Data", NULL, ""},
};

static const struct layout public_layout[] = {
	{SPECIAL_NON_IPM, SPECIAL_ROOT, "NON_IPM_SUBTREE", NULL, ""},
	{SPECIAL_FINDER, SPECIAL_ROOT, "FINDER_ROOT", NULL, ""},
	{SPECIAL_FREE_BUSY, SPECIAL_NON_IPM, "SCHEDULE+ FREE BUSY", NULL, ""},
	{SPECIAL_FREE_BUSY_SITE, SPECIAL_FREE_BUSY, "Zarafa 1", NULL, ""},
};

static void note_user(struct world *w, uint32_t user, enum change_action action)
{
	journal_write(&w->ab_journal, journal_reserve(&w->ab_journal, 1),
		      (struct journal_entry){.key = user, .kind = (uint16_t)(CHANGE_AB | action)});
}

static void make_external(struct user *u, uint32_t seed)
{
	struct guid guid = guid_mix(0xab, seed);
	struct buf b = {0};

	buf_base64(&b, guid.b, GUID_BYTES);
	buf_char(&b, '\0');
	memcpy(u->external, b.data, b.len);
	buf_free(&b);
}

static char *copy_or(const char *text, const char *otherwise)
{
	return strdup(text ? text : otherwise);
}

uint32_t user_create(struct world *w, const struct new_user *n)
{
	uint32_t id = w->n_users;
	struct user *u;
	char mail[256];

	w->users = array_grow(w->users, w->n_users, &w->cap_users, sizeof(*w->users));
	u = &w->users[w->n_users++];
	snprintf(mail, sizeof(mail), "%s@example.com", n->name);
	*u = (struct user){.id = id, .type = n->type, .admin = n->admin};
	u->name = strdup(n->name);
	u->password = copy_or(n->password, "");
	u->full_name = copy_or(n->full_name, n->name);
	u->mail = copy_or(n->mail, mail);
	make_external(u, id);
	if (id > USER_SYSTEM)
		note_user(w, id, CHANGE_NEW);
	return id;
}

void user_changed(struct world *w, uint32_t user)
{
	note_user(w, user, CHANGE_CHANGE);
}

/* Type and external id stay: later answers name the deleted user by them. */
void user_delete(struct world *w, uint32_t user)
{
	struct user *u = &w->users[user];

	note_user(w, user, CHANGE_HARD_DELETE);
	free(u->name);
	free(u->full_name);
	free(u->mail);
	free(u->password);
	vec_free(&u->members);
	for (uint32_t i = 1; i < w->n_users; i++)
		vec_remove_sorted(&w->users[i].members, user);
	u->name = u->full_name = u->mail = u->password = NULL;
	u->id = 0;
}

static void create_folders(struct change *c, uint32_t store, const struct layout *layout, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint32_t *special = c->w->stores[store].special;
		uint32_t parent = special[layout[i].parent];
		uint32_t folder = folder_create(c, store, parent, layout[i].name, layout[i].class);

		c->w->folders[folder].comment = layout[i].comment;
		c->w->folders[folder].hidden = layout[i].class && strcmp(layout[i].class, "IPF.Configuration") == 0;
		if (layout[i].special != SPECIAL_NONE)
			c->w->stores[store].special[layout[i].special] = folder;
	}
}

static void add_entry_id(const struct world *w, uint32_t folder, struct buf *b)
{
	struct value v = {0};

	if (!folder)
		return;
	folder_entry_id(w, &w->folders[folder], &v);
	buf_put(b, v.data, v.len);
}

/* One element of a multi-valued binary: empty when there is no folder. */
static void add_element(const struct world *w, uint32_t folder, struct buf *b)
{
	uint32_t n = folder ? ENTRY_ID_BYTES : 0;

	buf_put(b, &n, sizeof(n));
	add_entry_id(w, folder, b);
}

static void set_link(const struct world *w, struct props *p, uint32_t tag, uint32_t folder)
{
	struct buf b = {0};

	add_entry_id(w, folder, &b);
	props_set_bytes(p, tag, b.data, b.len);
	buf_free(&b);
}

/* Kinds of folders that came with later clients, each with its entry id in two headers. */
static void set_later_links(const struct world *w, struct props *p, uint32_t subtree)
{
	static const struct {
		unsigned char kind;
		const char *name;
	} later[] = {{1, "RSS Feeds"},
		     {6, "Conversation Action Settings"},
		     {7, "Quick Step Settings"},
		     {8, "Suggested Contacts"}};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++) {
		unsigned char head[8] = {later[i].kind, 0x80, 4 + ENTRY_ID_BYTES, 0, 1, 0, ENTRY_ID_BYTES, 0};

		buf_put(&b, head, sizeof(head));
		add_entry_id(w, world_child_named(w, subtree, later[i].name), &b);
	}
	buf_put(&b, "\0\0\0\0", 4);
	props_set_bytes(p, PR_IPM_OL2007_ENTRYIDS, b.data, b.len);
	buf_free(&b);
}

/* The root folder and the inbox lead to the other special folders. */
static struct props *folder_links(const struct world *w, const struct store *s)
{
	struct props *p = props_new();
	struct buf many = {0};

	set_link(w, p, PR_IPM_APPOINTMENT_ENTRYID, s->special[SPECIAL_CALENDAR]);
	set_link(w, p, PR_IPM_CONTACT_ENTRYID, s->special[SPECIAL_CONTACTS]);
	set_link(w, p, PR_IPM_JOURNAL_ENTRYID, s->special[SPECIAL_JOURNAL]);
	set_link(w, p, PR_IPM_NOTE_ENTRYID, s->special[SPECIAL_NOTES]);
	set_link(w, p, PR_IPM_TASK_ENTRYID, s->special[SPECIAL_TASKS]);
	set_link(w, p, PR_IPM_DRAFTS_ENTRYID, s->special[SPECIAL_DRAFTS]);
	for (int i = 0; i < 5; i++)
		add_element(w, i == 4 ? s->special[SPECIAL_JUNK] : 0, &many);
	props_set_bytes(p, PR_ADDITIONAL_REN_ENTRYIDS, many.data, many.len);
	many.len = 0;
	for (int i = 0; i < 4; i++)
		add_element(w, i == 3 ? world_child_named(w, s->special[SPECIAL_ROOT], "Freebusy Data") : 0, &many);
	props_set_bytes(p, PR_FREEBUSY_ENTRYIDS, many.data, many.len);
	buf_free(&many);
	set_later_links(w, p, s->special[SPECIAL_SUBTREE]);
	return p;
}

static uint32_t new_store(struct world *w, uint32_t owner, uint32_t type)
{
	uint32_t store = world_new_store(w);
	struct store *s = &w->stores[store];
	uint64_t seed = w->guid.b[0] | (uint64_t)w->guid.b[1] << 8 | (uint64_t)w->guid.b[2] << 16;

	s->hid = world_new_hid(w, OBJECT_STORE, store);
	s->key = world_new_key(w, OBJECT_STORE, store);
	s->guid = guid_mix(seed, s->key);
	s->owner = owner;
	s->type = (uint8_t)type;
	s->created = time_now_whole();
	s->modified = s->created;
	return store;
}

/* The first store of a server: old entry ids, a root folder and nothing else. */
static void create_system_store(struct change *c)
{
	uint32_t store = new_store(c->w, USER_SYSTEM, STORE_PRIVATE);
	struct store *s = &c->w->stores[store];

	s->old_ids = true;
	s->special[SPECIAL_ROOT] = folder_create(c, store, 0, "root Admin store", NULL);
}

uint32_t store_create(struct change *c, uint32_t owner, uint32_t type)
{
	struct world *w = c->w;
	uint32_t store = new_store(w, owner, type), root, subtree;
	struct store *s = &w->stores[store];

	root = folder_create(c, store, 0, NULL, NULL);
	subtree = folder_create(c, store, root, "IPM_SUBTREE", NULL);
	s->special[SPECIAL_ROOT] = root;
	s->special[SPECIAL_SUBTREE] = subtree;
	if (type == STORE_PUBLIC) {
		create_folders(c, store, public_layout, sizeof(public_layout) / sizeof(*public_layout));
		return store;
	}
	create_folders(c, store, private_layout, sizeof(private_layout) / sizeof(*private_layout));
	w->folders[root].props = folder_links(w, s);
	w->folders[s->special[SPECIAL_INBOX]].props = props_ref(w->folders[root].props);
	return store;
}

void store_remove(struct change *c, uint32_t store, bool purge)
{
	struct world *w = c->w;

	w->stores[store].removed = true;
	if (!purge)
		return;
	for (uint32_t i = 1; i < w->n_items; i++)
		if (w->items[i].hid && w->folders[w->items[i].folder].store == store)
			world_free_item(w, i);
	for (uint32_t i = 1; i < w->n_folders; i++)
		if (w->folders[i].hid && w->folders[i].store == store)
			world_free_folder(w, i);
	world_forget_key(w, w->stores[store].key);
	world_forget_hid(w, w->stores[store].hid);
}

struct world *world_populated(void)
{
	static const struct new_user users[] = {
		{"Everyone", NULL, "Everyone", "", 0, AB_GROUP},
		{"SYSTEM", NULL, "SYSTEM", "postmaster@localhost", 2, AB_USER},
		{"user1", "pass1", "User One", NULL, 0, AB_USER},
		{"user2", "pass2", "User Two", NULL, 0, AB_USER},
		{"admin1", "adminpass", "Admin One", NULL, 1, AB_USER},
	};
	struct change c = {0};
	struct guid guid;

	if (getrandom(guid.b, sizeof(guid.b), 0) != sizeof(guid.b))
		abort();
	c.w = world_new(&guid);
	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++)
		user_create(c.w, &users[i]);
	create_system_store(&c);
	store_create(&c, USER_EVERYONE, STORE_PUBLIC);
	for (uint32_t user = USER_SYSTEM + 1; user < c.w->n_users; user++)
		store_create(&c, user, STORE_PRIVATE);
	change_end(&c);
	return c.w;
}

static struct props *generated_props(void)
{
	struct props *p = props_new();

	props_set_bytes(p, PR_MESSAGE_CLASS, "IPM.Note", 8);
	props_set_bytes(p, PR_SUBJECT, "Generated", 9);
	props_set_bytes(p, PR_SUBJECT_PREFIX, "", 0);
	props_set_bytes(p, PR_BODY, "Generated body", 14);
	return p;
}

static void generate_items(struct change *c, const struct vec *folders, uint32_t n, struct props *props)
{
	struct new_item item = {.props = props, .flags = MSGFLAG_READ, .state = ITEM_NUMBERED};

	for (uint32_t i = 0; i < n; i++) {
		item_create(c, folders->at[i % folders->n], &item);
		c->n = 0;
	}
}

static void generate_groups(struct world *w, uint32_t n, uint32_t first, uint32_t n_users)
{
	char name[32];

	for (uint32_t i = 0; n_users && i < n; i++) {
		uint32_t group;

		snprintf(name, sizeof(name), "team%u", i + 1);
		group = user_create(w, &(struct new_user){.name = name, .type = AB_GROUP});
		for (uint32_t k = 0; k < GROUP_SIZE && k < n_users; k++)
			vec_insert_sorted(&w->users[group].members, first + (i * GROUP_SIZE + k) % n_users);
	}
}

void world_generate(struct world *w, const struct generated *g)
{
	uint32_t first = w->n_users;
	struct props *props = generated_props();
	struct change c = {.w = w};

	for (uint32_t i = 1; i <= g->stores; i++) {
		struct vec folders = {0};
		uint32_t user, store, n_before;
		char name[32];

		snprintf(name, sizeof(name), "gen%u", i);
		user = user_create(w, &(struct new_user){.name = name, .password = "pass", .type = AB_USER});
		n_before = w->n_folders;
		store = store_create(&c, user, STORE_PRIVATE);
		vec_push(&folders, w->stores[store].special[SPECIAL_INBOX]);
		while (w->n_folders - n_before < g->folders) {
			snprintf(name, sizeof(name), "Folder %u", folders.n);
			vec_push(&folders,
				 folder_create(&c, store, w->stores[store].special[SPECIAL_SUBTREE], name, "IPF.Note"));
		}
		generate_items(&c, &folders, g->items, props);
		vec_free(&folders);
	}
	generate_groups(w, g->groups, first, g->stores);
	change_end(&c);
	props_unref(props);
}
