#include "bridge/kopano/book_read.h"

#include "bridge/kopano/client_book.h"

/* Facts (common/include/kopano/ECABEntryID.h): flags u32, GUID, version u32, type u32, id u32, all little-endian. */
enum { TYPE_AT = 24, HEAD_SIZE = 32 };

/* The numbers of change.proto. */
enum { PROTO_USER = 1, PROTO_SHARED, PROTO_ROOM, PROTO_EQUIPMENT, PROTO_CONTACT };
enum { PROTO_ADMIN_NONE = 1, PROTO_ADMIN_COMPANY, PROTO_ADMIN_SYSTEM };

uint32_t book_type(struct slice entry_id)
{
	const uint8_t *b = entry_id.data;
	if (entry_id.size < HEAD_SIZE)
		return 0;
	return b[TYPE_AT] | (uint32_t)b[TYPE_AT + 1] << 8 | (uint32_t)b[TYPE_AT + 2] << 16 |
	       (uint32_t)b[TYPE_AT + 3] << 24;
}

static int user_class(uint32_t class)
{
	switch (class) {
	case CLASS_USER:
		return PROTO_USER;
	case CLASS_SHARED:
		return PROTO_SHARED;
	case CLASS_ROOM:
		return PROTO_ROOM;
	case CLASS_EQUIPMENT:
		return PROTO_EQUIPMENT;
	case CLASS_CONTACT:
		return PROTO_CONTACT;
	default:
		return 0;
	}
}

static int admin_level(uint32_t level)
{
	switch (level) {
	case ADMIN_NONE:
		return PROTO_ADMIN_NONE;
	case ADMIN_COMPANY:
		return PROTO_ADMIN_COMPANY;
	case ADMIN_SYSTEM:
		return PROTO_ADMIN_SYSTEM;
	default:
		return 0;
	}
}

static int read_user(struct client *client, struct slice entry_id, struct arena *arena, struct change *change,
		     struct err *err)
{
	struct kopano_user from;
	int rc = client_user(client, entry_id, arena, &from, err);
	if (rc)
		return rc;
	struct user *user = arena_zero(arena, sizeof *user);
	*user = (struct user){.login_name = from.login_name,
			      .full_name = from.full_name,
			      .email_address = from.email_address,
			      .user_class = user_class(from.class),
			      .admin_level = admin_level(from.admin_level),
			      .hidden = from.hidden};
	change->user = user;
	return 0;
}

static int read_group(struct client *client, struct slice entry_id, struct arena *arena, struct change *change,
		      struct err *err)
{
	struct kopano_group from;
	struct kopano_members members;
	int rc = client_group(client, entry_id, arena, &from, err);
	if (rc == 0)
		rc = client_members(client, entry_id, arena, &members, err);
	if (rc)
		return rc;
	struct group *group = arena_zero(arena, sizeof *group);
	*group = (struct group){.name = from.name,
				.full_name = from.full_name,
				.email_address = from.email_address,
				.hidden = from.hidden,
				.members = members.entry_ids,
				.n_members = members.n};
	change->group = group;
	return 0;
}

int book_read(struct client *client, struct slice entry_id, struct arena *arena, struct change *change, struct err *err)
{
	return book_type(entry_id) == BOOK_GROUP ? read_group(client, entry_id, arena, change, err)
						 : read_user(client, entry_id, arena, change, err);
}
