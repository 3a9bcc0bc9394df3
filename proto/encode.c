#include "proto/encode.h"

#include "core/arena.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "proto/event_id.h"
#include "proto/utf8.h"
#include "tidings/v1/change.pb-c.h"
#include "tidings/v1/dead_letter.pb-c.h"
#include "tidings/v1/lifecycle.pb-c.h"

enum { NS_PER_SECOND = 1000000000, MSGFLAG_READ = 1 };

/* A record is at most its runs of bytes, each with HEADER_BYTES, and FIXED_BYTES for its numbers and messages (at most
 * 12 bytes each with tag; tests/unit/test_encode.c counts them). So most are packed without being measured first, which
 * costs nearly as much as packing. */
enum { TEXT_BYTES = 4096, PACK_BYTES = 8192, HEADER_BYTES = 12, FIXED_BYTES = 2048 };

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

/* What one record is made of besides its messages. */
struct scratch {
	struct arena *arena; /* of the record */
	struct arena spill;  /* for what does not fit here, until it is packed */
	size_t bound;        /* the packed record is not longer */
	size_t text_used;
	char text[TEXT_BYTES]; /* copies: protobuf-c wants them NUL-terminated */
};

/* The messages inside a ChangeEvent, on the stack until it is packed. */
struct parts {
	struct scratch scratch;
	Google__Protobuf__Timestamp observed_at;
	Tidings__V1__Store store;
	Tidings__V1__Folder folder, old_folder;
	Tidings__V1__Address sender, sent_representing;
	Google__Protobuf__Timestamp submitted_at, delivered_at, created_at, modified_at;
	union {
		Tidings__V1__Item item;
		Tidings__V1__FolderProperties folder_properties;
		Tidings__V1__User user;
		Tidings__V1__Group group;
		Tidings__V1__StoreProperties store_properties;
		Tidings__V1__ReadState read_state;
		Tidings__V1__Deletion deletion;
		Tidings__V1__Move move;
	} content;
};

static void scratch_init(struct scratch *scratch, struct arena *arena)
{
	scratch->arena = arena;
	scratch->spill = (struct arena){0};
	scratch->bound = FIXED_BYTES;
	scratch->text_used = 0;
}

static char *text_room(struct scratch *scratch, size_t size)
{
	if (size > sizeof scratch->text - scratch->text_used)
		return arena_alloc(&scratch->spill, size);
	char *room = scratch->text + scratch->text_used;
	scratch->text_used += size;
	return room;
}

static char *text(struct scratch *scratch, struct slice slice)
{
	if (slice.size == 0)
		return (char *)protobuf_c_empty_string;
	bool good = utf8_is_good(slice);
	char *copy = text_room(scratch, slice.size * (good ? 1 : UTF8_GROWTH) + 1);
	size_t size = slice.size;
	if (good)
		memcpy(copy, slice.data, size);
	else
		size = utf8_repair(slice, copy);
	copy[size] = '\0';
	scratch->bound += size + HEADER_BYTES;
	return copy;
}

static char *c_text(struct scratch *scratch, const char *string)
{
	return text(scratch, slice_of_text(string));
}

static ProtobufCBinaryData bytes(struct scratch *scratch, struct slice slice)
{
	scratch->bound += slice.size + HEADER_BYTES;
	return (ProtobufCBinaryData){.len = slice.size, .data = (uint8_t *)slice.data};
}

static ProtobufCBinaryData run_of(struct scratch *scratch, const uint8_t *data, size_t size)
{
	return bytes(scratch, slice_of(data, size));
}

static Google__Protobuf__Timestamp *timestamp(Google__Protobuf__Timestamp *stamp, int64_t ns)
{
	if (ns == 0)
		return NULL;
	google__protobuf__timestamp__init(stamp);
	stamp->seconds = ns / NS_PER_SECOND;
	stamp->nanos = (int32_t)(ns % NS_PER_SECOND);
	if (stamp->nanos < 0) {
		stamp->nanos += NS_PER_SECOND;
		stamp->seconds--;
	}
	return stamp;
}

static Tidings__V1__Store *store(struct parts *parts, const struct store_info *info)
{
	Tidings__V1__Store *out = &parts->store;

	if (!info)
		return NULL;
	tidings__v1__store__init(out);
	out->guid = run_of(&parts->scratch, info->guid, GUID_SIZE);
	out->entry_id = bytes(&parts->scratch, info->entry_id);
	out->owner = text(&parts->scratch, info->owner);
	out->type = (Tidings__V1__StoreType)info->type;
	return out;
}

static Tidings__V1__Folder *folder(struct parts *parts, Tidings__V1__Folder *out, const struct folder_info *info)
{
	if (!info)
		return NULL;
	tidings__v1__folder__init(out);
	out->source_key = bytes(&parts->scratch, info->source_key);
	out->entry_id = bytes(&parts->scratch, info->entry_id);
	out->path = text(&parts->scratch, info->path);
	out->container_class = text(&parts->scratch, info->container_class);
	return out;
}

static Tidings__V1__Address *address(struct parts *parts, Tidings__V1__Address *out, const struct address *from)
{
	if (from->name.size + from->address.size + from->type.size == 0)
		return NULL;
	tidings__v1__address__init(out);
	out->name = text(&parts->scratch, from->name);
	out->address = text(&parts->scratch, from->address);
	out->type = text(&parts->scratch, from->type);
	return out;
}

static Tidings__V1__Item *item(struct parts *parts, const struct item *from)
{
	Tidings__V1__Item *out = &parts->content.item;

	tidings__v1__item__init(out);
	out->message_class = text(&parts->scratch, from->message_class);
	out->subject = text(&parts->scratch, from->subject);
	out->sender = address(parts, &parts->sender, &from->sender);
	out->sent_representing = address(parts, &parts->sent_representing, &from->sent_representing);
	out->display_to = text(&parts->scratch, from->display_to);
	out->display_cc = text(&parts->scratch, from->display_cc);
	out->display_bcc = text(&parts->scratch, from->display_bcc);
	out->submitted_at = timestamp(&parts->submitted_at, from->submitted_at_ns);
	out->delivered_at = timestamp(&parts->delivered_at, from->delivered_at_ns);
	out->created_at = timestamp(&parts->created_at, from->created_at_ns);
	out->modified_at = timestamp(&parts->modified_at, from->modified_at_ns);
	out->size_bytes = from->size_bytes;
	out->message_flags = from->message_flags;
	out->read = from->message_flags & MSGFLAG_READ;
	out->has_attachments = from->has_attachments;
	out->importance = (Tidings__V1__Importance)from->importance;
	out->internet_message_id = text(&parts->scratch, from->internet_message_id);
	return out;
}

static Tidings__V1__FolderProperties *folder_properties(struct parts *parts, const struct folder_properties *from)
{
	Tidings__V1__FolderProperties *out = &parts->content.folder_properties;

	tidings__v1__folder_properties__init(out);
	out->name = text(&parts->scratch, from->name);
	out->path = text(&parts->scratch, from->path);
	out->container_class = text(&parts->scratch, from->container_class);
	out->comment = text(&parts->scratch, from->comment);
	out->type = (Tidings__V1__FolderType)from->type;
	out->created_at = timestamp(&parts->created_at, from->created_at_ns);
	out->modified_at = timestamp(&parts->modified_at, from->modified_at_ns);
	return out;
}

static Tidings__V1__User *user(struct parts *parts, const struct user *from)
{
	Tidings__V1__User *out = &parts->content.user;

	tidings__v1__user__init(out);
	out->login_name = text(&parts->scratch, from->login_name);
	out->full_name = text(&parts->scratch, from->full_name);
	out->email_address = text(&parts->scratch, from->email_address);
	out->user_class = (Tidings__V1__UserClass)from->user_class;
	out->admin_level = (Tidings__V1__AdminLevel)from->admin_level;
	out->hidden = from->hidden;
	return out;
}

static Tidings__V1__Group *group(struct parts *parts, const struct group *from)
{
	Tidings__V1__Group *out = &parts->content.group;

	tidings__v1__group__init(out);
	out->name = text(&parts->scratch, from->name);
	out->full_name = text(&parts->scratch, from->full_name);
	out->email_address = text(&parts->scratch, from->email_address);
	out->hidden = from->hidden;
	out->n_members = from->n_members;
	out->members = arena_alloc(&parts->scratch.spill, from->n_members * sizeof *out->members);
	for (size_t i = 0; i < from->n_members; i++)
		out->members[i] = bytes(&parts->scratch, from->members[i]);
	return out;
}

static Tidings__V1__StoreProperties *store_properties(struct parts *parts, const struct store_properties *from)
{
	Tidings__V1__StoreProperties *out = &parts->content.store_properties;

	tidings__v1__store_properties__init(out);
	out->display_name = text(&parts->scratch, from->display_name);
	out->owner_name = text(&parts->scratch, from->owner_name);
	out->detached = from->detached;
	out->size_bytes = from->size_bytes;
	out->modified_at = timestamp(&parts->modified_at, from->modified_at_ns);
	return out;
}

static Tidings__V1__ReadState *read_state(struct parts *parts, bool read)
{
	tidings__v1__read_state__init(&parts->content.read_state);
	parts->content.read_state.read = read;
	return &parts->content.read_state;
}

static Tidings__V1__Deletion *deletion(struct parts *parts, enum deletion_type type)
{
	tidings__v1__deletion__init(&parts->content.deletion);
	parts->content.deletion.type = (Tidings__V1__DeletionType)type;
	return &parts->content.deletion;
}

static Tidings__V1__Move *move(struct parts *parts, const struct move *from)
{
	Tidings__V1__Move *out = &parts->content.move;

	tidings__v1__move__init(out);
	out->old_entry_id = bytes(&parts->scratch, from->old_entry_id);
	out->old_parent_entry_id = bytes(&parts->scratch, from->old_parent_entry_id);
	out->old_folder = folder(parts, &parts->old_folder, from->old_folder);
	return out;
}

#define SET_CONTENT(event, member, CASE, value)                                                                        \
	do {                                                                                                           \
		(event)->content_case = TIDINGS__V1__CHANGE_EVENT__CONTENT_##CASE;                                     \
		(event)->member = (value);                                                                             \
	} while (0)

static void set_properties(Tidings__V1__ChangeEvent *event, struct parts *parts, const struct change *change)
{
	if (change->item)
		SET_CONTENT(event, item, ITEM, item(parts, change->item));
	else if (change->folder_properties)
		SET_CONTENT(event, folder_properties, FOLDER_PROPERTIES,
			    folder_properties(parts, change->folder_properties));
	else if (change->user)
		SET_CONTENT(event, user, USER, user(parts, change->user));
	else if (change->group)
		SET_CONTENT(event, group, GROUP, group(parts, change->group));
	else if (change->store_properties)
		SET_CONTENT(event, store_properties, STORE_PROPERTIES,
			    store_properties(parts, change->store_properties));
}

static void set_content(Tidings__V1__ChangeEvent *event, struct parts *parts, const struct change *change)
{
	if (change->kind == CHANGE_DELETED)
		SET_CONTENT(event, deletion, DELETION, deletion(parts, change->deletion));
	else if (change->kind == CHANGE_READ_STATE && !change->item)
		SET_CONTENT(event, read_state, READ_STATE, read_state(parts, change->read));
	else if (change->move)
		SET_CONTENT(event, move, MOVE, move(parts, change->move));
	else
		set_properties(event, parts, change);
}

static ProtobufCBinaryData snapshot_id(struct scratch *scratch, const struct change *change)
{
	static const uint8_t none[SNAPSHOT_ID_SIZE];
	bool is_set = memcmp(change->snapshot_id, none, SNAPSHOT_ID_SIZE) != 0;

	return run_of(scratch, change->snapshot_id, is_set ? SNAPSHOT_ID_SIZE : 0);
}

static struct slice pack_measured(const ProtobufCMessage *message, struct arena *arena)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data = arena_alloc(arena, size);

	protobuf_c_message_pack(message, data);
	return slice_of(data, size);
}

static struct slice pack_bounded(const ProtobufCMessage *message, struct arena *arena)
{
	uint8_t buffer[PACK_BYTES];

	return arena_copy(arena, slice_of(buffer, protobuf_c_message_pack(message, buffer)));
}

/* Ends the use of the scratch. */
static struct slice pack(const ProtobufCMessage *message, struct scratch *scratch)
{
	struct slice packed = scratch->bound > PACK_BYTES ? pack_measured(message, scratch->arena)
							  : pack_bounded(message, scratch->arena);

	arena_free(&scratch->spill);
	return packed;
}

static void set_identity(Tidings__V1__ChangeEvent *event, struct scratch *scratch, const struct change *change)
{
	event->kind = (Tidings__V1__Kind)change->kind;
	event->origin = (Tidings__V1__Origin)change->origin;
	event->object_type = (Tidings__V1__ObjectType)change->object_type;
	event->server_guid = run_of(scratch, change->server->guid, GUID_SIZE);
	event->epoch = change->server->epoch;
	event->source_key = bytes(scratch, change->source_key);
	event->parent_source_key = bytes(scratch, change->parent_source_key);
	event->entry_id = bytes(scratch, change->entry_id);
	event->item_number = change->item_number;
	event->change_id = change->change_id;
	event->change_key = bytes(scratch, change->change_key);
	event->snapshot_id = snapshot_id(scratch, change);
	event->associated = change->associated;
}

static struct slice encode_change(const struct change *change, struct arena *arena, uint8_t id[EVENT_ID_SIZE])
{
	Tidings__V1__ChangeEvent event = TIDINGS__V1__CHANGE_EVENT__INIT;
	struct parts parts;

	scratch_init(&parts.scratch, arena);
	event_id(change, id);
	event.id = run_of(&parts.scratch, id, EVENT_ID_SIZE);
	set_identity(&event, &parts.scratch, change);
	event.observed_at = timestamp(&parts.observed_at, change->observed_at_ns);
	event.store = store(&parts, change->store);
	event.folder = folder(&parts, &parts.folder, change->folder);
	set_content(&event, &parts, change);
	return pack(&event.base, &parts.scratch);
}

static void set_original(Tidings__V1__DeadLetter *out, struct scratch *scratch, const struct change *change)
{
	out->kind = (Tidings__V1__Kind)change->kind;
	out->origin = (Tidings__V1__Origin)change->origin;
	out->object_type = (Tidings__V1__ObjectType)change->object_type;
	out->server_guid = run_of(scratch, change->server->guid, GUID_SIZE);
	out->epoch = change->server->epoch;
	if (change->store)
		out->store_guid = run_of(scratch, change->store->guid, GUID_SIZE);
	out->parent_source_key = bytes(scratch, change->parent_source_key);
	out->source_key = bytes(scratch, change->source_key);
	out->entry_id = bytes(scratch, change->entry_id);
	out->change_id = change->change_id;
	out->snapshot_id = snapshot_id(scratch, change);
}

static struct slice encode_dead_letter(const struct change *change, const struct dead_letter *letter,
				       struct arena *arena, uint8_t id[EVENT_ID_SIZE])
{
	Tidings__V1__DeadLetter out = TIDINGS__V1__DEAD_LETTER__INIT;
	Google__Protobuf__Timestamp time;
	struct scratch scratch;

	scratch_init(&scratch, arena);
	event_id(change, id);
	out.id = run_of(&scratch, id, EVENT_ID_SIZE);
	set_original(&out, &scratch, change);
	out.cause = (Tidings__V1__Cause)letter->cause;
	out.text = c_text(&scratch, letter->text);
	out.time = timestamp(&time, letter->time_ns);
	out.topic = c_text(&scratch, letter->topic);
	out.key = bytes(&scratch, letter->key);
	out.value = bytes(&scratch, letter->value);
	out.value_size_bytes = letter->value_size_bytes;
	return pack(&out.base, &scratch);
}

static struct slice encode_lifecycle(const struct lifecycle *event, struct arena *arena, uint8_t id[EVENT_ID_SIZE])
{
	Tidings__V1__LifecycleEvent out = TIDINGS__V1__LIFECYCLE_EVENT__INIT;
	Google__Protobuf__Timestamp time;
	struct parts parts;

	scratch_init(&parts.scratch, arena);
	event_id_random(id);
	out.id = run_of(&parts.scratch, id, EVENT_ID_SIZE);
	out.type = (Tidings__V1__LifecycleType)event->type;
	if (event->server) { /* not known before the first connection */
		out.server_guid = run_of(&parts.scratch, event->server->guid, GUID_SIZE);
		out.epoch = event->server->epoch;
	}
	out.time = timestamp(&time, event->time_ns);
	out.stream = c_text(&parts.scratch, event->stream);
	out.store = store(&parts, event->store);
	out.folder = folder(&parts, &parts.folder, event->folder);
	out.text = c_text(&parts.scratch, event->text);
	return pack(&out.base, &parts.scratch);
}

const struct encoder protobuf_encoder = {
	.change = encode_change,
	.dead_letter = encode_dead_letter,
	.lifecycle = encode_lifecycle,
};
