/*
 * The identifiers of the wire, all made from a server GUID, a store GUID and a 48-bit counter.
 *
 * An object's source key is the server GUID and its counter; the unique part of its entry id is the counter in
 * disguise, so that both lead back to the object without an index.
 */
#ifndef FAKEKOPANO_IDS_H
#define FAKEKOPANO_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUID_BYTES       16
#define ENTRY_ID_BYTES   48
#define SOURCE_KEY_BYTES 22
#define CHANGE_KEY_BYTES 20
#define AB_ID_MAX_BYTES  64

/* A flag in an entry id: open here, wherever its home is. Nobody looks at it. */
#define ENTRY_FLAGS_AT  26
#define ENTRY_OPEN_HERE 16

#define AB_USER      6
#define AB_GROUP     8
#define AB_CONTAINER 4

struct guid {
	unsigned char b[GUID_BYTES];
};

struct bytes {
	const unsigned char *p;
	uint32_t n;
};

/* Sixteen bytes that depend on both numbers only; not for secrets. */
struct guid guid_mix(uint64_t seed, uint64_t number);

void source_key_make(unsigned char out[SOURCE_KEY_BYTES], const struct guid *server, uint32_t key);
/* The counter of a source key of this server, or 0. */
uint32_t source_key_read(struct bytes id, const struct guid *server);
void change_key_make(unsigned char out[CHANGE_KEY_BYTES], const struct guid *server, uint32_t change);

enum entry_type { ENTRY_STORE = 1, ENTRY_FOLDER = 3, ENTRY_MESSAGE = 5 };

void entry_id_make(unsigned char out[ENTRY_ID_BYTES], const struct guid *server, const struct guid *store,
		   enum entry_type type, uint32_t key);
/* The old form, which only names the object by its number. Returns its length. */
size_t old_entry_id_make(unsigned char out[ENTRY_ID_BYTES], const struct guid *store, enum entry_type type,
			 uint32_t hid);
/* The number in an entry id of the old form, or 0 when it has not that form. */
uint32_t old_entry_id_read(struct bytes id);
/* The counter in an entry id, or 0 when it was not made by entry_id_make(). */
uint32_t entry_id_read(struct bytes id, const struct guid *server);

const struct guid *entry_id_store(struct bytes id);

/* Returns the length. A version 0 id has no external part. */
size_t ab_id_make(unsigned char out[AB_ID_MAX_BYTES], uint32_t version, uint32_t type, uint32_t id,
		  const char *external);
/* The internal id of an address book entry id, or 0. */
uint32_t ab_id_read(struct bytes id);

#endif
