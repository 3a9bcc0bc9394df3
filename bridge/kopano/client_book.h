/* The calls about users and groups, of a client (client.h).
 *
 * Users and groups are named by their address-book entry ids, which is what the journal of the address book names them
 * by. Results are copied into the arena. Errors: client.h; ERR_GONE: there is no such user or group. */
#ifndef TIDINGS_BRIDGE_KOPANO_CLIENT_BOOK_H
#define TIDINGS_BRIDGE_KOPANO_CLIENT_BOOK_H

#include "bridge/kopano/client.h"

enum admin_level { ADMIN_NONE, ADMIN_COMPANY, ADMIN_SYSTEM };

enum user_class {
	CLASS_USER = 0x10001,
	CLASS_SHARED = 0x10002,
	CLASS_ROOM = 0x10003,
	CLASS_EQUIPMENT = 0x10004,
	CLASS_CONTACT = 0x10005
};

struct kopano_user {
	struct slice entry_id, login_name, full_name, email_address;
	uint32_t class;       /* enum user_class, or one that this page does not know */
	uint32_t admin_level; /* enum admin_level */
	bool hidden;
};

struct kopano_group {
	struct slice entry_id, name, full_name, email_address;
	bool hidden;
};

/* Entry ids of users, and of groups in groups. */
struct kopano_members {
	struct slice *entry_ids;
	size_t n;
};

/* An empty entry id: whoever has logged on. */
int client_user(struct client *client, struct slice entry_id, struct arena *arena, struct kopano_user *user,
		struct err *err);
int client_group(struct client *client, struct slice entry_id, struct arena *arena, struct kopano_group *group,
		 struct err *err);
/* Those that this account may see. */
int client_members(struct client *client, struct slice group_entry_id, struct arena *arena,
		   struct kopano_members *members, struct err *err);

/* Lists all users and all groups and throws the answers away: it makes the server compare its own list with the
 * directory behind it (LDAP), so that what has changed there comes into the journal. Work for the server: rarely. */
int client_compare_directory(struct client *client, struct err *err);

#endif
