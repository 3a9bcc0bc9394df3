#include "core/state.h"

#include <stdlib.h>

static struct state_put *add(struct put_list *list, struct arena *arena, struct slice key)
{
	if (list->n == list->room) {
		list->room = list->room ? list->room * 2 : 4;
		list->puts = xrealloc(list->puts, list->room * sizeof *list->puts);
	}
	struct state_put *put = &list->puts[list->n++];
	*put = (struct state_put){.key = arena_copy(arena, key)};
	return put;
}

void put_list_add(struct put_list *list, struct arena *arena, struct slice key, struct slice value)
{
	add(list, arena, key)->value = arena_copy(arena, value);
}

void put_list_remove(struct put_list *list, struct arena *arena, struct slice key)
{
	add(list, arena, key)->remove = true;
}

void put_list_clear(struct put_list *list)
{
	free(list->puts);
	*list = (struct put_list){0};
}
