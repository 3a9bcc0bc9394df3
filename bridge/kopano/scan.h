/* A pull scanner for the small part of XML that a SOAP server sends: elements, text, character references.
 *
 *     scan_open -> scan_child / scan_text ... -> scan_close          scan_reset between documents
 *
 * Bytes are pulled through a callback into one sliding buffer, and names and text are slices of it, so nothing is
 * copied and nothing is allocated by what the document claims. No general XML parser would do: the server writes
 * control characters as references (&#x1;) that XML forbids and that mails do contain. Refused: DOCTYPE, CDATA,
 * comments, processing instructions (but for the XML declaration), more than SCAN_DEPTH_LIMIT levels, a tag longer than
 * SCAN_TAG_LIMIT_BYTES, and more bytes without scan_renew_limit than the limit: an element of an array begins anew, and
 * what is not asked for counts together, so that an answer without an end has one. Attributes are skipped. Names lose
 * their prefix.
 *
 * Walking: `level` is scan->depth just after the START of the element whose children are wanted; what a reader leaves
 * unread is skipped, so no order of children is needed.
 *
 *     int level = scan->depth;
 *     while (scan_child(scan, level))
 *             if (scan_is(scan, "er"))
 *                     er = scan_u32(scan);
 *
 * Memory: the buffer, SCAN_BUFFER_BYTES, more only for a longer text. Single-threaded. Errors stick: after the first
 * one every function returns its "nothing", and scan_failed() tells; scan->err holds class and text. */
#ifndef TIDINGS_BRIDGE_KOPANO_SCAN_H
#define TIDINGS_BRIDGE_KOPANO_SCAN_H

#include <sys/types.h>

#include "core/arena.h"
#include "core/error.h"

enum {
	SCAN_BUFFER_BYTES = 64 << 10,
	SCAN_DEPTH_LIMIT = 64,
	SCAN_NAME_LIMIT_BYTES = 63, /* prefix included */
	SCAN_TAG_LIMIT_BYTES = 16 << 10,
};

/* The next bytes of the document: their number, 0 at its end, -1 with *err filled. */
typedef ssize_t scan_read_fn(void *context, uint8_t *buffer, size_t size, struct err *err);

enum scan_token {
	SCAN_FAILED,
	SCAN_START,
	SCAN_TEXT,
	SCAN_END,
	SCAN_DONE /* the root is closed; nothing after it is read */
};

struct scan_name {
	uint8_t size;
	char bytes[SCAN_NAME_LIMIT_BYTES + 1]; /* not terminated */
};

struct scan {
	/* For the caller to read. */
	int depth;         /* open elements: 1 just after the START of the root */
	struct slice name; /* of the last START, without prefix; valid until the next call */
	struct slice text; /* of the last TEXT, references not yet replaced; valid until the next call */
	struct err err;

	/* Private. */
	scan_read_fn *read;
	void *context;
	uint8_t *buffer;
	size_t capacity, at, end;
	uint64_t taken_bytes;   /* of the document, before buffer[0] */
	uint64_t refused_bytes; /* of the document: at this place the limit is reached */
	size_t limit_bytes;
	bool started, end_is_due, done, failed;
	struct scan_name open[SCAN_DEPTH_LIMIT];
};

/* limit_bytes: of one element, see scan_renew_limit. */
void scan_open(struct scan *scan, size_t limit_bytes, scan_read_fn *read, void *context);
/* For a new document from the same callback; what is left of the old one is dropped. */
void scan_reset(struct scan *scan);
void scan_close(struct scan *scan);

/* Begins a new element as far as the limit is concerned. */
void scan_renew_limit(struct scan *scan);

/* Skips bytes up to and with the first empty line (CR LF CR LF): the head of a MIME part. Before the first token. */
bool scan_skip_mime_head(struct scan *scan);

enum scan_token scan_next(struct scan *scan);

/* Goes to the next child of the element at `level`. false: the element is closed, or failed. */
bool scan_child(struct scan *scan, int level);

/* Goes to the next child with this name; false as above. */
bool scan_child_named(struct scan *scan, int level, const char *name);

static inline bool scan_is(const struct scan *scan, const char *name)
{
	size_t size = strlen(name);
	return scan->name.size == size && memcmp(scan->name.data, name, size) == 0;
}

static inline bool scan_failed(const struct scan *scan)
{
	return scan->failed;
}

/* Lets the document fail for a reason of the reader's: class and text, followed by the place. */
void scan_refuse(struct scan *scan, enum err_class class, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The content of the element that has just started. Anything that is not the type fails the document, and so does a
 * number without digits. */
struct slice scan_raw(struct scan *scan); /* references not replaced; valid until the next call */
uint32_t scan_u32(struct scan *scan);     /* also accepts a negative 32-bit number, as its two's complement */
uint64_t scan_u64(struct scan *scan);     /* also accepts a negative 64-bit number, as its two's complement */
bool scan_bool(struct scan *scan);
struct slice scan_text(struct scan *scan, struct arena *arena);   /* good UTF-8, references replaced */
struct slice scan_base64(struct scan *scan, struct arena *arena); /* the bytes; white space inside is skipped */

/* The same into memory that is used again: *bytes is a buffer of the caller's that grows and that he frees. */
struct scan_bytes {
	uint8_t *data;
	size_t size, capacity;
};
void scan_base64_into(struct scan *scan, struct scan_bytes *bytes);

#endif
