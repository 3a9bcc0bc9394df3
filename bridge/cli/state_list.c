#include <inttypes.h>
#include <stdio.h>

#include "bridge/cli/state.h"
#include "bridge/state/sqlite.h"
#include "core/hex.h"
#include "proto/json.h"

struct listing {
	const struct settings *settings;
	struct state *state;
	bool json;
	int width; /* of the stream names */
};

static const char position_prefix[] = "position/";

static const char *describe(const struct listing *listing, struct slice key, struct slice value, struct arena *arena)
{
	describe_fn *const ops[] = {listing->settings->source->describe, listing->settings->sink->describe};
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		const char *text = ops[i] ? ops[i](listing->state, key, value, arena) : NULL;
		if (text)
			return text;
	}
	return "(not understood by this version)";
}

/* A name of a folder must not command a terminal. */
static void print_line(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		bool is_c1 = *at == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0;
		at += is_c1;
		putchar(is_c1 || *at < 0x20 || *at == 0x7F ? '?' : *at);
	}
	putchar('\n');
}

static void print_member(const char *name, const char *text)
{
	printf("\"%s\":", name);
	json_print_text(slice_of_text(text), stdout);
}

static void print_json(const char *const names[2], const char *key, const char *hex, const char *text)
{
	putchar('{');
	print_member(names[0], key);
	putchar(',');
	print_member(names[1], hex);
	putchar(',');
	print_member("text", text);
	puts("}");
}

/* ---- list ---- */

static struct slice stream_of(struct slice key)
{
	size_t n = sizeof position_prefix - 1;
	return slice_of(key.data + n, key.size - n);
}

static int measure(void *context, struct slice key, struct slice value)
{
	struct listing *listing = context;
	int n = (int)stream_of(key).size;
	(void)value;
	listing->width = n > listing->width ? n : listing->width;
	return 0;
}

static int print_stream(void *context, struct slice key, struct slice value)
{
	const struct listing *listing = context;
	struct arena arena = {0};
	struct slice name = stream_of(key);
	const char *stream = arena_text(&arena, "%.*s", (int)name.size, (const char *)name.data);
	const char *hex = hex_text(&arena, value), *text = describe(listing, key, value, &arena);
	if (listing->json)
		print_json((const char *const[]){"stream", "position"}, stream, hex, text);
	else
		print_line(arena_text(&arena, "%-*s  %s  %s", listing->width, stream, hex, text));
	arena_free(&arena);
	return 0;
}

static int list(struct listing *listing, struct err *err)
{
	struct state *state = listing->state;
	struct slice prefix = slice_of_text(position_prefix);
	int rc = state->ops->each(state, prefix, measure, listing, err);
	return rc ? rc : state->ops->each(state, prefix, print_stream, listing, err);
}

/* ---- show ---- */

/* A stream can be named as `list` names it. */
static int find(struct state *state, const char **key, struct arena *arena, struct slice *value, struct err *err)
{
	const char *position = arena_text(arena, "%s%s", position_prefix, *key);
	int rc = state->ops->get(state, slice_of_text(*key), arena, value, err);
	if (rc != ERR_GONE)
		return rc;
	rc = state->ops->get(state, slice_of_text(position), arena, value, err);
	if (rc == ERR_GONE)
		return err_usage(err, "no entry \"%.200s\" in the state: `tidings state list` names the streams", *key);
	*key = position;
	return rc;
}

static int show(struct listing *listing, const char *key, struct err *err)
{
	struct arena arena = {0};
	struct slice value;
	int rc = find(listing->state, &key, &arena, &value, err);
	if (rc == 0) {
		const char *hex = hex_text(&arena, value);
		const char *text = describe(listing, slice_of_text(key), value, &arena);
		if (listing->json) {
			print_json((const char *const[]){"key", "value"}, key, hex, text);
		} else {
			print_line(key);
			print_line(hex);
			print_line(text);
		}
	}
	arena_free(&arena);
	return rc;
}

/* ---- the verbs ---- */

int state_list(const struct program *program, const struct settings *settings, const struct cli_options *options,
	       struct err *err)
{
	struct listing listing = {.settings = settings, .json = options->json};
	(void)program;
	int rc = sqlite_state_open_readonly(settings->state_path, &listing.state, err);
	if (rc)
		return rc;
	rc = list(&listing, err);
	listing.state->ops->close(listing.state);
	return rc;
}

int state_show(const struct program *program, const struct settings *settings, const struct cli_options *options,
	       struct err *err)
{
	struct listing listing = {.settings = settings, .json = options->json};
	(void)program;
	int rc = sqlite_state_open_readonly(settings->state_path, &listing.state, err);
	if (rc)
		return rc;
	rc = show(&listing, options->arguments[1], err);
	listing.state->ops->close(listing.state);
	return rc;
}
