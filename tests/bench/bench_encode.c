/* How long one full item record takes to encode: {"bench":"encode","ns_per_record":...,"bytes_per_record":...}. */
#include <stdio.h>
#include <time.h>

#include "core/arena.h"
#include "proto/encode.h"

enum { N_BATCHES = 4000, BATCH = 256 };

#define TEXT(string)                                                                                                   \
	{                                                                                                              \
		(const uint8_t *)string, sizeof(string) - 1                                                            \
	}

static const struct server_info server = {.guid = {1, 2, 3}, .epoch = 1};

static const struct store_info store = {
	.guid = {4, 5, 6},
	.entry_id = TEXT("a store's entry id has about eighty bytes, with the server's pseudo address in it"),
	.owner = TEXT("user1"),
	.type = STORE_PRIVATE,
};

static const struct folder_info folder = {
	.source_key = TEXT("folder-source-key-0001"),
	.entry_id = TEXT("a folder's entry id has forty-eight bytes, so: ."),
	.path = TEXT("Inbox/Projects"),
	.container_class = TEXT("IPF.Note"),
};

static const struct item item = {
	.message_class = TEXT("IPM.Note"),
	.subject = TEXT("Re: the minutes of yesterday's meeting (\xc3\xbc"
			"bersetzt)"),
	.sender = {TEXT("Anna Example"), TEXT("anna@example.com"), TEXT("SMTP")},
	.sent_representing = {TEXT("Anna Example"), TEXT("anna@example.com"), TEXT("SMTP")},
	.display_to = TEXT("User One; User Two"),
	.display_cc = TEXT("User Three"),
	.submitted_at_ns = 1763840000000000000,
	.delivered_at_ns = 1763840001500000000,
	.created_at_ns = 1763840001500250000,
	.modified_at_ns = 1763840002123456700,
	.size_bytes = 4711,
	.message_flags = 1,
	.importance = IMPORTANCE_NORMAL,
	.internet_message_id = TEXT("<0123456789abcdef@mail.example.com>"),
};

static struct change change = {
	.kind = CHANGE_CREATED,
	.origin = ORIGIN_ICS,
	.object_type = OBJECT_ITEM,
	.server = &server,
	.store = &store,
	.folder = &folder,
	.source_key = TEXT("item-source-key-000001"),
	.parent_source_key = TEXT("folder-source-key-0001"),
	.entry_id = TEXT("an item's entry id has forty-eight bytes, so: .."),
	.change_key = TEXT("change-key-of-20-bytes"),
	.item_number = 815,
	.observed_at_ns = 1763841000000000000,
	.item = &item,
};

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

/* One arena per batch, as in the pipeline. */
static size_t encode_batch(void)
{
	struct arena arena = {0};
	uint8_t id[EVENT_ID_SIZE];
	size_t n_bytes = 0;

	for (int i = 0; i < BATCH; i++) {
		change.change_id++;
		n_bytes += protobuf_encoder.change(&change, &arena, id).size;
	}
	arena_free(&arena);
	return n_bytes;
}

int main(void)
{
	const double n_records = (double)N_BATCHES * BATCH;
	size_t n_bytes = 0;
	double start = now_ns();

	for (int i = 0; i < N_BATCHES; i++)
		n_bytes += encode_batch();
	double ns = now_ns() - start;
	printf("{\"bench\":\"encode\",\"ns_per_record\":%.0f,\"bytes_per_record\":%.0f}\n", ns / n_records,
	       (double)n_bytes / n_records);
	return 0;
}
