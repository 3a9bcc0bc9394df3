/* The stream `addressbook`: users and groups of the server.
 *
 *     book_seek -> book_step whenever book_wait_ms is 0 and no changes of items are being read -> book_free
 *
 * The server has a journal of its own for them, with ids of its own, and lists them all for change id 0. So it begins
 * with that list: users and groups are announced, or, without snapshots, only noted. From then on the journal tells
 * which were created, changed and deleted; they are read one by one. Which ones consumers know of is in the state, so
 * that a listing that is made again (the server was restored, the state reset, `follow.objects` changed) also tells
 * which are gone, and the delete of one that nobody heard of is only counted.
 *
 * Facts (server 11.0.2: seen on it with its database as the directory; its source, ECICS.cpp, ECUserManagement.cpp,
 * cmd.cpp; recorded in tests/data/transcripts, 42-groups): any user may ask, and sees the objects of his company. The
 * list leaves out Everyone and SYSTEM; both it and the journal name objects by address-book entry ids. Adding a member
 * to a group and removing one is a CHANGE of the group, at once, and none of the member. Deleting a user is a delete of
 * the user alone: groups lose him without a word. An answer without entries has the maximum 0. Changes of names,
 * addresses and levels come into the journal only when the server looks into the directory (a database of its own, or
 * LDAP) for other reasons, or somebody lists users and groups: which Tidings does once in `directory_interval_ms`.
 *
 * One thread, the source's. Memory: the entry ids of all users and groups, and one answer of the journal. */
#ifndef TIDINGS_BRIDGE_KOPANO_BOOK_H
#define TIDINGS_BRIDGE_KOPANO_BOOK_H

#include "bridge/kopano/book_state.h"
#include "bridge/kopano/keymap.h"
#include "bridge/kopano/settle.h"
#include "core/error.h"

struct kopano;

/* Of an answer, what is to be published, in this order. */
struct book_task {
	struct slice entry_id;
	uint32_t change_id;                              /* 0: of a listing */
	enum { TASK_READ, TASK_DELETE, TASK_PASS } what; /* TASK_PASS: only its change id is taken */
	bool created;
};

struct book {
	bool started; /* it has a position */
	struct book_position position;
	struct settle settle;
	struct keymap known; /* listing numbers of those that consumers know of; 0: they know that it is gone */
	struct arena known_arena;

	struct book_task *tasks;
	size_t n_tasks, room_tasks, next;
	struct arena arena; /* of those */
	uint32_t max;       /* of the answer that they come from */
	int n_tries;        /* of the next one */

	bool has_goal; /* of the round: its first answer went up to */
	uint32_t goal;
	bool had_turn;                     /* the last step was its own: streams come first now */
	int64_t poll_at_ms, compare_at_ms; /* compare_at_ms 0: not yet set */
};

bool book_is_followed(const struct kopano *kopano);

/* Takes position and entries of the state. ERR_FATAL: they are not of this version. */
int book_seek(struct kopano *kopano, struct state *state, struct err *err);
/* The position comes from outside, in python-kopano's form; change id 0 means "from the start". ERR_FATAL: it is none.
 */
int book_seek_given(struct kopano *kopano, struct slice bytes, struct err *err);
void book_free(struct book *book);

/* Asks, or makes the next batch of what was answered. 0, or ERR_AGAIN: nothing is skipped. */
int book_step(struct kopano *kopano, struct err *err);
int64_t book_wait_ms(const struct kopano *kopano);

/* For round.c: what was there when the round began is not yet given. */
bool book_is_behind(const struct kopano *kopano);

/* ---- among the files of the book ---- */

uint32_t book_objects(const struct kopano *kopano); /* enum follow_object of those that are followed */
bool book_wants(const struct kopano *kopano, struct slice entry_id);

/* The listing number that consumers know it by; 0: they do not. */
uint32_t book_known(const struct book *book, struct slice entry_id);
void book_note(struct book *book, struct slice entry_id, uint32_t listing_no);

struct book_task *book_add_task(struct book *book, struct slice entry_id);
void book_forget_tasks(struct book *book);
void book_put_position(struct book *book, struct batch *batch);

/* book_list.c: the list of all, and what of it is to be done. */
bool book_needs_listing(const struct kopano *kopano);
int book_list(struct kopano *kopano, struct err *err);

/* book_publish.c: the next batch of the tasks. */
int book_publish(struct kopano *kopano, struct err *err);

/* The journal's answer is published; batch: the last one of it, or NULL. */
void book_answer_over(struct kopano *kopano, struct batch *batch);

#endif
