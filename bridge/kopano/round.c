#include "bridge/kopano/kopano.h"

void round_note(struct stream *stream, uint32_t max)
{
	if (max == 0 && stream_is_hierarchy(stream)) /* of folders, where the server's maximum is not known yet */
		return;
	if (!stream->has_goal)
		stream->goal = max;
	stream->has_goal = true;
}

/* A command prints one round and then the position, which must not be below what was printed. */
uint32_t round_limit(const struct kopano *kopano, const struct stream *stream)
{
	return kopano->config->follow->once && stream->has_goal ? stream->goal : UINT32_MAX;
}

static bool is_behind(const struct kopano *kopano, const struct stream *stream)
{
	if (stream->ended || (stream->suspended && stream->has_goal))
		return false;
	if (!kopano->config->follow->once && kopano->maximum && stream->still >= kopano->maximum)
		return false;
	return !stream->has_goal || stream->settle.settled < stream->goal;
}

static bool something_is_under_way(const struct kopano *kopano)
{
	return kopano->reading || kopano->paging || folders_are_read(kopano) || walk_is_under_way(kopano) ||
	       kopano->n_listings || kopano->listings_wanted || kopano->listings_held;
}

bool round_is_over(struct kopano *kopano)
{
	bool any = book_is_followed(kopano);
	if (book_is_behind(kopano))
		return false;
	for (size_t i = 0; i < kopano->n_streams; i++) {
		if (is_behind(kopano, kopano->streams[i]))
			return false;
		any |= kopano->streams[i]->has_goal;
	}
	if (!any || something_is_under_way(kopano))
		return false;
	for (size_t i = 0; i < kopano->n_streams; i++)
		kopano->streams[i]->has_goal = false;
	kopano->book.has_goal = false;
	return true;
}
