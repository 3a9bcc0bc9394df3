"""Mistakes about notifications: (name, file, [(old text, new text), ...], test program that must fail)."""

BELL, DOORBELL, HTTP = "bridge/kopano/bell.c", "bridge/kopano/doorbell.c", "bridge/kopano/http.c"
PIPELINE = "core/pipeline.c"
TEST = "daemon/test_notifications.py -f OneMailbox."

SUBSCRIBE = """	if (rc == 0)
		rc = subscribe_all(bell, bell->targets.list, bell->targets.n, err);
	if (rc == 0)
		ring_for_all(bell, true);
"""

MUTATIONS = [
    ("the bell does not subscribe again", BELL,
     [(SUBSCRIBE, SUBSCRIBE.replace("bell->targets.n, err", "bell->n_notices ? 0 : bell->targets.n, err"))],
     TEST + "test_a_restart_of_the_server"),
    ("it is read before the subscription is made", BELL, [(SUBSCRIBE, """	if (rc == 0)
		ring_for_all(bell, true);
	poll(NULL, 0, 300);
	if (rc == 0)
		rc = subscribe_all(bell, bell->targets.list, bell->targets.n, err);
""")], TEST + "test_what_happens_while_it_subscribes_is_read"),
    ("after an outage it does not ring", BELL,
     [("	bell->rung.any = true;\n", "	bell->rung.any = !bell->n_notices;\n")], TEST + "test_sessions_end"),
    ("what rings while something is read is lost", DOORBELL, [("	(void)kopano;\n", "	kopano->doorbell.rang = false;\n")],
     TEST + "test_what_rings_while_something_is_read_is_read_afterwards"),
    ("a notice before its commit is asked for once", DOORBELL,
     [("	ringing->on = stream->n_taken == ringing->n_taken && ringing->tries < N_AGAIN;\n", "	ringing->on = false;\n")],
     TEST + "test_a_notice_before_its_commit_is_asked_for_again"),
    ("a notification that could not be delivered is not said to be missing", PIPELINE,
     [("	outbox_add(pipeline, parcel_lifecycle(maker, &missed));\n", "	(void)pipeline, (void)missed;\n")], "unit/test_pipeline_letters"),
    ("the letter of a notification stops the daemon", PIPELINE,
     [("	if (parcel->kind == PARCEL_LETTER && is_notification(parcel))\n",
       "	if (parcel->kind == PARCEL_LETTER && !parcel->change)\n")], "unit/test_pipeline_letters"),
    ("the session whose poll broke goes on polling", BELL,
     [("	int rc = client_log_off(bell->poller, err);\n", "	int rc = 0;\n")], "unit/test_bell"),
    ("what rings waits behind what is asked by the interval", "bridge/kopano/follow.c",
     [("	bool rang = stream->ringing.on && kopano->turn % 2 == 0;\n", "	bool rang = stream->ringing.on && !kopano;\n")],
     "daemon/test_notifications.py -f ManyFolders"),
    ("a poll is repeated unnoticed", HTTP,
     [("	http->unsent = body;\n	curl_easy_setopt(http->easy, CURLOPT_POSTFIELDS, NULL);\n",
       "	http->unsent = body;\n	curl_easy_setopt(http->easy, CURLOPT_POSTFIELDS, (const char *)body.data);\n")],
     "unit/test_client_notify"),
]
