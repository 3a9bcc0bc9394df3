#include "bridge/kopano/kopano.h"

void round_note(struct followed *followed, uint32_t max)
{
	if (!followed->has_goal)
		followed->goal = max;
	followed->has_goal = true;
}

/* A command prints one round and then the position, which must not be below what was printed. */
uint32_t round_limit(const struct kopano *kopano, const struct followed *followed)
{
	return kopano->config->follow->once && followed->has_goal ? followed->goal : UINT32_MAX;
}

static bool is_behind(const struct kopano *kopano, const struct followed *followed)
{
	if (followed->ended || (followed->suspended && followed->has_goal))
		return false;
	return !followed->has_goal || followed->settle.settled < followed->goal || folder_is_listing(followed) ||
	       snapshot_wanted(kopano, followed);
}

bool round_is_over(struct kopano *kopano)
{
	bool any = false;
	for (size_t i = 0; i < kopano->n_followed; i++) {
		if (is_behind(kopano, &kopano->followed[i]))
			return false;
		any |= kopano->followed[i].has_goal;
	}
	if (!any || kopano->reading || kopano->paging)
		return false;
	for (size_t i = 0; i < kopano->n_followed; i++)
		kopano->followed[i].has_goal = false;
	return true;
}
