#include "proto/summary.h"

#include <ctype.h>

#include "google/protobuf/timestamp.pb-c.h"
#include "proto/enum_name.h"
#include "tidings/v1/change.pb-c.h"
#include "tidings/v1/dead_letter.pb-c.h"
#include "tidings/v1/lifecycle.pb-c.h"

static void *allocate(void *arena, size_t n_bytes)
{
	return arena_alloc(arena, n_bytes);
}

static void leave(void *arena, void *memory)
{
	(void)arena, (void)memory;
}

/* ---- parts ---- */

static struct slice bytes_of(const ProtobufCBinaryData *bytes)
{
	return slice_of(bytes->data, bytes->len);
}

static int64_t milliseconds(const Google__Protobuf__Timestamp *time)
{
	const int64_t limit = INT64_C(1) << 50;
	if (!time || time->seconds > limit || time->seconds < -limit)
		return 0;
	return time->seconds * 1000 + time->nanos / 1000000;
}

/* Of an enum's value; "" for UNSPECIFIED and for those of a newer version. */
static const char *word(const ProtobufCEnumDescriptor *type, int value)
{
	const char *name = value ? enum_name(type, value) : NULL;
	return name ? name : "";
}

static void take_store(struct summary *summary, const Tidings__V1__Store *store)
{
	if (!store)
		return;
	summary->store = bytes_of(&store->guid);
	summary->owner = store->owner;
	summary->is_public = store->type == TIDINGS__V1__STORE_TYPE__STORE_TYPE_PUBLIC;
}

static void take_folder(struct summary *summary, const Tidings__V1__Folder *folder)
{
	if (!folder)
		return;
	summary->folder = bytes_of(&folder->source_key);
	summary->path = folder->path;
}

/* ---- contents ---- */

static const char *first(const char *a, const char *b)
{
	return *a ? a : b;
}

static const char *sender(const Tidings__V1__Item *item)
{
	const Tidings__V1__Address *in_whose_name = item->sent_representing;
	const Tidings__V1__Address *address = in_whose_name ? in_whose_name : item->sender;
	return address ? first(address->name, address->address) : "";
}

static void take_content(struct summary *summary, const Tidings__V1__ChangeEvent *event)
{
	switch (event->content_case) {
	case TIDINGS__V1__CHANGE_EVENT__CONTENT_ITEM:
		summary->name = event->item->subject;
		summary->from = sender(event->item);
		summary->read = event->item->read;
		break;
	case TIDINGS__V1__CHANGE_EVENT__CONTENT_FOLDER_PROPERTIES:
		summary->name = event->folder_properties->name;
		summary->own_path = event->folder_properties->path;
		break;
	case TIDINGS__V1__CHANGE_EVENT__CONTENT_USER:
		summary->name = first(event->user->full_name, event->user->login_name);
		break;
	case TIDINGS__V1__CHANGE_EVENT__CONTENT_GROUP:
		summary->name = first(event->group->full_name, event->group->name);
		break;
	case TIDINGS__V1__CHANGE_EVENT__CONTENT_STORE_PROPERTIES:
		summary->name = first(event->store_properties->display_name, event->store_properties->owner_name);
		break;
	case TIDINGS__V1__CHANGE_EVENT__CONTENT_READ_STATE:
		summary->read = event->read_state->read;
		break;
	case TIDINGS__V1__CHANGE_EVENT__CONTENT_DELETION:
		summary->hard = event->deletion->type == TIDINGS__V1__DELETION_TYPE__DELETION_TYPE_HARD;
		break;
	default:
		break;
	}
}

/* ---- messages ---- */

static void take_change(struct summary *summary, const Tidings__V1__ChangeEvent *event)
{
	summary->time_ms = milliseconds(event->observed_at);
	summary->kind = word(&tidings__v1__kind__descriptor, event->kind);
	summary->object = word(&tidings__v1__object_type__descriptor, event->object_type);
	summary->origin = word(&tidings__v1__origin__descriptor, event->origin);
	summary->key = bytes_of(&event->source_key);
	take_store(summary, event->store);
	take_folder(summary, event->folder);
	if (event->parent_source_key.len)
		summary->folder = bytes_of(&event->parent_source_key);
	take_content(summary, event);
}

static void take_lifecycle(struct summary *summary, const Tidings__V1__LifecycleEvent *event)
{
	summary->time_ms = milliseconds(event->time);
	summary->kind = word(&tidings__v1__lifecycle_type__descriptor, event->type);
	summary->name = event->text;
	take_store(summary, event->store);
	take_folder(summary, event->folder);
}

static void take_dead_letter(struct summary *summary, const Tidings__V1__DeadLetter *letter)
{
	summary->time_ms = milliseconds(letter->time);
	summary->kind = word(&tidings__v1__kind__descriptor, letter->kind);
	summary->object = word(&tidings__v1__object_type__descriptor, letter->object_type);
	summary->origin = word(&tidings__v1__origin__descriptor, letter->origin);
	summary->store = bytes_of(&letter->store_guid);
	summary->folder = bytes_of(&letter->parent_source_key);
	summary->key = bytes_of(&letter->source_key);
	summary->name = letter->text;
}

int summary_read(enum message_type type, struct slice value, struct arena *arena, struct summary *summary)
{
	static const ProtobufCMessageDescriptor *const messages[] = {
		[MESSAGE_CHANGE_EVENT] = &tidings__v1__change_event__descriptor,
		[MESSAGE_LIFECYCLE_EVENT] = &tidings__v1__lifecycle_event__descriptor,
		[MESSAGE_DEAD_LETTER] = &tidings__v1__dead_letter__descriptor,
	};
	ProtobufCAllocator allocator = {.alloc = allocate, .free = leave, .allocator_data = arena};
	ProtobufCMessage *message = protobuf_c_message_unpack(messages[type], &allocator, value.size, value.data);
	*summary = (struct summary){.type = type,
				    .kind = "",
				    .object = "",
				    .origin = "",
				    .owner = "",
				    .path = "",
				    .own_path = "",
				    .name = "",
				    .from = ""};
	if (!message)
		return -1;
	if (type == MESSAGE_CHANGE_EVENT)
		take_change(summary, (const Tidings__V1__ChangeEvent *)message);
	else if (type == MESSAGE_LIFECYCLE_EVENT)
		take_lifecycle(summary, (const Tidings__V1__LifecycleEvent *)message);
	else
		take_dead_letter(summary, (const Tidings__V1__DeadLetter *)message);
	return 0;
}

/* ---- names of kinds ---- */

static bool is_word(const char *name, const char *text)
{
	for (; *name && *text; name++, text++)
		if (toupper((unsigned char)*text) != *name && !(*name == '_' && *text == '-'))
			return false;
	return !*name && !*text;
}

static const char *find(const ProtobufCEnumDescriptor *type, const char *text)
{
	for (unsigned i = 0; i < type->n_values; i++) {
		const char *name = word(type, type->values[i].value);
		if (*name && is_word(name, text))
			return name;
	}
	return NULL;
}

const char *summary_find_kind(const char *text)
{
	const char *name = find(&tidings__v1__kind__descriptor, text);
	return name ? name : find(&tidings__v1__lifecycle_type__descriptor, text);
}

const char *summary_find_object(const char *text)
{
	return find(&tidings__v1__object_type__descriptor, text);
}
