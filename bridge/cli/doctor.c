#include "bridge/cli/doctor.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "bridge/state/sqlite.h"
#include "proto/json.h"

enum { LEAST_FREE_MIB = 100, SMB2_MAGIC = 0xFE534D42 };

struct doctor {
	struct examination examination;
	bool json;
	enum verdict worst;
};

static const char *word(enum verdict verdict)
{
	static const char *const words[] = {"ok", "warning", "waiting", "wrong"};
	return words[verdict];
}

static void print_json(enum verdict verdict, const char *subject, const char *text)
{
	printf("{\"verdict\":\"%s\",\"subject\":", word(verdict));
	json_print_text(slice_of_text(subject), stdout);
	printf(",\"text\":");
	json_print_text(slice_of_text(text), stdout);
	printf("}\n");
}

/* At once: what takes long is seen to be under way. */
static void print_line(struct examination *examination, enum verdict verdict, const char *subject, const char *text)
{
	struct doctor *doctor = (struct doctor *)examination;
	if (verdict > doctor->worst)
		doctor->worst = verdict;
	if (doctor->json)
		print_json(verdict, subject, text);
	else
		printf("%-8s %-24s %s\n", word(verdict), subject, text);
	fflush(stdout);
}

/* ---- source and sink ---- */

static void examine_source(struct doctor *doctor, const struct settings *settings)
{
	if (settings->source->examine)
		settings->source->examine(settings->source_config, &doctor->examination);
}

/* By its control socket: to try the lock of the state could keep a daemon from starting. */
static bool a_daemon_runs(const struct settings *settings)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", settings->control_path);
	bool runs = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	if (fd >= 0)
		close(fd);
	return runs;
}

/* Files and addresses are for one process at a time. */
static void examine_sink(struct doctor *doctor, const struct settings *settings)
{
	const struct sink_driver *driver = settings->sink;
	struct sink_events events = {0};
	struct sink *sink = NULL;
	struct err err;
	if (driver->examine) {
		driver->examine(settings->sink_config, &doctor->examination);
		return;
	}
	if (a_daemon_runs(settings)) {
		examine_say(&doctor->examination, VERDICT_OK, driver->name, "a daemon runs and has it open");
		return;
	}
	if (driver->ops->open(settings->sink_config, &events, -1, &sink, &err))
		examine_error(&doctor->examination, driver->name, &err);
	else
		examine_say(&doctor->examination, VERDICT_OK, driver->name, "can be opened");
	driver->ops->close(sink);
}

/* ---- the state ---- */

static bool is_remote(const char *directory)
{
	struct statfs fs;
	return statfs(directory, &fs) == 0 && (fs.f_type == NFS_SUPER_MAGIC || fs.f_type == SMB_SUPER_MAGIC ||
					       (unsigned)fs.f_type == (unsigned)SMB2_MAGIC);
}

static void warn_of_disk(struct doctor *doctor, const char *directory)
{
	struct statvfs fs;
	if (is_remote(directory))
		examine_say(&doctor->examination, VERDICT_WARNING, "state",
			    "%s is on a network: locks and syncs of a database may not hold there; use a local disk",
			    directory);
	if (statvfs(directory, &fs) == 0 && fs.f_bavail < ((uint64_t)LEAST_FREE_MIB << 20) / fs.f_frsize)
		examine_say(&doctor->examination, VERDICT_WARNING, "state",
			    "less than %d MiB are free in %s: make room", LEAST_FREE_MIB, directory);
}

static void examine_new_state(struct doctor *doctor, const char *path, const char *directory)
{
	if (access(directory, W_OK | X_OK) == 0)
		examine_say(&doctor->examination, VERDICT_OK, "state", "%s will be made at the first start", path);
	else
		examine_say(&doctor->examination, VERDICT_WRONG, "state",
			    "%s: %s; the directory must exist and be writable for the user of the daemon", directory,
			    strerror(errno));
}

static void examine_old_state(struct doctor *doctor, const char *path)
{
	struct state *state = NULL;
	struct err err;
	if (sqlite_state_open_readonly(path, &state, &err)) {
		examine_error(&doctor->examination, "state", &err);
		return;
	}
	state->ops->close(state);
	if (access(path, W_OK) == 0)
		examine_say(&doctor->examination, VERDICT_OK, "state", "%s can be read and written", path);
	else
		examine_say(&doctor->examination, VERDICT_WRONG, "state", "%s: %s; the user of the daemon must own it",
			    path, strerror(errno));
}

/* Root may read and write what the daemon may not, so all else may look better than it is. */
static void warn_of_root(struct doctor *doctor, const char *directory)
{
	struct stat st;
	if (geteuid() == 0 && stat(directory, &st) == 0 && st.st_uid != 0)
		examine_say(&doctor->examination, VERDICT_WARNING, "user",
			    "%s belongs to user %u, and root looks at it, who may read everything: look as that user, "
			    "as in `runuser -u tidings -- tidings check -c FILE -C`",
			    directory, (unsigned)st.st_uid);
}

static void examine_state(struct doctor *doctor, const char *path)
{
	char copy[PATH_MAX];
	snprintf(copy, sizeof copy, "%s", path);
	const char *directory = dirname(copy);
	if (access(path, F_OK) == 0)
		examine_old_state(doctor, path);
	else
		examine_new_state(doctor, path, directory);
	warn_of_disk(doctor, directory);
	warn_of_root(doctor, directory);
}

int doctor_examine(const struct settings *settings, bool json)
{
	static const int codes[] = {0, 0, EXIT_RUNTIME, EXIT_USAGE};
	struct doctor doctor = {.examination.line = print_line, .json = json};
	examine_source(&doctor, settings);
	examine_sink(&doctor, settings);
	examine_state(&doctor, settings->state_path);
	return codes[doctor.worst];
}
