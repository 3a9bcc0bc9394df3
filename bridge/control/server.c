#include "bridge/control/server.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridge/control/listen.h"
#include "bridge/control/print.h"
#include "bridge/state/sqlite.h"

enum { MAX_CONNECTIONS = 16, IDLE_S = 10, MAX_FOLDERS = 256 };

struct control {
	const char *path, *state_path;
	struct vitals *vitals;
	struct state *state; /* read-only; NULL until somebody asks: to open it takes a look at all of it */
	struct MHD_Daemon *http;
};

struct answer {
	unsigned code;
	const char *type;
	char *bytes; /* made by open_memstream */
	size_t size;
};

typedef void print_fn(const struct report *report, FILE *file);

static FILE *begin_answer(struct answer *answer, unsigned code, const char *type)
{
	answer->code = code;
	answer->type = type;
	FILE *file = open_memstream(&answer->bytes, &answer->size);
	if (!file)
		abort();
	return file;
}

static void answer_line(struct answer *answer, unsigned code, const char *text)
{
	FILE *file = begin_answer(answer, code, "text/plain; charset=utf-8");
	fprintf(file, "%s\n", text);
	fclose(file);
}

/* ---- GET /status ---- */

static int make_report(struct control *control, struct report **report, struct err *err)
{
	*report = NULL;
	int rc = control->state ? 0 : sqlite_state_open_readonly(control->state_path, &control->state, err);
	return rc ? rc : vitals_report_all(control->vitals, control->state, report, err);
}

static void answer_status(struct control *control, struct answer *answer, const char *type, print_fn *print)
{
	struct report *report;
	struct err err;
	if (make_report(control, &report, &err)) {
		answer_line(answer, MHD_HTTP_SERVICE_UNAVAILABLE, err.text);
	} else {
		FILE *file = begin_answer(answer, MHD_HTTP_OK, type);
		print(report, file);
		fclose(file);
	}
	report_free(report);
}

static void get_status(struct control *control, struct MHD_Connection *connection, struct answer *answer)
{
	(void)connection;
	answer_status(control, answer, "application/json", print_json);
}

static void get_table(struct control *control, struct MHD_Connection *connection, struct answer *answer)
{
	(void)connection;
	answer_status(control, answer, "text/plain; charset=utf-8", print_table);
}

/* ---- POST /snapshot ---- */

struct folders {
	const char *paths[MAX_FOLDERS];
	size_t n;
};

static enum MHD_Result take_folder(void *context, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct folders *folders = context;
	(void)kind;
	if (strcmp(key, "folder") == 0 && value && folders->n < MAX_FOLDERS)
		folders->paths[folders->n++] = value;
	return MHD_YES;
}

static int request(struct control *control, const char *store, const struct folders *folders, struct err *err)
{
	struct source_request wanted = {.what = REQUEST_SNAPSHOT, .store = store};
	if (!folders->n)
		return vitals_request(control->vitals, &wanted, err);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < folders->n; i++) {
		wanted.folder = folders->paths[i];
		rc = vitals_request(control->vitals, &wanted, err);
	}
	return rc;
}

static void post_snapshot(struct control *control, struct MHD_Connection *connection, struct answer *answer)
{
	const char *store = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "store");
	struct folders folders = {0};
	struct err err;
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, take_folder, &folders);
	if (!store || !*store)
		answer_line(answer, MHD_HTTP_BAD_REQUEST, "which store? Say store=NAME");
	else if (folders.n == MAX_FOLDERS)
		answer_line(answer, MHD_HTTP_BAD_REQUEST, "too many folders at once");
	else if (request(control, store, &folders, &err) == 0)
		answer_line(answer, MHD_HTTP_ACCEPTED, "the snapshot will begin");
	else
		answer_line(answer, err.class == ERR_AGAIN ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_BAD_REQUEST,
			    err.text);
}

/* ---- HTTP ---- */

static const struct route {
	const char *method, *path;
	void (*handle)(struct control *control, struct MHD_Connection *connection, struct answer *answer);
} routes[] = {
	{"GET", "/status", get_status},
	{"GET", "/status/table", get_table},
	{"POST", "/snapshot", post_snapshot},
};

static void route(struct control *control, struct MHD_Connection *connection, const char *path, const char *method,
		  struct answer *answer)
{
	bool known = false;
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		if (strcmp(path, routes[i].path) != 0)
			continue;
		known = true;
		if (strcmp(method, routes[i].method) == 0) {
			routes[i].handle(control, connection, answer);
			return;
		}
	}
	if (known)
		answer_line(answer, MHD_HTTP_METHOD_NOT_ALLOWED, "this method is not for this path");
	else
		answer_line(answer, MHD_HTTP_NOT_FOUND, "there are GET /status, GET /status/table, POST /snapshot");
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, const struct answer *answer)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(answer->size, answer->bytes, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(answer->bytes);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
	enum MHD_Result result = MHD_queue_response(connection, answer->code, response);
	MHD_destroy_response(response);
	return result;
}

/* A first call has only the headers; a body is not looked at. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version, const char *body, size_t *n_body,
				  void **seen)
{
	struct answer answer = {0};
	(void)version, (void)body;
	bool is_first = !*seen;
	*seen = context;
	if (is_first)
		return MHD_YES;
	if (*n_body) {
		*n_body = 0;
		return MHD_YES;
	}
	route(context, connection, path, method, &answer);
	return send_answer(connection, &answer);
}

static int start_http(struct control *control, int fd, struct err *err)
{
	control->http =
		MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, on_request, control,
				 MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS,
				 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
	if (control->http)
		return 0;
	close(fd);
	return err_fatal(err, "cannot start the control socket's thread; is a limit too low?");
}

int control_start(const char *path, const char *state_path, struct vitals *vitals, struct control **control,
		  struct err *err)
{
	int fd;
	struct control *new = xcalloc(1, sizeof *new);
	*new = (struct control){.path = path, .state_path = state_path, .vitals = vitals};
	int rc = listen_at(path, &fd, err);
	if (rc == 0 && (rc = start_http(new, fd, err)))
		unlink(path);
	if (rc) {
		free(new);
		return rc;
	}
	*control = new;
	return 0;
}

void control_stop(struct control *control)
{
	if (!control)
		return;
	unlink(control->path);
	MHD_stop_daemon(control->http);
	if (control->state)
		control->state->ops->close(control->state);
	free(control);
}
