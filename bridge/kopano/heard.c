#include "bridge/kopano/heard.h"

#include <stdlib.h>

/* ---- what rang ---- */

bool rung_is_empty(const struct rung *rung)
{
	return !rung->any && !rung->hierarchy && !rung->n_folders;
}

static void forget_folders(struct rung *rung)
{
	free(rung->folders);
	keymap_clear(&rung->known);
	arena_free(&rung->arena);
	rung->folders = NULL;
	rung->n_folders = rung->room = 0;
}

static void everything(struct rung *rung)
{
	forget_folders(rung);
	rung->any = true;
}

static void folder_rang(struct rung *rung, struct slice entry_id)
{
	if (rung->any || keymap_find(&rung->known, entry_id))
		return;
	if (!entry_id.size || entry_id.size > HEARD_ID_BYTES || rung->n_folders == HEARD_FOLDERS) {
		everything(rung);
		return;
	}
	if (rung->n_folders == rung->room) {
		rung->room = rung->room ? 2 * rung->room : 4;
		rung->folders = xrealloc(rung->folders, rung->room * sizeof *rung->folders);
	}
	struct slice kept = arena_copy(&rung->arena, entry_id);
	rung->folders[rung->n_folders] = kept;
	keymap_add(&rung->known, kept, (uint32_t)rung->n_folders++);
}

void rung_by(struct rung *rung, const struct notice *notice)
{
	if (!notice->event || notice->object == NOTICE_STORE)
		return;
	if (notice->object == NOTICE_FOLDER) {
		rung->hierarchy = true;
		return;
	}
	folder_rang(rung, notice->parent_entry_id);
	if (notice->event == NOTICE_MOVED)
		folder_rang(rung, notice->old_parent_entry_id);
}

void rung_free(struct rung *rung)
{
	forget_folders(rung);
	*rung = (struct rung){0};
}

/* ---- what is to be told ---- */

bool notices_are_none(const struct notices *notices)
{
	return !notices->n && !notices->n_dropped && !notices->missed;
}

static struct slice kept_id(struct arena *arena, struct slice id)
{
	return id.size <= HEARD_ID_BYTES ? arena_copy(arena, id) : slice_of(NULL, 0);
}

void notices_add(struct notices *notices, const struct notice *notice, int64_t at_ns, size_t room)
{
	struct arena *arena = &notices->arena;
	if (!notice->event || !room)
		return;
	if (notices->n >= room || notices->n_dropped) {
		notices->n_dropped++;
		return;
	}
	if (notices->n == notices->room) {
		notices->room = notices->room ? 2 * notices->room : 16;
		notices->list = xrealloc(notices->list, notices->room * sizeof *notices->list);
	}
	struct heard_notice *kept = &notices->list[notices->n++];
	*kept = (struct heard_notice){.notice = *notice, .at_ns = at_ns};
	kept->notice.entry_id = kept_id(arena, notice->entry_id);
	kept->notice.parent_entry_id = kept_id(arena, notice->parent_entry_id);
	kept->notice.old_entry_id = kept_id(arena, notice->old_entry_id);
	kept->notice.old_parent_entry_id = kept_id(arena, notice->old_parent_entry_id);
}

void notices_free(struct notices *notices)
{
	free(notices->list);
	arena_free(&notices->arena);
	*notices = (struct notices){0};
}
