/*
 * The control channel of tests: one JSON object per line in, one per line out.
 *
 * A line is {"do": verb, ...}; README.md lists the verbs. An answer has "error" when the command was not carried out.
 */
#ifndef FAKEKOPANO_CONTROL_H
#define FAKEKOPANO_CONTROL_H

#include "tests/fakekopano/json.h"
#include "tests/fakekopano/server.h"

/* Run every line of text, which is changed. */
void control_run(struct server *s, char *text, size_t len, struct buf *out);
/* Carry out held commands whose time has come. Returns in how many ms the next one is due, or -1. */
int64_t control_release_due(struct server *s);

/* One command being carried out; the lock is held alone. */
struct command {
	struct server *s;
	struct world *w;
	const struct json *in;
	struct buf *out; /* members of the answer object, each with a comma before it */
	struct change change;
	char error[160];
};

/* Carry out one line, which is changed; original has its text. reserved are change ids to use first, or NULL. */
void control_run_line(struct server *s, char *line, const char *original, struct buf *out, struct vec *reserved);
/* hold and release run other commands and answer for themselves. Returns whether it was one of them. */
bool control_hold_or_release(struct server *s, const char *line, struct buf *out);
/* Shall the command become visible later only? */
bool command_is_late(struct command *c);
/* As a transaction of the real server: its ids are taken now, it becomes visible later. */
void command_hold(struct command *c, const char *text);
/* Write the whole answer from its members. */
void command_finish(struct command *c, struct buf *out, struct buf *members);

void command_fail(struct command *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool command_failed(const struct command *c);

/* Arguments. All of them fail the command and return 0 when there is no such thing. */
uint32_t command_store(struct command *c, const char *key);
/* A folder as "user/Path/To/It" (below the IPM subtree; "user/" is the subtree, "user/~root/…" starts at the root),
 * "public/…", or its source key in hex. */
uint32_t command_folder(struct command *c, const char *key);
uint32_t command_folder_or(struct command *c, const char *key, uint32_t otherwise);
uint32_t command_user(struct command *c, const char *key);
/* "time" in unix seconds, or now. */
uint64_t command_time(struct command *c);
/* As the protocol counts. */
uint64_t unix_time(int64_t seconds);
/* The items that a command names, as places. */
void command_items(struct command *c, uint32_t folder, bool deleted, struct vec *items);

void reply_uint(struct command *c, const char *name, uint64_t value);
void reply_text(struct command *c, const char *name, const char *text);
void reply_hex(struct command *c, const char *name, const void *bytes, size_t n);
void reply_item(struct command *c, uint32_t item);

typedef void control_verb(struct command *c);

control_verb verb_create, verb_change, verb_read, verb_move, verb_copy, verb_delete, verb_restore, verb_purge;
control_verb verb_backlog, verb_lively, verb_purge_server, verb_refuse, verb_uncache;
control_verb verb_folder_create, verb_folder_change, verb_folder_move, verb_folder_copy, verb_folder_delete,
	verb_folder_restore;
control_verb verb_user_create, verb_user_change, verb_user_delete, verb_group_member, verb_store_create,
	verb_store_change, verb_store_detach;
control_verb verb_store_remove, verb_right;
control_verb verb_list, verb_folders, verb_journal, verb_stats, verb_info;
control_verb verb_fault, verb_clear_faults, verb_expire_sessions, verb_expire_syncs, verb_restart, verb_mark;
control_verb verb_restore_mark, verb_reload_tables, verb_poll, verb_lag, verb_advance, verb_new_guid;

#endif
