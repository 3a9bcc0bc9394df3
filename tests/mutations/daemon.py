"""Mistakes in the daemon: (name, file, [(old text, new text), ...], test program that must fail)."""

DAEMON, FEEDER = "bridge/daemon.c", "bridge/feeder.c"
REWIND = "crash/test_promises.py -f Rewind"
RUNS, QUEUE = "unit/test_daemon", "unit/test_feeder"

STOP_FEEDER = """	vitals_session(daemon->vitals, daemon->sink, NULL);
	daemon->feeder = NULL;
	feeder_stop(feeder);
"""

KEEP_FEEDER = [
    (STOP_FEEDER, "	if (ended == ERR_AGAIN)\n		return ended;\n" + STOP_FEEDER),
    ("	struct feeder_parts parts = {", "	if (daemon->feeder)\n		return 0;\n	struct feeder_parts parts = {"),
]

NO_ROOM = "	while (!feeder->stopping && !has_room(feeder, n_bytes))\n"

MUTATIONS = [
    ("keep the queue over a rewind", DAEMON, KEEP_FEEDER, REWIND),
    ("a rewind ends the daemon", DAEMON, [("		if (rc == ERR_AGAIN)\n			rc = pause_ms(",
                                           "		if (rc == ERR_AGAIN + 1000)\n			rc = pause_ms(")], RUNS),
    ("a stop neither drains nor commits", DAEMON, [("	return ended == ERR_AGAIN ? ended : drain(daemon, ended, err);\n",
                                                    "	(void)drain, (void)err;\n	return ended;\n")], RUNS),
    ("a start that nobody hears of", DAEMON, [("	if (daemon->announced)\n", "	if (!daemon->announced)\n")], RUNS),
    ("a state of another sink is taken", "bridge/ends.c", [("	else if (rc == 0 && !slice_equal(", "	else if (rc == ERR_BAD && !slice_equal(")],
     "daemon/test_state_change.py StateChange.test_another_kind_of_sink"),
    ("an outage ends only with the next change", FEEDER, [("		if (rc == 0 || rc == SOURCE_BACK)\n", "		if (rc == 0)\n")], QUEUE),
    ("a reset keeps the epoch", "bridge/cli/state_change.c", [("is >= least ? is + 1 : least", "is >= least ? is : least")],
     "daemon/test_state_change.py StateChange.test_everything"),
    ("a full queue throws away", FEEDER,
     [(NO_ROOM, "	if (!feeder->stopping && !has_room(feeder, n_bytes)) {\n		pthread_mutex_unlock(&feeder->mutex);\n"
                "		batch_free(batch);\n		return 0;\n	}\n" + NO_ROOM)], QUEUE),
    ("a queue without an end", FEEDER, [(NO_ROOM, "	while (!feeder->stopping && !has_room(feeder, 0) && n_bytes == 0)\n")], QUEUE),
    ("the newest batch first", FEEDER,
     [("	*feeder->tail = queued;\n	feeder->tail = &queued->next;\n",
       "	if (!feeder->head)\n		feeder->tail = &queued->next;\n	queued->next = feeder->head;\n	feeder->head = queued;\n")],
     QUEUE),
]
