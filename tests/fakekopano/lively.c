#include "tests/fakekopano/lively.h"

#include <stdio.h>
#include <string.h>

#include "tests/fakekopano/control.h"

#define COUNT(array)  ((uint32_t)(sizeof(array) / sizeof(*(array))))
#define MAX_BEHIND_MS 1000 /* after a pause it does not catch up with more than that */
#define FOLDER_EVERY  40
#define USER_EVERY    400
#define COMMAND_MAX   1024

static const char *const people[] = {"Ada Lovelace", "Alan Turing", "Grace Hopper", "Edsger Dijkstra",
				     "Barbara Liskov"};
static const char *const subjects[] = {"Minutes of the meeting", "Lunch on Friday?", "Invoice 2041", "Draft for review",
				       "Travel plans",           "Build is green",   "Question",     "Weekly report"};

void lively_start(struct lively *l, const char *user, double per_second, uint64_t seconds, uint64_t seed)
{
	*l = (struct lively){.per_second = per_second, .random = seed * 2 + 1, .next_ms = (double)clock_ms()};
	l->until_ms = seconds ? clock_ms() + 1000 * seconds : 0;
	snprintf(l->user, sizeof(l->user), "%s", user);
}

static uint32_t draw(struct lively *l, uint32_t n)
{
	l->random = l->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(l->random >> 33) % n;
}

static void run(struct server *s, const char *text)
{
	char line[COMMAND_MAX];
	struct buf ignored = {0};

	snprintf(line, sizeof(line), "%s", text);
	control_run_line(s, line, text, &ignored, NULL);
	buf_free(&ignored);
}

static uint32_t inbox_of(const struct server *s)
{
	const struct user *user = world_user_named(s->w, s->lively.user);
	uint32_t store = user ? world_store_of(s->w, user->id) : 0;

	return store ? s->w->stores[store].special[SPECIAL_INBOX] : 0;
}

static void arrive(struct server *s, struct lively *l)
{
	const char *who = people[draw(l, COUNT(people))], *what = subjects[draw(l, COUNT(subjects))];
	char text[COMMAND_MAX], address[64];

	snprintf(address, sizeof(address), "%.*s@example.com", (int)strcspn(who, " "), who);
	snprintf(text, sizeof(text),
		 "{\"do\":\"create\",\"folder\":\"%s/Inbox\",\"subject\":\"%s\",\"body\":\"Number %u.\",\"saves\":1,"
		 "\"props\":{\"0x0C1A001F\":\"%s\",\"0x0C1F001F\":\"%s\",\"0x0C1E001F\":\"SMTP\"}}",
		 l->user, what, l->n, who, address);
	run(s, text);
}

/* Something with one of the items of the inbox, which is not left to grow for ever. */
static void handle(struct server *s, struct lively *l)
{
	static const char *const verbs[] = {"\"read\"",
					    "\"read\"",
					    "\"read\"",
					    "\"unread\"",
					    "\"change\",\"body\":\"Changed.\"",
					    "\"delete\"",
					    "\"move\",\"to\":\"%s/Sent Items\"",
					    "\"move\",\"to\":\"%s/Deleted Items\"",
					    "\"delete\",\"hard\":true"};
	uint32_t inbox = inbox_of(s);
	const struct vec *items = &s->w->folders[inbox].items;
	char text[COMMAND_MAX], verb[128];

	if (!inbox || items->n == 0)
		return;
	snprintf(verb, sizeof(verb), verbs[draw(l, COUNT(verbs))], l->user);
	snprintf(text, sizeof(text), "{\"do\":%s,\"folder\":\"%s/Inbox\",\"item\":%u}", verb, l->user,
		 items->at[draw(l, items->n)]);
	run(s, text);
}

/* It comes, is renamed and goes. */
static void change_folder(struct server *s, struct lively *l)
{
	uint32_t turn = l->n / FOLDER_EVERY, number = turn / 3;
	char text[COMMAND_MAX];

	if (turn % 3 == 0)
		snprintf(text, sizeof(text), "{\"do\":\"folder-create\",\"parent\":\"%s/\",\"name\":\"Project %u\"}",
			 l->user, number);
	else if (turn % 3 == 1)
		snprintf(text, sizeof(text),
			 "{\"do\":\"folder-change\",\"folder\":\"%s/Project %u\",\"name\":\"Project %u, done\"}",
			 l->user, number, number);
	else
		snprintf(text, sizeof(text), "{\"do\":\"folder-delete\",\"folder\":\"%s/Project %u, done\"}", l->user,
			 number);
	run(s, text);
}

static void change_user(struct server *s, const struct lively *l)
{
	uint32_t turn = l->n / USER_EVERY;
	char text[COMMAND_MAX];

	if (turn % 2 == 0)
		snprintf(text, sizeof(text), "{\"do\":\"user-create\",\"name\":\"guest%u\",\"full_name\":\"Guest %u\"}",
			 turn, turn);
	else
		snprintf(text, sizeof(text), "{\"do\":\"user-delete\",\"user\":\"guest%u\"}", turn - 1);
	run(s, text);
}

static void step(struct server *s, struct lively *l)
{
	l->n++;
	if (l->n % USER_EVERY == 0)
		change_user(s, l);
	else if (l->n % FOLDER_EVERY == 0)
		change_folder(s, l);
	else if (draw(l, 2) == 0)
		arrive(s, l);
	else
		handle(s, l);
}

int64_t lively_tick(struct server *s)
{
	struct lively *l = &s->lively;
	double now, next = -1;

	pthread_rwlock_wrlock(&s->lock);
	now = (double)clock_ms();
	if (l->next_ms < now - MAX_BEHIND_MS)
		l->next_ms = now - MAX_BEHIND_MS;
	while (l->per_second > 0 && l->next_ms <= now) {
		if ((l->until_ms && l->next_ms >= (double)l->until_ms) || (l->last && l->n >= l->last))
			l->per_second = 0;
		else
			step(s, l);
		l->next_ms += l->per_second > 0 ? 1000 / l->per_second : 0;
	}
	if (l->per_second > 0)
		next = l->next_ms - now + 1;
	pthread_rwlock_unlock(&s->lock);
	return (int64_t)next;
}
