"""Mistakes in bridge/zeromq/: (name, file, [(old text, new text), ...], test program that must fail)."""

SESSION, OUTBOX, SINK, CONFIG, LIVE = (f"bridge/zeromq/{name}.c" for name in ("session", "outbox", "zeromq", "config", "live"))
RULES, CONSUMERS, SUITE, CONFIGURED = "unit/test_zeromq_session", "unit/test_zeromq_consumers", "conformance/test_sink_zeromq", "unit/test_zeromq_config"
DAEMON = "daemon/test_zeromq.py"

MUTATIONS = [
    ("zeromq: acknowledge on send", SESSION,
     [("		session->sent += n;\n", "		session->sent += n;\n		while (session->outbox.acknowledged < session->sent)\n"
       "			session->parts.events->acknowledged(session->parts.events->context,\n"
       "							    outbox_take(&session->outbox));\n")], RULES),
    ("zeromq: acknowledge all that was sent, not the head", SESSION,
     [("		acknowledge(session, message->sequence);\n", "		acknowledge(session, session->highest);\n")], RULES),
    ("zeromq: take an acknowledgement of another run", SESSION,
     [("	if (!is_of_run(session, message->run))\n", "	if (0)\n")], RULES),
    ("zeromq: take an acknowledgement of what was never sent", SESSION,
     [("	else if (message->sequence > session->highest)\n", "	else if (message->sequence > outbox_last(&session->outbox))\n")], RULES),
    ("zeromq: take a hello that has what was never sent", SESSION,
     [("	else if (is_of_run(session, hello->run) && hello->sequence > session->highest)\n",
       "	else if (hello->sequence > outbox_last(&session->outbox))\n")], RULES),
    ("zeromq: what a consumer has of another run counts", SESSION,
     [("	if (is_of_run(session, hello->run))\n		acknowledge", "	if (hello->sequence <= outbox_last(&session->outbox))\n		acknowledge")],
     CONSUMERS),
    ("zeromq: what was on its way to the last connection is not sent again", SESSION,
     [("	session->sent = session->outbox.acknowledged;\n	session->credit", "	session->credit")], CONSUMERS),
    ("zeromq: anybody may acknowledge", SESSION,
     [("	else if (frame.size > 0 && known)\n", "	else if (frame.size > 0 && message.kind != STREAM_HEARTBEAT)\n")], RULES),
    ("zeromq: a second hello takes the name over", SESSION, [("	else if (is_taken(session, peer))\n", "	else if (is_taken(session, peer) && 0)\n")], CONSUMERS),
    ("zeromq: the dead keep their name", SESSION, [("go_away(session, \"nothing is heard from it\")", "(void)now")], CONSUMERS),
    ("zeromq: a lost connection keeps its name until the heartbeats miss it", SESSION,
     [(" && beat(session) != SESSION_GONE", "")], CONSUMERS),
    ("zeromq: credit is not looked at", SESSION,
     [("	uint64_t most = session->credit > on_way ? session->credit - on_way : 0;\n", "	uint64_t most = on_way ? left : left;\n")], RULES),
    ("zeromq: an outbox without bounds", OUTBOX,
     [("	if (outbox->n_bytes + charged_bytes > outbox->limit_bytes)\n", "	if (0)\n")], RULES),
    ("zeromq: an away consumer is not named", SESSION, [("	say_away(session);\n}", "	(void)say_away;\n}")], CONSUMERS),
    ("zeromq: the same run at every opening", SINK,
     [("	if (getrandom(zeromq->run, RUN_SIZE, 0) != RUN_SIZE)\n", "	memset(zeromq->run, 'r', RUN_SIZE);\n	if (0)\n")], SUITE),
    ("zeromq: drained, whatever is unanswered", SINK, [("	if (zeromq->session.outbox.n == 0)\n		return 0;\n", "	if (1)\n		return 0;\n")], SUITE),
    ("zeromq: mark what was sent", SINK,
     [("	uint64_t sequence = zeromq->session.outbox.acknowledged;\n", "	uint64_t sequence = zeromq->session.highest;\n")], SUITE),
    ("zeromq: a state of any consumer will do", SINK,
     [("	if (owner->consumer && slice_equal(name, slice_of_text(owner->consumer)))\n", "	if (name.size)\n")], SUITE),
    ("zeromq: nothing rings when a record waits", SINK, [("	ring(zeromq);\n	return 0;", "	if (0)\n		ring(zeromq);\n	return 0;")], SUITE),
    ("zeromq: best effort answers from inside send", SINK,
     [("	sink->handed[sink->n_handed++] = record->token;\n", "	sink->events.acknowledged(sink->events.context, record->token);\n")], SUITE),
    ("zeromq: one sequence for all live topics", LIVE,
     [("slice_of(topic, size)));\n	zmq_send", "slice_of(topic, 1)));\n	zmq_send")], DAEMON + " Live.test_subscriptions_by_store_folder_and_object"),
    ("zeromq: what is only sent is called acknowledged", "bridge/daemon.c", [("	if (only_sent)\n", "	if (only_sent && 0)\n")],
     DAEMON + " Live.test_alone_it_is_best_effort_and_says_sent"),
    ("zeromq: open to the network without a word", CONFIG, [("	if (!insecure && !is_ipc(", "	if (0 && !insecure && !is_ipc(")], CONFIGURED),
    ("zeromq: live alone without best-effort", CONFIG,
     [("	if (!config->acknowledged && !config->best_effort)\n", "	if (0)\n")], CONFIGURED),
]
