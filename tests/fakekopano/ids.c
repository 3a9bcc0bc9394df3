#include "tests/fakekopano/ids.h"

#include <string.h>

#define OLD_ENTRY_ID_BYTES 36

static const struct guid ab_provider = {
	{0xac, 0x21, 0xa9, 0x50, 0x40, 0xd3, 0xee, 0x48, 0xb3, 0x19, 0xfb, 0xa7, 0x53, 0x30, 0x44, 0x25}};

static void put_le(unsigned char *out, uint64_t value, int n)
{
	for (int i = 0; i < n; i++)
		out[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get_le(const unsigned char *p, int n)
{
	uint64_t value = 0;

	for (int i = n - 1; i >= 0; i--)
		value = value << 8 | p[i];
	return value;
}

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

struct guid guid_mix(uint64_t seed, uint64_t number)
{
	struct guid g;

	put_le(g.b, mix(seed ^ mix(number)), 8);
	put_le(g.b + 8, mix(seed + mix(number + 1)), 8);
	return g;
}

void source_key_make(unsigned char out[SOURCE_KEY_BYTES], const struct guid *server, uint32_t key)
{
	memcpy(out, server->b, GUID_BYTES);
	put_le(out + GUID_BYTES, key, SOURCE_KEY_BYTES - GUID_BYTES);
}

uint32_t source_key_read(struct bytes id, const struct guid *server)
{
	uint64_t key;

	if (id.n != SOURCE_KEY_BYTES || memcmp(id.p, server->b, GUID_BYTES) != 0)
		return 0;
	key = get_le(id.p + GUID_BYTES, SOURCE_KEY_BYTES - GUID_BYTES);
	return key > UINT32_MAX ? 0 : (uint32_t)key;
}

void change_key_make(unsigned char out[CHANGE_KEY_BYTES], const struct guid *server, uint32_t change)
{
	memcpy(out, server->b, GUID_BYTES);
	put_le(out + GUID_BYTES, change, 4);
}

static void unique_part(unsigned char out[GUID_BYTES], const struct guid *server, uint32_t key)
{
	struct guid disguise = guid_mix(get_le(server->b, 8), key);

	memcpy(out, disguise.b, GUID_BYTES);
	put_le(out, key ^ get_le(disguise.b + 4, 4), 4);
}

void entry_id_make(unsigned char out[ENTRY_ID_BYTES], const struct guid *server, const struct guid *store,
		   enum entry_type type, uint32_t key)
{
	memset(out, 0, ENTRY_ID_BYTES);
	memcpy(out + 4, store->b, GUID_BYTES);
	put_le(out + 20, 1, 4);
	put_le(out + 24, type, 2);
	unique_part(out + 28, server, key);
}

size_t old_entry_id_make(unsigned char out[ENTRY_ID_BYTES], const struct guid *store, enum entry_type type,
			 uint32_t hid)
{
	memset(out, 0, ENTRY_ID_BYTES);
	memcpy(out + 4, store->b, GUID_BYTES);
	put_le(out + 24, type, 2);
	put_le(out + 28, hid, 4);
	return OLD_ENTRY_ID_BYTES;
}

uint32_t old_entry_id_read(struct bytes id)
{
	return id.n == OLD_ENTRY_ID_BYTES && get_le(id.p + 20, 4) == 0 ? (uint32_t)get_le(id.p + 28, 4) : 0;
}

uint32_t entry_id_read(struct bytes id, const struct guid *server)
{
	unsigned char unique[GUID_BYTES];
	uint32_t key;

	if (id.n < ENTRY_ID_BYTES || get_le(id.p + 20, 4) != 1)
		return 0;
	key = (uint32_t)(get_le(id.p + 28, 4) ^ get_le(id.p + 32, 4));
	unique_part(unique, server, key);
	return memcmp(unique, id.p + 28, GUID_BYTES) == 0 ? key : 0;
}

const struct guid *entry_id_store(struct bytes id)
{
	return (const struct guid *)(id.p + 4);
}

size_t ab_id_make(unsigned char out[AB_ID_MAX_BYTES], uint32_t version, uint32_t type, uint32_t id,
		  const char *external)
{
	size_t n = external ? strlen(external) : 0;

	memset(out, 0, AB_ID_MAX_BYTES);
	memcpy(out + 4, ab_provider.b, GUID_BYTES);
	put_le(out + 20, version, 4);
	put_le(out + 24, type, 4);
	put_le(out + 28, id, 4);
	if (version == 0)
		return 36;
	memcpy(out + 32, external, n);
	return 32 + (n / 4 + 1) * 4;
}

uint32_t ab_id_read(struct bytes id)
{
	if (id.n < 36 || memcmp(id.p + 4, ab_provider.b, GUID_BYTES) != 0)
		return 0;
	return (uint32_t)get_le(id.p + 28, 4);
}
