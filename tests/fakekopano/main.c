#include <getopt.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tests/fakekopano/control.h"
#include "tests/fakekopano/http.h"
#include "tests/fakekopano/store.h"

enum {
	OPTION_PORT,
	OPTION_SOCKET,
	OPTION_TLS,
	OPTION_TLS_PORT,
	OPTION_IDLE_TIMEOUT,
	OPTION_SESSION_TIMEOUT,
	OPTION_STORES,
	OPTION_FOLDERS,
	OPTION_ITEMS,
	OPTION_GROUPS,
	OPTION_LIVELY,
	OPTION_SEED,
	OPTION_HELP
};

static const struct option options[] = {{"port", required_argument, NULL, OPTION_PORT},
					{"socket", required_argument, NULL, OPTION_SOCKET},
					{"tls", required_argument, NULL, OPTION_TLS},
					{"tls-port", required_argument, NULL, OPTION_TLS_PORT},
					{"idle-timeout", required_argument, NULL, OPTION_IDLE_TIMEOUT},
					{"session-timeout", required_argument, NULL, OPTION_SESSION_TIMEOUT},
					{"stores", required_argument, NULL, OPTION_STORES},
					{"folders", required_argument, NULL, OPTION_FOLDERS},
					{"items", required_argument, NULL, OPTION_ITEMS},
					{"groups", required_argument, NULL, OPTION_GROUPS},
					{"lively", required_argument, NULL, OPTION_LIVELY},
					{"seed", required_argument, NULL, OPTION_SEED},
					{"help", no_argument, NULL, OPTION_HELP},
					{0}};

static const char usage[] =
	"usage: fakekopano [--port N] [--socket PATH] [--tls CERT KEY [--tls-port N]]\n"
	"                  [--idle-timeout S] [--session-timeout S] [--stores N --folders N --items N]\n"
	"                  [--groups N] [--lively CHANGES_PER_SECOND [--seed N]]\n";

struct settings {
	struct http_options http;
	struct generated generated;
	uint64_t session_timeout_s;
	double lively;
	uint64_t seed;
};

static void set(struct settings *s, int option, const char *value)
{
	uint32_t number = value ? (uint32_t)strtoul(value, NULL, 10) : 0;

	switch (option) {
	case OPTION_PORT:
		s->http.port = (uint16_t)number;
		break;
	case OPTION_SOCKET:
		s->http.socket = value;
		break;
	case OPTION_TLS:
		s->http.tls_cert = value;
		break;
	case OPTION_TLS_PORT:
		s->http.tls_port = (uint16_t)number;
		break;
	case OPTION_IDLE_TIMEOUT:
		s->http.idle_timeout_s = number;
		break;
	case OPTION_SESSION_TIMEOUT:
		s->session_timeout_s = number;
		break;
	case OPTION_STORES:
		s->generated.stores = number;
		break;
	case OPTION_FOLDERS:
		s->generated.folders = number;
		break;
	case OPTION_ITEMS:
		s->generated.items = number;
		break;
	case OPTION_GROUPS:
		s->generated.groups = number;
		break;
	case OPTION_LIVELY:
		s->lively = strtod(value, NULL);
		break;
	case OPTION_SEED:
		s->seed = number;
		break;
	default:
		fputs(usage, option == OPTION_HELP ? stdout : stderr);
		exit(option == OPTION_HELP ? 0 : 2);
	}
}

static struct settings read_options(int argc, char **argv)
{
	struct settings s = {.http = {.idle_timeout_s = 5}, .session_timeout_s = 300};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		set(&s, option, optarg);
		if (option == OPTION_TLS && optind < argc)
			s.http.tls_key = argv[optind++];
	}
	if (optind < argc || !s.http.tls_cert != !s.http.tls_key)
		set(&s, -1, NULL);
	return s;
}

static void say_ready(const struct http *h, const struct http_options *o)
{
	printf("{\"port\":%u", h->port);
	if (o->tls_cert)
		printf(",\"tls_port\":%u", h->tls_port);
	if (o->socket)
		printf(",\"socket\":\"%s\"", o->socket);
	printf(",\"pid\":%d}\n", (int)getpid());
	fflush(stdout);
}

/* Readers must not keep writers away for ever: a control command waits only for the answers being written. */
static void init_lock(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attributes;

	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);
}

/* The wait until something is due again, or somebody says that it is due sooner. Returns false on a signal to stop. */
static bool wait_for(struct server *s, int signals, int64_t ms)
{
	struct pollfd fds[] = {{.fd = s->wake_fd, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
	uint64_t ignored;

	poll(fds, 2, ms < 0 || ms > INT32_MAX ? -1 : (int)ms);
	if (fds[0].revents && read(s->wake_fd, &ignored, sizeof(ignored)) < 0)
		return false;
	return !fds[1].revents;
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void serve(struct server *s)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	fd = signalfd(-1, &signals, SFD_CLOEXEC);
	while (wait_for(s, fd, sooner(control_release_due(s), lively_tick(s))))
		;
	close(fd);
}

static void block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

int main(int argc, char **argv)
{
	struct settings settings = read_options(argc, argv);
	struct server s = {.session_timeout_ms = settings.session_timeout_s * 1000, .wake_fd = eventfd(0, EFD_CLOEXEC)};
	struct http h;

	block_signals();
	init_lock(&s.lock);
	faults_init(&s.faults);
	notifier_init(&s.notifier);
	s.w = world_populated();
	world_generate(s.w, &settings.generated);
	lively_start(&s.lively, "user1", settings.lively, 0, settings.seed);
	s.w->observer = &s.notifier.observer;
	if (!http_start(&h, &s, &settings.http))
		return 1;
	say_ready(&h, &settings.http);
	serve(&s);
	http_stop();
	server_free(&s);
	if (settings.http.socket)
		unlink(settings.http.socket);
	return 0;
}
