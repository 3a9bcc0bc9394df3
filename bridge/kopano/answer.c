#include "bridge/kopano/answer.h"

enum { TAG_TYPE_MASK = 0xffff, PROPS_LIMIT = 1 << 16 /* as many as there are property numbers */ };

uint32_t answer_read(struct scan *scan, struct arena *arena, answer_child_fn *child, void *answer)
{
	int level = scan->depth;
	bool known = false;
	uint32_t er = 0;

	while (scan_child(scan, level)) {
		if (scan_is(scan, "er") || scan_is(scan, "result")) {
			er = scan_u32(scan);
			known = true;
		} else if (child) {
			child(scan, arena, answer);
		}
	}
	if (!known)
		scan_refuse(scan, ERR_AGAIN, "the answer has no status");
	return er;
}

void answer_logon(struct scan *scan, struct arena *arena, void *answer)
{
	struct logon_answer *logon = answer;

	if (scan_is(scan, "ulSessionId"))
		logon->session = scan_u64(scan);
	else if (scan_is(scan, "lpszVersion"))
		logon->version = scan_text(scan, arena);
	else if (scan_is(scan, "sServerGuid"))
		logon->guid = scan_base64(scan, arena);
}

void answer_store(struct scan *scan, struct arena *arena, void *answer)
{
	struct store_answer *store = answer;

	if (scan_is(scan, "sStoreId"))
		store->entry_id = scan_base64(scan, arena);
	else if (scan_is(scan, "sRootId"))
		store->root_entry_id = scan_base64(scan, arena);
	else if (scan_is(scan, "guid"))
		store->guid = scan_base64(scan, arena);
	else if (scan_is(scan, "lpszServerPath"))
		store->server_path = scan_text(scan, arena);
}

void answer_sync(struct scan *scan, struct arena *arena, void *answer)
{
	uint32_t *sync_id = answer;

	(void)arena;
	if (scan_is(scan, "ulSyncId"))
		*sync_id = scan_u32(scan);
}

void answer_entry_id(struct scan *scan, struct arena *arena, void *answer)
{
	struct slice *entry_id = answer;

	if (scan_is(scan, "sEntryId"))
		*entry_id = scan_base64(scan, arena);
}

/* FILETIME, 100 ns since 1601, to ns since 1970. What does not fit (before 1678, after 2262) is used for "no date": 0.
 */
static int64_t unix_time_ns(uint32_t hi, uint32_t lo)
{
	int64_t since_1601 = (int64_t)((uint64_t)hi << 32 | lo), since_1970, ns;

	if (__builtin_sub_overflow(since_1601, INT64_C(116444736000000000), &since_1970) ||
	    __builtin_mul_overflow(since_1970, 100, &ns))
		return 0;
	return ns;
}

static int64_t read_time_ns(struct scan *scan)
{
	int level = scan->depth;
	uint32_t hi = 0, lo = 0;

	while (scan_child(scan, level)) {
		if (scan_is(scan, "hi"))
			hi = scan_u32(scan);
		else if (scan_is(scan, "lo"))
			lo = scan_u32(scan);
	}
	return unix_time_ns(hi, lo);
}

/* false: the element does not fit the type. */
static bool read_value(struct scan *scan, struct arena *arena, struct prop *prop)
{
	switch (prop->tag & TAG_TYPE_MASK) {
	case PT_LONG:
	case PT_ERROR:
		return scan_is(scan, "ul") && (prop->number = scan_u32(scan), true);
	case PT_UNICODE:
	case PT_STRING8:
		return scan_is(scan, "lpszA") && (prop->bytes = scan_text(scan, arena), true);
	case PT_BINARY:
	case PT_CLSID:
		return scan_is(scan, "bin") && (prop->bytes = scan_base64(scan, arena), true);
	case PT_SYSTIME:
		return scan_is(scan, "hilo") && (prop->time_ns = read_time_ns(scan), true);
	case PT_BOOLEAN:
		return scan_is(scan, "b") && (prop->number = scan_bool(scan), true);
	case PT_I2:
		return scan_is(scan, "i") && (prop->number = scan_u64(scan), true);
	case PT_I8:
		return scan_is(scan, "li") && (prop->number = scan_u64(scan), true);
	default:
		return true;
	}
}

static struct prop absent(uint32_t tag)
{
	return (struct prop){.tag = (tag & ~(uint32_t)TAG_TYPE_MASK) | PT_ERROR, .number = KOPANO_NOT_FOUND};
}

/* The tag comes first, as the server writes it; a value before it is not read. */
static void read_prop(struct scan *scan, struct arena *arena, struct prop *prop)
{
	int level = scan->depth;
	bool fits = false;

	*prop = (struct prop){0};
	while (scan_child(scan, level)) {
		if (scan_is(scan, "ulPropTag"))
			prop->tag = scan_u32(scan);
		else
			fits |= prop->tag && read_value(scan, arena, prop);
	}
	if (!fits)
		*prop = absent(prop->tag);
}

void answer_prop(struct scan *scan, struct arena *arena, void *answer)
{
	struct prop_answer *prop = answer;

	if (scan_is(scan, "lpPropVal")) {
		read_prop(scan, arena, &prop->prop);
		prop->found = true;
	}
}

/* Room for one more at the end of an array that grows by doubling. */
static void *one_more(struct arena *arena, void *array, size_t n, size_t size)
{
	if (n & (n - 1)) /* no power of two: there is room */
		return array;
	void *bigger = arena_alloc(arena, (n ? 2 * n : 1) * size);
	return n ? memcpy(bigger, array, n * size) : bigger;
}

static bool next_of_object(struct scan *scan, int level, size_t n)
{
	if (!scan_child(scan, level))
		return false;
	if (n >= PROPS_LIMIT)
		scan_refuse(scan, ERR_BAD, "an object has more properties than there are");
	return !scan_failed(scan);
}

static void read_tags(struct scan *scan, struct arena *arena, struct object *object)
{
	int level = scan->depth;

	while (next_of_object(scan, level, object->n_missing)) {
		object->missing = one_more(arena, object->missing, object->n_missing, sizeof *object->missing);
		object->missing[object->n_missing++] = scan_u32(scan);
	}
}

static void read_props(struct scan *scan, struct arena *arena, struct props *props)
{
	int level = scan->depth;

	while (next_of_object(scan, level, props->n)) {
		props->props = one_more(arena, props->props, props->n, sizeof *props->props);
		read_prop(scan, arena, &props->props[props->n++]);
	}
}

/* Of all tags of the object leaves those that have no value here and can have one. */
static void keep_missing(struct object *object)
{
	uint8_t has_value[PROPS_LIMIT / 8] = {0};
	size_t n = 0;

	for (size_t i = 0; i < object->props.n; i++) {
		uint32_t number = object->props.props[i].tag >> 16;
		has_value[number / 8] |= (uint8_t)(1 << number % 8);
	}
	for (size_t i = 0; i < object->n_missing; i++) {
		uint32_t tag = object->missing[i], number = tag >> 16;
		if (!(has_value[number / 8] & 1 << number % 8) && (tag & TAG_TYPE_MASK) != PT_OBJECT)
			object->missing[n++] = tag;
	}
	object->n_missing = n;
}

void answer_object(struct scan *scan, struct arena *arena, void *answer)
{
	struct object *object = answer;
	int level = scan->depth;

	if (!scan_is(scan, "sSaveObject"))
		return;
	while (scan_child(scan, level)) {
		if (scan_is(scan, "delProps"))
			read_tags(scan, arena, object);
		else if (scan_is(scan, "modProps"))
			read_props(scan, arena, &object->props);
		else if (scan_is(scan, "ulServerId"))
			object->server_id = scan_u32(scan);
	}
	keep_missing(object);
}

void answer_entry(struct scan *scan, struct entry_keys *keys, struct journal_entry *entry)
{
	int level = scan->depth;

	*entry = (struct journal_entry){0};
	keys->source_key.size = keys->parent_source_key.size = 0;
	while (scan_child(scan, level)) {
		if (scan_is(scan, "ulChangeId"))
			entry->change_id = scan_u32(scan);
		else if (scan_is(scan, "sSourceKey"))
			scan_base64_into(scan, &keys->source_key);
		else if (scan_is(scan, "sParentSourceKey"))
			scan_base64_into(scan, &keys->parent_source_key);
		else if (scan_is(scan, "ulChangeType"))
			entry->type = scan_u32(scan);
		else if (scan_is(scan, "ulFlags"))
			entry->flags = scan_u32(scan);
	}
	entry->source_key = slice_of(keys->source_key.data, keys->source_key.size);
	entry->parent_source_key = slice_of(keys->parent_source_key.data, keys->parent_source_key.size);
}

/* The place of the column with this property number, most likely `likely`; n if there is none. */
static size_t column_of(const struct columns *columns, uint32_t tag, size_t likely)
{
	if (likely < columns->n && columns->tags[likely] >> 16 == tag >> 16)
		return likely;
	size_t i = 0;
	while (i < columns->n && columns->tags[i] >> 16 != tag >> 16)
		i++;
	return i;
}

static uint32_t comparable_type(uint32_t tag)
{
	return (tag & TAG_TYPE_MASK) == PT_STRING8 ? PT_UNICODE : tag & TAG_TYPE_MASK;
}

/* The value as the column's: a reader relies on the type that he asked for. */
static struct prop as_column(struct prop value, uint32_t column)
{
	if ((value.tag & TAG_TYPE_MASK) == PT_ERROR)
		return value;
	if (comparable_type(value.tag) != comparable_type(column))
		return absent(column);
	value.tag = column;
	return value;
}

void answer_row(struct scan *scan, struct arena *arena, const struct columns *columns, struct prop *cells)
{
	int level = scan->depth;
	size_t next = 0;

	for (size_t i = 0; i < columns->n; i++)
		cells[i] = absent(columns->tags[i]);
	while (scan_child(scan, level)) {
		struct prop value;
		read_prop(scan, arena, &value);
		size_t i = column_of(columns, value.tag, next);
		if (i < columns->n)
			cells[i] = as_column(value, columns->tags[i]);
		next = i + 1;
	}
}

void answer_export(struct scan *scan, struct arena *arena, const struct columns *columns, uint32_t *index,
		   struct prop *cells)
{
	int level = scan->depth;
	bool has_cells = false;

	*index = UINT32_MAX;
	while (scan_child(scan, level)) {
		if (scan_is(scan, "ulStep")) {
			*index = scan_u32(scan);
		} else if (scan_is(scan, "sPropVals")) {
			answer_row(scan, arena, columns, cells);
			has_cells = true;
		}
	}
	if (!has_cells)
		scan_refuse(scan, ERR_AGAIN, "an exported item has no properties");
}
