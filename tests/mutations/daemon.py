"""Mistakes in the daemon: (name, file, [(old text, new text), ...], test program that must fail)."""

DAEMON, FEEDER = "bridge/daemon.c", "bridge/feeder.c"
REWIND = "crash/test_promises.py -f Rewind"
RUNS, QUEUE = "unit/test_daemon", "unit/test_feeder"

STOP_FEEDER = """	feeder_stop(daemon->feeder);
	daemon->feeder = NULL;
"""

KEEP_FEEDER = [
    (STOP_FEEDER, "	if (ended == ERR_AGAIN)\n		return ended;\n" + STOP_FEEDER),
    ("	struct feeder_parts parts = {", "	if (daemon->feeder)\n		return 0;\n	struct feeder_parts parts = {"),
]

NO_ROOM = "	while (!feeder->stopping && !has_room(feeder, n_bytes))\n"

MUTATIONS = [
    ("keep the queue over a rewind", DAEMON, KEEP_FEEDER, REWIND),
    ("a rewind ends the daemon", DAEMON, [("	while ((rc = run_session(daemon, err)) == ERR_AGAIN)\n",
                                           "	while ((rc = run_session(daemon, err)) == ERR_AGAIN + 1000)\n")], RUNS),
    ("a stop neither drains nor commits", DAEMON, [("	return started && ended != ERR_AGAIN ? drain(daemon, ended, err) : ended;\n",
                                                    "	(void)drain, (void)started, (void)err;\n	return ended;\n")], RUNS),
    ("a full queue throws away", FEEDER,
     [(NO_ROOM, "	if (!feeder->stopping && !has_room(feeder, n_bytes)) {\n		pthread_mutex_unlock(&feeder->mutex);\n"
                "		batch_free(batch);\n		return 0;\n	}\n" + NO_ROOM)], QUEUE),
    ("a queue without an end", FEEDER, [(NO_ROOM, "	while (!feeder->stopping && !has_room(feeder, 0) && n_bytes == 0)\n")], QUEUE),
    ("the newest batch first", FEEDER,
     [("	*feeder->tail = queued;\n	feeder->tail = &queued->next;\n",
       "	if (!feeder->head)\n		feeder->tail = &queued->next;\n	queued->next = feeder->head;\n	feeder->head = queued;\n")],
     QUEUE),
]
