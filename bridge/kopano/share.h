/* What the changes of a batch have in common: server, store and folder are copied into its arena once, however many
 * changes point to them. For the batch that was begun last; the changes of another one get further copies. */
#ifndef TIDINGS_BRIDGE_KOPANO_SHARE_H
#define TIDINGS_BRIDGE_KOPANO_SHARE_H

#include "core/batch.h"

struct kopano;

enum { SHARE_SLOTS = 512 };

struct share_slot {
	uint64_t turn;
	uint32_t folder;
	const struct store_info *store;
	const struct folder_info *info;
};

struct shares {
	const struct batch *batch;
	uint64_t turn; /* slots of another one are empty */
	const struct server_info *server;
	uint32_t store;
	const struct store_info *store_info; /* of `store`; NULL: none yet */
	int64_t observed_at_ns;
	struct share_slot slots[SHARE_SLOTS];
};

/* Every batch of this source is begun here. */
struct batch *share_batch(struct kopano *kopano, const char *stream);

const struct store_info *share_store(struct kopano *kopano, uint32_t store, struct batch *batch);

/* A change of an item of this folder, or of the folder, with what all of them share: server, time, store, folder; and
 * the folder's key as the parent's. */
struct change *share_change(struct kopano *kopano, uint32_t folder, struct batch *batch);
void share_server(struct kopano *kopano, struct batch *batch, struct change *change); /* server and time alone */
void share_fill(struct kopano *kopano, uint32_t folder, struct batch *batch, struct change *change);

/* `folder` may be NO_FOLDER, here and above: then nothing is known but the server. */
void share_lifecycle(struct kopano *kopano, uint32_t folder, struct batch *batch, enum lifecycle_type type,
		     const char *text);

void share_store_lifecycle(struct kopano *kopano, uint32_t store, struct batch *batch, enum lifecycle_type type,
			   const char *text);

/* An empty BEGIN or END of a snapshot of the folder's items. */
void share_bracket(struct kopano *kopano, uint32_t folder, struct batch *batch, enum change_kind kind,
		   const uint8_t snapshot_id[SNAPSHOT_ID_SIZE]);

#endif
