/* A broker in memory, and a sink that delivers to it: everything that a real sink may do to the pipeline, on demand,
 * and the breaches of core/sink.h that the conformance suite must notice.
 *
 *     struct memory_broker *broker = memory_broker_new();
 *     broker->stalled = true;                          what it shall do, before or while a sink is open
 *     memory_sink_ops.open(broker, &events, -1, &sink, &err);
 *     ... send ...
 *     memory_broker_answer(broker, 2);                 the next service acknowledges two
 *     memory_broker_fail(broker, 3, ERR_BAD);          the fourth record of all is answered by failed()
 *     broker->records[0].fate                          what became of what came
 *
 * The broker is the `config` of open and outlives its sinks, as a real one does: close and open again is a rewind. It
 * keeps a copy of all that it accepted. By default each service answers everything, oldest first.
 *
 * Threads: one. Errors: a test's mistake (an index out of range) aborts. */
#ifndef TIDINGS_TESTS_SUPPORT_MEMORY_SINK_H
#define TIDINGS_TESTS_SUPPORT_MEMORY_SINK_H

#include "core/arena.h"
#include "core/sink.h"

enum memory_fate {
	FATE_WAITING, /* accepted, not yet answered */
	FATE_ACKNOWLEDGED,
	FATE_FAILED,
	FATE_GIVEN_UP, /* unanswered when its sink was closed */
};

struct memory_record {
	struct record
		record; /* key, value, type, subject and server are the broker's copies; the token is the sender's */
	struct slice lent_key, lent_value; /* the sender's: must be unchanged until the answer */
	size_t nth_sink;                   /* which open it came through, from 0 */
	enum memory_fate fate;
};

enum { MEMORY_REACH_MS = 300 };

enum memory_answers { MEMORY_OLDEST_FIRST, MEMORY_NEWEST_FIRST };

/* Breaches of the contract. */
enum memory_defect {
	DEFECT_NONE,
	DEFECT_ACK_TWICE,
	DEFECT_ACK_IN_SEND,
	DEFECT_ACK_NEVER, /* of every second record */
	DEFECT_WRONG_TOKEN,
	DEFECT_BUSY_TAKES,       /* says SINK_BUSY and takes the record all the same */
	DEFECT_REFUSED_ANSWERED, /* refuses what is too large, and answers it as well */
	DEFECT_OVER_LIMIT,       /* takes what is over the limit */
	DEFECT_UNDER_LIMIT,      /* refuses what is exactly the limit */
	DEFECT_DISORDER,         /* two records of one key arrive in the wrong order */
	DEFECT_VALUE,            /* what arrives is not what was sent */
	DEFECT_SILENT_FD,        /* answers are ready, the fd does not say so */
	DEFECT_NEW_FD,           /* another fd at each call */
	DEFECT_DRAIN_LIES,       /* says that all is answered when it is not */
	DEFECT_DRAIN_LATE,       /* waits past the deadline */
	DEFECT_OPEN_DEAF,        /* does not notice stop_fd */
	DEFECT_CLOSE_ANSWERS,
	DEFECT_EARLY_MARK,  /* marks what is not acknowledged */
	DEFECT_BLIND_SEEK,  /* accepts marks of another end */
	DEFECT_WRONG_CLASS, /* ERR_BAD for what was given up by circumstances */
};

struct memory_fault {
	size_t nth;
	enum err_class class;
};

struct memory_broker {
	/* What it shall do; change it at any time. */
	bool stalled;              /* answers only what memory_broker_answer allows */
	bool unreachable;          /* open waits MEMORY_REACH_MS, or for stop_fd */
	enum memory_answers order; /* of answers */
	size_t n_per_service;      /* answers at most; 0: all that it may */
	size_t room;               /* unanswered records until it is busy; 0: no bound */
	size_t n_busy;             /* so many sends are answered by SINK_BUSY; counts down */
	size_t limit_bytes;        /* of a value; 1 MiB at the start */
	enum err_class refuse_open, refuse_seek, refuse_send, refuse_service; /* the next one, once; 0: none */
	enum memory_defect defect;

	/* What came. */
	struct memory_record *records; /* accepted, in order; indices stay, pointers move */
	size_t n_records, n_acknowledged, n_failed;
	size_t n_busy_said, n_opened, n_closed;
	size_t n_changed; /* keys or values that were altered or freed before their answer */

	/* Its own. */
	size_t room_records, n_allowed, first_waiting;
	struct memory_fault *faults;
	size_t n_faults;
	struct memory_sink *sink; /* the open one, or NULL */
	struct arena arena;
};

extern const struct sink_ops memory_sink_ops;

struct memory_broker *memory_broker_new(void);
void memory_broker_free(struct memory_broker *broker); /* NULL is accepted */

/* While it is stalled: lets n more records be answered, and the fd become readable. */
void memory_broker_answer(struct memory_broker *broker, size_t n);

/* Ends a stall. */
void memory_broker_recover(struct memory_broker *broker);

/* The nth record accepted from now on (0: the next) is answered by failed() with this class. */
void memory_broker_fail(struct memory_broker *broker, size_t nth, enum err_class class);

#endif
