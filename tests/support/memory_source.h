/* A groupware server in memory, and a source that follows it: everything that a real source may do to the daemon, on
 * demand, and the breaches of core/source.h that the conformance suite must notice.
 *
 *     struct memory_server *server = memory_server_new();
 *     memory_server_add(server, 1000);                    changes 1 to 1000 of one folder
 *     memory_server_fail(server, PHASE_NEXT, ERR_AGAIN, 2);  the next two calls of next
 *     memory_source_ops.open(server, &source, &err); ...
 *
 * The server is the `config` of open and outlives its sources. Its journal is the numbers 1 to n; a batch carries at
 * most `n_per_batch` of them and the position that follows. With nothing more to give, next says so once, then waits
 * for memory_server_add or stop.
 *
 * Threads: the functions below may be called from any thread at any time. Errors abort. */
#ifndef TIDINGS_TESTS_SUPPORT_MEMORY_SOURCE_H
#define TIDINGS_TESTS_SUPPORT_MEMORY_SOURCE_H

#include "core/source.h"

/* The key of the only position; its value is the highest change id as a struct slice of 8 bytes, host order. */
#define MEMORY_POSITION "position/contents/memory/inbox"

enum memory_phase { PHASE_OPEN, PHASE_SEEK, PHASE_NEXT, N_PHASES };

/* Breaches of the contract. */
enum memory_breach {
	BREACH_NONE,
	BREACH_BLOCKING_OPEN, /* open waits for a server that does not answer */
	BREACH_DEAF_SEEK,     /* stop does not end it in time */
	BREACH_DEAF_NEXT,
	BREACH_FORGETFUL_STOP, /* a stop before next is not remembered */
	BREACH_REPEATS,        /* yields what is at the stored position again */
	BREACH_SKIPS,          /* misses the change after the stored position */
	BREACH_SKIPS_ON_AGAIN, /* what could not be given is not given later */
	BREACH_NO_POSITION,    /* batches without puts */
	BREACH_EARLY_POSITION, /* a batch's puts stand for the next batch, too */
	BREACH_LARGE_BATCH,    /* more than BATCH_CHANGES */
	BREACH_DESCENDING,     /* change ids of a batch go down */
	BREACH_HOARDS,         /* waits for a full batch instead of giving what it has */
	BREACH_BATCH_ON_ERROR, /* sets *batch although it fails */
	BREACH_BORROWS,        /* a batch's bytes live in the source and change with the next call */
	BREACH_READS_LATE,     /* reads the state after seek */
	BREACH_TWICE,          /* gives the first item of a batch twice */
	BREACH_CLOSE_BREAKS,   /* aborts if it was not sought */
	BREACH_IDLE_EARLY,     /* says that it is idle before anything was given */
	BREACH_IDLE_NEVER,
	BREACH_NO_ENTRIES, /* does not count what a batch stands for */
};

struct memory_server;

struct memory_server *memory_server_new(void);
void memory_server_free(struct memory_server *server); /* NULL is accepted; no source may be open */

/* n further changes. */
void memory_server_add(struct memory_server *server, size_t n);

/* The next n_times calls of this phase fail with this class. */
void memory_server_fail(struct memory_server *server, enum memory_phase phase, enum err_class class, size_t n_times);

/* While true, seek or next wait as for a server that does not answer. */
void memory_server_hang(struct memory_server *server, enum memory_phase phase, bool hang);

void memory_server_breach(struct memory_server *server, enum memory_breach breach);

/* Of each batch from now on; 10 changes of no further bytes at the start. */
void memory_server_shape(struct memory_server *server, size_t n_per_batch, size_t further_bytes);

/* How many batches and how often the phase was entered, over all sources; to say that it is idle is no entry. */
size_t memory_server_given(struct memory_server *server);
size_t memory_server_entered(struct memory_server *server, enum memory_phase phase);

/* Snapshots of the store "memory" that were asked for. */
size_t memory_server_requests(struct memory_server *server);

/* Waits until the phase was entered so often, or aborts after 10 s. */
void memory_server_await(struct memory_server *server, enum memory_phase phase, size_t n_times);

/* Sources that are open. */
size_t memory_server_sources(struct memory_server *server);

extern const struct source_ops memory_source_ops;

#endif
