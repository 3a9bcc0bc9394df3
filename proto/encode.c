#include "proto/encode.h"

#include "core/arena.h"
#include "proto/event_id.h"
#include "proto/wire.h"
#include "tidings/v1/change.pb-c.h"
#include "tidings/v1/dead_letter.pb-c.h"
#include "tidings/v1/lifecycle.pb-c.h"

/* The numbers are those of the fields in tidings/v1/; they are put in descending order (proto/wire.h). That all of them
 * are there, and right, is what tests/unit/test_encode.c compares with protobuf-c. */

enum { MSGFLAG_READ = 1 };

#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), "core/change.h and the .proto files differ")
SAME(CHANGE_COPIED, TIDINGS__V1__KIND__KIND_COPIED);
SAME(ORIGIN_NOTIFICATION, TIDINGS__V1__ORIGIN__ORIGIN_NOTIFICATION);
SAME(OBJECT_STORE, TIDINGS__V1__OBJECT_TYPE__OBJECT_TYPE_STORE);
SAME(STORE_ARCHIVE, TIDINGS__V1__STORE_TYPE__STORE_TYPE_ARCHIVE);
SAME(IMPORTANCE_HIGH, TIDINGS__V1__IMPORTANCE__IMPORTANCE_HIGH);
SAME(FOLDER_SEARCH, TIDINGS__V1__FOLDER_TYPE__FOLDER_TYPE_SEARCH);
SAME(DELETION_HARD, TIDINGS__V1__DELETION_TYPE__DELETION_TYPE_HARD);
SAME(CAUSE_UNKNOWN_FOLDER, TIDINGS__V1__CAUSE__CAUSE_UNKNOWN_FOLDER);
SAME(LIFECYCLE_STORE_VANISHED, TIDINGS__V1__LIFECYCLE_TYPE__LIFECYCLE_TYPE_STORE_VANISHED);

static struct slice guid(const uint8_t *bytes)
{
	return slice_of(bytes, GUID_SIZE);
}

/* ---- where ---- */

static void put_store(struct wire *wire, unsigned field, const struct store_info *store)
{
	if (!store)
		return;
	size_t inner = wire_inner(wire);
	wire_number(wire, 4, store->type);
	wire_text(wire, 3, store->owner);
	wire_bytes(wire, 2, store->entry_id);
	wire_bytes(wire, 1, guid(store->guid));
	wire_close(wire, field, inner);
}

static void put_folder(struct wire *wire, unsigned field, const struct folder_info *folder)
{
	if (!folder)
		return;
	size_t inner = wire_inner(wire);
	wire_text(wire, 4, folder->container_class);
	wire_text(wire, 3, folder->path);
	wire_bytes(wire, 2, folder->entry_id);
	wire_bytes(wire, 1, folder->source_key);
	wire_close(wire, field, inner);
}

/* ---- what ---- */

static void put_address(struct wire *wire, unsigned field, const struct address *address)
{
	if (address->name.size + address->address.size + address->type.size == 0)
		return;
	size_t inner = wire_inner(wire);
	wire_text(wire, 3, address->type);
	wire_text(wire, 2, address->address);
	wire_text(wire, 1, address->name);
	wire_close(wire, field, inner);
}

static void put_item(struct wire *wire, const struct item *item)
{
	size_t inner = wire_inner(wire);
	wire_text(wire, 17, item->internet_message_id);
	wire_number(wire, 16, item->importance);
	wire_number(wire, 15, item->has_attachments);
	wire_number(wire, 14, item->message_flags & MSGFLAG_READ);
	wire_number(wire, 13, item->message_flags);
	wire_number(wire, 12, item->size_bytes);
	wire_time(wire, 11, item->modified_at_ns);
	wire_time(wire, 10, item->created_at_ns);
	wire_time(wire, 9, item->delivered_at_ns);
	wire_time(wire, 8, item->submitted_at_ns);
	wire_text(wire, 7, item->display_bcc);
	wire_text(wire, 6, item->display_cc);
	wire_text(wire, 5, item->display_to);
	put_address(wire, 4, &item->sent_representing);
	put_address(wire, 3, &item->sender);
	wire_text(wire, 2, item->subject);
	wire_text(wire, 1, item->message_class);
	wire_close(wire, 20, inner);
}

static void put_folder_properties(struct wire *wire, const struct folder_properties *properties)
{
	size_t inner = wire_inner(wire);
	wire_time(wire, 7, properties->modified_at_ns);
	wire_time(wire, 6, properties->created_at_ns);
	wire_number(wire, 5, properties->type);
	wire_text(wire, 4, properties->comment);
	wire_text(wire, 3, properties->container_class);
	wire_text(wire, 2, properties->path);
	wire_text(wire, 1, properties->name);
	wire_close(wire, 21, inner);
}

static void put_user(struct wire *wire, const struct user *user)
{
	size_t inner = wire_inner(wire);
	wire_number(wire, 6, user->hidden);
	wire_number(wire, 5, (uint64_t)user->admin_level);
	wire_number(wire, 4, (uint64_t)user->user_class);
	wire_text(wire, 3, user->email_address);
	wire_text(wire, 2, user->full_name);
	wire_text(wire, 1, user->login_name);
	wire_close(wire, 22, inner);
}

static void put_group(struct wire *wire, const struct group *group)
{
	size_t inner = wire_inner(wire);
	for (size_t i = group->n_members; i-- > 0;)
		wire_item(wire, 5, group->members[i]);
	wire_number(wire, 4, group->hidden);
	wire_text(wire, 3, group->email_address);
	wire_text(wire, 2, group->full_name);
	wire_text(wire, 1, group->name);
	wire_close(wire, 23, inner);
}

static void put_store_properties(struct wire *wire, const struct store_properties *properties)
{
	size_t inner = wire_inner(wire);
	wire_time(wire, 5, properties->modified_at_ns);
	wire_number(wire, 4, properties->size_bytes);
	wire_number(wire, 3, properties->detached);
	wire_text(wire, 2, properties->owner_name);
	wire_text(wire, 1, properties->display_name);
	wire_close(wire, 24, inner);
}

/* A message with one number, which is there even if that is 0. */
static void put_one(struct wire *wire, unsigned field, uint64_t number)
{
	size_t inner = wire_inner(wire);
	wire_number(wire, 1, number);
	wire_close(wire, field, inner);
}

static void put_move(struct wire *wire, const struct move *move)
{
	size_t inner = wire_inner(wire);
	put_folder(wire, 3, move->old_folder);
	wire_bytes(wire, 2, move->old_parent_entry_id);
	wire_bytes(wire, 1, move->old_entry_id);
	wire_close(wire, 27, inner);
}

static void put_properties(struct wire *wire, const struct change *change)
{
	if (change->item)
		put_item(wire, change->item);
	else if (change->folder_properties)
		put_folder_properties(wire, change->folder_properties);
	else if (change->user)
		put_user(wire, change->user);
	else if (change->group)
		put_group(wire, change->group);
	else if (change->store_properties)
		put_store_properties(wire, change->store_properties);
}

static void put_content(struct wire *wire, const struct change *change)
{
	if (change->kind == CHANGE_DELETED)
		put_one(wire, 26, change->deletion);
	else if (change->kind == CHANGE_READ_STATE && !change->item)
		put_one(wire, 25, change->read);
	else if (change->move)
		put_move(wire, change->move);
	else
		put_properties(wire, change);
}

/* ---- the records ---- */

static struct slice snapshot_id(const struct change *change)
{
	static const uint8_t none[SNAPSHOT_ID_SIZE];
	bool is_set = memcmp(change->snapshot_id, none, SNAPSHOT_ID_SIZE) != 0;
	return slice_of(change->snapshot_id, is_set ? SNAPSHOT_ID_SIZE : 0);
}

static void put_identity(struct wire *wire, const struct change *change)
{
	wire_number(wire, 17, change->associated);
	wire_bytes(wire, 16, snapshot_id(change));
	wire_bytes(wire, 15, change->change_key);
	wire_number(wire, 14, change->change_id);
	wire_number(wire, 13, change->item_number);
	wire_bytes(wire, 12, change->entry_id);
	wire_bytes(wire, 11, change->parent_source_key);
	wire_bytes(wire, 10, change->source_key);
}

static struct slice encode_change(const struct change *change, struct arena *arena, uint8_t id[EVENT_ID_SIZE])
{
	struct wire wire;
	wire_init(&wire);
	put_content(&wire, change);
	put_identity(&wire, change);
	put_folder(&wire, 9, change->folder);
	put_store(&wire, 8, change->store);
	wire_time(&wire, 7, change->observed_at_ns);
	wire_number(&wire, 6, change->server->epoch);
	wire_bytes(&wire, 5, guid(change->server->guid));
	wire_number(&wire, 4, change->object_type);
	wire_number(&wire, 3, change->origin);
	wire_number(&wire, 2, change->kind);
	event_id(change, id);
	wire_bytes(&wire, 1, slice_of(id, EVENT_ID_SIZE));
	return wire_take(&wire, arena);
}

static void put_original(struct wire *wire, const struct change *change)
{
	wire_bytes(wire, 15, snapshot_id(change));
	wire_number(wire, 14, change->change_id);
	wire_bytes(wire, 13, change->entry_id);
	wire_bytes(wire, 12, change->source_key);
	wire_bytes(wire, 11, change->parent_source_key);
	if (change->store)
		wire_bytes(wire, 10, guid(change->store->guid));
	wire_number(wire, 9, change->server->epoch);
	wire_bytes(wire, 8, guid(change->server->guid));
	wire_number(wire, 7, change->object_type);
	wire_number(wire, 6, change->origin);
	wire_number(wire, 5, change->kind);
}

static struct slice encode_dead_letter(const struct change *change, const struct dead_letter *letter,
				       struct arena *arena, uint8_t id[EVENT_ID_SIZE])
{
	struct wire wire;
	wire_init(&wire);
	wire_number(&wire, 19, letter->value_size_bytes);
	wire_bytes(&wire, 18, letter->value);
	wire_bytes(&wire, 17, letter->key);
	wire_text(&wire, 16, slice_of_text(letter->topic));
	put_original(&wire, change);
	wire_time(&wire, 4, letter->time_ns);
	wire_text(&wire, 3, slice_of_text(letter->text));
	wire_number(&wire, 2, letter->cause);
	event_id(change, id);
	wire_bytes(&wire, 1, slice_of(id, EVENT_ID_SIZE));
	return wire_take(&wire, arena);
}

static struct slice encode_lifecycle(const struct lifecycle *event, struct arena *arena, uint8_t id[EVENT_ID_SIZE])
{
	struct wire wire;
	wire_init(&wire);
	wire_text(&wire, 9, slice_of_text(event->text));
	put_folder(&wire, 8, event->folder);
	put_store(&wire, 7, event->store);
	wire_text(&wire, 6, slice_of_text(event->stream));
	wire_time(&wire, 5, event->time_ns);
	if (event->server) { /* not known before the first connection */
		wire_number(&wire, 4, event->server->epoch);
		wire_bytes(&wire, 3, guid(event->server->guid));
	}
	wire_number(&wire, 2, event->type);
	event_id_random(id);
	wire_bytes(&wire, 1, slice_of(id, EVENT_ID_SIZE));
	return wire_take(&wire, arena);
}

const struct encoder protobuf_encoder = {
	.change = encode_change,
	.dead_letter = encode_dead_letter,
	.lifecycle = encode_lifecycle,
};
