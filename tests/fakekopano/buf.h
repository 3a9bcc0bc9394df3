/*
 * A growing byte buffer and the text forms that answers are made of.
 *
 * Memory: a zeroed struct is an empty buffer; buf_free() returns it to that state. Out of memory aborts.
 */
#ifndef FAKEKOPANO_BUF_H
#define FAKEKOPANO_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;
	size_t len;
	size_t cap;
};

/* Make room for n more bytes and return where they go. The length is not changed. */
char *buf_room(struct buf *b, size_t n);
void buf_put(struct buf *b, const void *bytes, size_t n);
void buf_str(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_uint(struct buf *b, uint64_t value);
void buf_int(struct buf *b, int64_t value);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_be32(struct buf *b, uint32_t value);
void buf_hex(struct buf *b, const void *bytes, size_t n);
void buf_base64(struct buf *b, const void *bytes, size_t n);
/* Character data as the real server writes it: control characters but TAB and LF become numeric references. */
void buf_xml(struct buf *b, const char *text, size_t n);
/* A JSON string with its quotes. */
void buf_json(struct buf *b, const char *text, size_t n);
void buf_free(struct buf *b);

/* Decode base64, skipping white space. Returns the number of bytes, or -1 when the text is malformed. */
long base64_decode(const char *text, size_t n, unsigned char *out);
/* Decode hex digits. Returns the number of bytes, or -1. out must hold n / 2 bytes. */
long hex_decode(const char *text, size_t n, unsigned char *out);

#endif
