#include "bridge/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "bridge/clock.h"
#include "bridge/control/server.h"
#include "bridge/ends.h"
#include "bridge/narrate.h"
#include "bridge/notify.h"
#include "bridge/progress.h"
#include "bridge/reload.h"
#include "bridge/state/sqlite.h"

enum { OWN_PAGES_BYTES = 1 << 20 };

struct daemon {
	const struct settings *settings;  /* the caller's, or those that were read again: */
	struct settings *reloaded, *next; /* in use, and to be used by the next session; NULL: none */
	const struct encoder *encoder;
	struct state *state;
	int signal_fd; /* also the sink's stop_fd: readable as long as a signal has not been taken */
	sigset_t mask; /* the caller's */
	struct watchdog watchdog;
	bool stopping, announced; /* a signal to stop was taken; the start was published */
	bool state_is_whole;      /* somebody has committed to it, were it nothing */
	struct outage source_outage, sink_outage;
	struct vitals *vitals;
	struct control *control; /* NULL: none */
	struct progress progress;

	/* The session. */
	struct pipeline *pipeline;
	struct sink *sink;
	struct feeder *feeder;
};

/* ---- the process ---- */

static void prepare_process(void)
{
	signal(SIGPIPE, SIG_IGN);                       /* a lost connection and */
	signal(SIGXFSZ, SIG_IGN);                       /* a file that may not grow are errors of the call */
	signal(SIGHUP, SIG_IGN);                        /* but where it is blocked and read */
	mallopt(M_MMAP_THRESHOLD, OWN_PAGES_BYTES);     /* when a big array is freed it leaves no hole in the heap */
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* a core file would hold mail and passwords */
}

static int open_signals(struct daemon *daemon, struct err *err)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	daemon->signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (daemon->signal_fd < 0)
		return err_fatal(err, "cannot make a signalfd: %s; is the limit of open files too low?",
				 strerror(errno));
	pthread_sigmask(SIG_BLOCK, &signals, &daemon->mask);
	return 0;
}

static void restore_mask(const struct daemon *daemon)
{
	pthread_sigmask(SIG_SETMASK, &daemon->mask, NULL);
}

/* The next session uses what the file says now; if it is wrong nothing changes. */
static void take_reload(struct daemon *daemon)
{
	struct settings *read;
	struct err err;
	if (reload(daemon->settings, &read, &err)) {
		log_error("SIGHUP: %s; the configuration of before still holds", err.text);
		return;
	}
	log_info("SIGHUP: %s was read again, and holds from here on", read->file);
	reload_free(daemon->next);
	daemon->next = read;
}

/* From here on a signal ends the process. */
static void take_stop(struct daemon *daemon, uint32_t number)
{
	log_info("%s: stopping; a second signal stops at once", number == SIGINT ? "SIGINT" : "SIGTERM");
	notify("STOPPING=1", "delivering what is under way");
	daemon->stopping = true;
	restore_mask(daemon);
}

static void take_signal(struct daemon *daemon)
{
	struct signalfd_siginfo info;
	if (daemon->stopping || read(daemon->signal_fd, &info, sizeof info) != sizeof info)
		return;
	if (info.ssi_signo == SIGHUP)
		take_reload(daemon);
	else
		take_stop(daemon, info.ssi_signo);
}

static int stopped(struct err *err)
{
	return err_set(err, ERR_STOPPED, "stopped by a signal");
}

/* ---- the loop ---- */

static int wait_for_events(struct daemon *daemon, int timeout_ms, struct err *err)
{
	struct pollfd fds[] = {
		{.fd = daemon->signal_fd, .events = POLLIN},
		{.fd = feeder_fd(daemon->feeder), .events = POLLIN},
		{.fd = daemon->sink->ops->fd(daemon->sink), .events = POLLIN},
	};
	int wait_ms = watchdog_turn(&daemon->watchdog, progress_timeout_ms(&daemon->progress, timeout_ms));
	if (poll(fds, 3, wait_ms) < 0 && errno != EINTR)
		return err_fatal(err, "cannot poll: %s", strerror(errno));
	if (fds[0].revents)
		take_signal(daemon);
	return daemon->stopping || daemon->next ? stopped(err) : 0;
}

/* What was read of a damaged state may be wrong, and must not be published either. */
static int check_state(struct daemon *daemon, struct err *err)
{
	int rc = daemon->state_is_whole ? 0 : daemon->state->ops->commit(daemon->state, NULL, 0, err);
	daemon->state_is_whole = rc == 0;
	return rc;
}

/* Gives the pipeline one batch, if it wants one and there is one. */
static int feed(struct daemon *daemon, bool *fed, struct err *err)
{
	struct batch *batch = pipeline_ready(daemon->pipeline) ? feeder_take(daemon->feeder) : NULL;
	int rc = batch ? check_state(daemon, err) : 0;
	*fed = batch != NULL;
	if (rc)
		batch_free(batch);
	else if (batch)
		narrate_batch(batch);
	return batch && rc == 0 ? pipeline_take(daemon->pipeline, batch, err) : rc;
}

static void show(struct daemon *daemon)
{
	vitals_turn(daemon->vitals, pipeline_counts(daemon->pipeline), pipeline_load(daemon->pipeline));
	progress_turn(&daemon->progress, daemon->vitals);
}

static int loop(struct daemon *daemon, struct err *err)
{
	bool fed;
	int rc;
	do {
		if ((rc = feeder_check(daemon->feeder, err)) || (rc = feed(daemon, &fed, err)) ||
		    (rc = pipeline_turn(daemon->pipeline, err)))
			return rc;
		show(daemon);
		/* Where there was one batch there may be another; signals are looked at in between. */
		rc = wait_for_events(daemon, fed ? 0 : pipeline_timeout_ms(daemon->pipeline), err);
	} while (rc == 0);
	return rc;
}

/* ---- a session ---- */

static void on_released(void *context, size_t n_bytes)
{
	struct daemon *daemon = context;
	if (daemon->feeder) /* it is stopped before the last commit */
		feeder_release(daemon->feeder, n_bytes);
}

static void on_committed(void *context, size_t n_batches)
{
	(void)context;
	narrate_commit(n_batches);
}

static void on_notice(void *context, const char *text)
{
	(void)context;
	log_warning("%s", text);
}

static int open_sink(struct daemon *daemon, struct err *err)
{
	const struct sink_ops *ops = daemon->settings->sink->ops;
	struct sink_events events = pipeline_events(daemon->pipeline);
	events.notice = on_notice;
	int rc = ops->open(daemon->settings->sink_config, &events, daemon->signal_fd, &daemon->sink, err);
	return rc ? rc : ops->seek(daemon->sink, daemon->state, err);
}

static void start_pipeline(struct daemon *daemon)
{
	const struct settings *settings = daemon->settings;
	struct pipeline_parts parts = {
		.sink = daemon->sink,
		.state = daemon->state,
		.encoder = daemon->encoder,
		.topics = settings->sink->topics(settings->sink_config),
		.budget_bytes = settings->budget_bytes,
		.now_ms = clock_ms,
		.released = on_released,
		.committed = on_committed,
		.context = daemon,
	};
	pipeline_start(daemon->pipeline, &parts);
}

static int start_feeder(struct daemon *daemon, struct err *err)
{
	const struct settings *settings = daemon->settings;
	struct feeder_parts parts = {
		.ops = settings->source->ops,
		.config = settings->source_config,
		.state = daemon->state,
		.budget_bytes = settings->budget_bytes,
		.outage = &daemon->source_outage,
	};
	return feeder_start(&parts, &daemon->feeder, err);
}

/* Once per process: a rewind is nobody's business. */
static int publish_start(struct daemon *daemon, struct err *err)
{
	const char *sink = daemon->settings->sink->name;
	if (daemon->announced)
		return 0;
	daemon->announced = true;
	struct batch *batch = ends_started(sink, "version " TIDINGS_VERSION ": goes on from its stored positions");
	int rc = pipeline_take(daemon->pipeline, batch, err);
	batch->charged_bytes = 0; /* it did not come through the feeder */
	return rc;
}

static int start_session(struct daemon *daemon, struct err *err)
{
	daemon->pipeline = pipeline_new();
	int rc = open_sink(daemon, err);
	if (rc)
		return rc;
	outage_over(&daemon->sink_outage);
	log_debug("sink: connected");
	start_pipeline(daemon);
	vitals_session(daemon->vitals, daemon->sink, NULL);
	if ((rc = publish_start(daemon, err)) || (rc = start_feeder(daemon, err)))
		return rc;
	vitals_session(daemon->vitals, daemon->sink, daemon->feeder);
	return 0;
}

/* After everything else was committed. */
static int publish_stop(struct daemon *daemon, int64_t until_ms, struct err *err)
{
	int64_t left_ms = until_ms - clock_ms();
	int rc = pipeline_take(daemon->pipeline, ends_stopped("was asked to stop; everything is committed"), err);
	return rc ? rc : pipeline_finish(daemon->pipeline, left_ms > 0 ? (int)left_ms : 0, err);
}

/* Drains and commits what was under way when something else than a rewind ended the session. */
static int drain(struct daemon *daemon, int ended, struct err *err)
{
	struct err drain_err;
	int64_t until_ms = clock_ms() + DAEMON_DRAIN_MS;
	int rc = pipeline_finish(daemon->pipeline, DAEMON_DRAIN_MS, &drain_err);
	if (rc == 0 && daemon->stopping)
		rc = publish_stop(daemon, until_ms, &drain_err);
	if (rc == 0 || ended != ERR_STOPPED)
		return ended; /* the first error is the one to report */
	if (rc == ERR_AGAIN) {
		log_warning("%s; what is not acknowledged comes again at the next start", drain_err.text);
		return ended;
	}
	*err = drain_err;
	return rc;
}

static int end_session(struct daemon *daemon, int ended, struct err *err)
{
	struct feeder *feeder = daemon->feeder;
	progress_clear(&daemon->progress);
	if (ended == ERR_STOPPED)
		take_signal(daemon); /* if it has come while a sink was opened */
	if (!feeder)
		return ended;
	vitals_session(daemon->vitals, daemon->sink, NULL);
	daemon->feeder = NULL;
	feeder_stop(feeder);
	return ended == ERR_AGAIN ? ended : drain(daemon, ended, err);
}

/* The sink goes first: it borrows the pipeline's records. */
static void free_session(struct daemon *daemon)
{
	vitals_turn(daemon->vitals, pipeline_counts(daemon->pipeline), pipeline_load(daemon->pipeline));
	vitals_session(daemon->vitals, NULL, NULL);
	daemon->settings->sink->ops->close(daemon->sink);
	pipeline_free(daemon->pipeline);
	daemon->sink = NULL;
	daemon->pipeline = NULL;
}

static int run_session(struct daemon *daemon, struct err *err)
{
	int rc = start_session(daemon, err);
	if (rc == 0)
		rc = loop(daemon, err);
	rc = end_session(daemon, rc, err);
	free_session(daemon);
	return rc;
}

/* ---- all of it ---- */

/* Waits before the next session, or for a signal. */
static int pause_ms(struct daemon *daemon, int ms, struct err *err)
{
	struct pollfd fd = {.fd = daemon->signal_fd, .events = POLLIN};
	int64_t end_ms = clock_ms() + ms, left_ms;
	while (!fd.revents && (left_ms = end_ms - clock_ms()) > 0)
		poll(&fd, 1, watchdog_turn(&daemon->watchdog, (int)left_ms));
	if (!fd.revents)
		return 0;
	take_signal(daemon);
	return stopped(err);
}

static void use_next_settings(struct daemon *daemon)
{
	struct settings *before = daemon->reloaded;
	if (!daemon->next)
		return;
	daemon->settings = daemon->reloaded = daemon->next;
	daemon->next = NULL;
	if (!daemon->settings->verbose)
		log_set_level(daemon->settings->log_level);
	log_set_format(daemon->settings->log_format);
	vitals_configured(daemon->vitals, daemon->settings);
	reload_free(before);
}

static int run_sessions(struct daemon *daemon, struct err *err)
{
	int rc;
	do {
		use_next_settings(daemon);
		rc = run_session(daemon, err);
		if (rc == ERR_AGAIN)
			rc = pause_ms(daemon, outage_failed(&daemon->sink_outage, err), err);
	} while (rc == 0 || (rc == ERR_STOPPED && !daemon->stopping));
	return rc == ERR_STOPPED ? 0 : rc;
}

static void log_start(const struct settings *settings)
{
	log_info("version " TIDINGS_VERSION ": from %s to %s, state %s", settings->source->name, settings->sink->name,
		 settings->state_path);
	const char *caution = settings->source->caution ? settings->source->caution(settings->source_config) : NULL;
	if (caution)
		log_warning("source: %s", caution);
	notify("READY=1", "from %s to %s", settings->source->name, settings->sink->name);
}

/* What is only sent is never called acknowledged. */
static void log_counts(const struct settings *settings, struct vitals *vitals)
{
	struct pipeline_counts counts = vitals_counts(vitals);
	bool only_sent = settings->sink->best_effort && settings->sink->best_effort(settings->sink_config);
	if (only_sent)
		log_info("stopped: %" PRIu64 " records sent, %" PRIu64 " dead letters, %" PRIu64 " items gone",
			 counts.n_published, counts.n_dead_letters, counts.n_gone);
	else
		log_info("stopped: %" PRIu64 " records published, %" PRIu64 " acknowledged, %" PRIu64
			 " dead letters, %" PRIu64 " items gone",
			 counts.n_published, counts.n_acknowledged, counts.n_dead_letters, counts.n_gone);
}

static int start_control(struct daemon *daemon, struct err *err)
{
	const struct settings *settings = daemon->settings;
	if (!settings->control_path)
		return 0;
	return control_start(settings->control_path, settings->state_path, daemon->vitals, &daemon->control, err);
}

/* Signals are blocked. */
static int run_with_signals(struct daemon *daemon, struct err *err)
{
	int rc = start_control(daemon, err);
	if (rc == 0) {
		log_start(daemon->settings);
		watchdog_init(&daemon->watchdog);
		rc = run_sessions(daemon, err);
		log_counts(daemon->settings, daemon->vitals);
	}
	control_stop(daemon->control);
	return rc;
}

static int run_with_state(struct daemon *daemon, struct err *err)
{
	int rc;
	if ((rc = ends_check(daemon->state, daemon->settings->sink->name, err)) || (rc = open_signals(daemon, err)))
		return rc;
	daemon->vitals = vitals_new(daemon->settings, &daemon->source_outage, &daemon->sink_outage);
	rc = run_with_signals(daemon, err);
	vitals_free(daemon->vitals);
	restore_mask(daemon);
	close(daemon->signal_fd);
	reload_free(daemon->reloaded);
	reload_free(daemon->next);
	return rc;
}

int daemon_run(const struct settings *settings, const struct encoder *encoder, struct err *err)
{
	struct daemon daemon = {.settings = settings,
				.encoder = encoder,
				.source_outage = OUTAGE_OF("source"),
				.sink_outage = OUTAGE_OF("sink")};
	prepare_process();
	int rc = sqlite_state_open(settings->state_path, &daemon.state, err);
	if (rc)
		return rc;
	rc = run_with_state(&daemon, err);
	daemon.state->ops->close(daemon.state);
	return rc;
}
