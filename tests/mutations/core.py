"""Mistakes in core/: (name, file, [(old text, new text), ...], test program that must fail)."""

PIPELINE, INFLIGHT, PARCEL, BATCH = "core/pipeline.c", "core/inflight.c", "core/parcel.c", "core/batch.c"
COMMITS, LETTERS, FAILURES = "unit/test_pipeline", "unit/test_pipeline_letters", "unit/test_pipeline_failures"
RANDOM = "unit/test_pipeline_random"

HEAD_IS_COMPLETE = """	if (!head || !head->sealed || head->n_unanswered)
		return NULL;
"""

ANY_IS_COMPLETE = """	bool is_any = false;
	for (struct flight *flight = head; flight; flight = flight->next)
		is_any |= flight->sealed && !flight->n_unanswered;
	if (!is_any)
		return NULL;
"""

FIRST_OF_A_STREAM_IS_COMPLETE = """	for (struct flight *before = head, *next; before && before->next; before = next) {
		next = before->next;
		if (strcmp(next->batch->stream, head->batch->stream) == 0 || !next->sealed || next->n_unanswered)
			continue;
		struct batch *other = next->batch;
		before->next = next->next;
		if (inflight->tail == next)
			inflight->tail = before;
		inflight->n_batches--;
		free(next);
		return other;
	}
""" + HEAD_IS_COMPLETE

TAKE = """	batch->charged_bytes = batch_bytes(batch);
"""

TAKE_COMMITS_EMPTY = TAKE + """	if (!batch->n_changes && !batch->n_lifecycle) {
		const struct put_list *lists[] = {&batch->puts};
		int committed = pipeline->parts.state->ops->commit(pipeline->parts.state, lists, 1, err);
		batch_free(batch);
		return committed;
	}
"""

EXPECT = """	inflight_expect(&pipeline->inflight, parcel->flight);
"""

SENT = """	pipeline->counts.n_published++;
"""

TAKEN_FROM_OUTBOX = """	if (rc && rc != ERR_BAD)
		return rc;
	outbox_take(pipeline);
"""


def counted_when_sent(kind):
    return [
        (EXPECT, f"	if (parcel->kind != {kind})\n	{EXPECT}"),
        (SENT, f"{SENT}	if (parcel->kind == {kind})\n	{EXPECT}"),
    ]


PROMISES = [
    ("commit on send", PIPELINE,
     [(SENT, SENT + "	inflight_answered(&pipeline->inflight, parcel->flight);\n")], COMMITS),
    ("commit up to the highest complete batch", INFLIGHT, [(HEAD_IS_COMPLETE, ANY_IS_COMPLETE)], COMMITS),
    ("commit in an order per stream", INFLIGHT, [(HEAD_IS_COMPLETE, FIRST_OF_A_STREAM_IS_COMPLETE)], COMMITS),
    ("commit an empty batch at once", PIPELINE, [(TAKE, TAKE_COMMITS_EMPTY)], COMMITS),
    ("commit a batch that is half sent", PIPELINE,
     [("	pipeline->next_change = pipeline->next_lifecycle = 0;\n",
       "	pipeline->next_change = pipeline->next_lifecycle = 0;\n	inflight_seal(pipeline->flight);\n"),
      (EXPECT, ""), (SENT, SENT + EXPECT)], COMMITS),
    ("drop a late acknowledgement", PIPELINE,
     [("	step(\"acknowledgement taken\");\n",
       "	step(\"acknowledgement taken\");\n	if (parcel->flight != pipeline->flight)\n		return;\n")],
     COMMITS),
    ("acknowledge the original before its letter is accepted", PIPELINE, counted_when_sent("PARCEL_LETTER"), LETTERS),
    ("commit before the keys alone are accepted", PIPELINE, counted_when_sent("PARCEL_KEYS_ALONE"), LETTERS),
    ("announce keys alone over later records", PIPELINE,
     [("	else if (!is_outdated(pipeline, parcel))\n", "	else if (!is_outdated(pipeline, parcel) || true)\n")], LETTERS),
    ("no keys alone for an item of a snapshot", PIPELINE,
     [("	if (change->origin == ORIGIN_SNAPSHOT && change_is_upsert(change))\n",
       "	if (change->origin == ORIGIN_SNAPSHOT && change_is_upsert(change) && !change->item)\n")], LETTERS),
    ("bury the end of a snapshot", PIPELINE,
     [("|| is_bracket(parcel->change))", "|| (is_bracket(parcel->change) && !parcel->batch))")], LETTERS),
    ("send a letter that is too large", PARCEL,
     [("	if (dead->value.size && record->value.size > limit) {", "	if (dead->value.size > limit) {")], LETTERS),
    ("a letter that fails is forgotten", PIPELINE,
     [("		return undeliverable(parcel, err);\n",
       "		return inflight_answered(&pipeline->inflight, parcel->flight), undeliverable(parcel, err) * 0;\n")],
     LETTERS),
    ("skip the record that a busy sink refused", PIPELINE,
     [(TAKEN_FROM_OUTBOX, "	outbox_take(pipeline);\n	if (rc && rc != ERR_BAD)\n		return rc;\n")], COMMITS),
    ("keep sending after a failure", PIPELINE, [("	return rc ? rc : pump(pipeline, err);\n",
                                                "	(void)rc;\n	return pump(pipeline, err);\n")], FAILURES),
    ("a failure passes", PIPELINE,
     [("	return failure(pipeline, err);\n}\n\n/* ---- committing",
       "	int rc = failure(pipeline, err);\n	pipeline->failed = 0;\n	return rc;\n}\n\n/* ---- committing")],
     FAILURES),
    ("a record on which send failed is lost", PIPELINE,
     [(TAKEN_FROM_OUTBOX, "	if (rc == SINK_BUSY)\n		return rc;\n	outbox_take(pipeline);\n"
                          "	if (rc && rc != ERR_BAD)\n		return rc;\n"),
      ("	return rc == SINK_BUSY ? 0 : fail(pipeline, rc, err);\n", "	return rc == SINK_BUSY ? 0 : rc;\n")],
     FAILURES),
    ("a rewind hides a fatal failure", PIPELINE,
     [("(!pipeline->failed || (rc == ERR_FATAL && pipeline->failed != ERR_FATAL))", "!pipeline->failed")], FAILURES),
    ("a failed commit counts", PIPELINE,
     [("	if (rc)\n		return rc;\n	size_t n_batches", "	size_t n_batches"),
      ("		pipeline->parts.committed(pipeline->parts.context, n_batches);\n	return 0;\n",
       "		pipeline->parts.committed(pipeline->parts.context, n_batches);\n	return rc;\n")],
     FAILURES),
    ("finish waits for ever", PIPELINE,
     [("n_moves(pipeline) > n_before)", "n_moves(pipeline) >= n_before)")], COMMITS),
    ("finish does not commit", PIPELINE,
     [("	int committed = commit(pipeline, &commit_err);\n",
       "	int committed = rc ? 0 : commit(pipeline, &commit_err);\n")], COMMITS),
    ("commit without the sink's marks", PIPELINE, [("lists, n + 1, err)", "lists, n, err)")], COMMITS),
    ("commit every time", PIPELINE, [("	return wait > 0 ? wait : 0;\n", "	return wait > 0 ? 0 : 0;\n")], COMMITS),
    ("never commit early for the budget", PIPELINE,
     [("pipeline->parts.budget_bytes / 4)", "pipeline->parts.budget_bytes * 4)")], COMMITS),
    ("hold what was answered until the commit", PIPELINE,
     [("	release(pipeline, n_charged - batch->charged_bytes);\n", "	batch->charged_bytes = n_charged;\n	release(pipeline, 0);\n")], COMMITS),
    ("give the memory back twice", PIPELINE,
     [("	batch->charged_bytes = n_bytes < n_charged ? n_bytes : n_charged;\n	release(pipeline, n_charged - batch->charged_bytes);\n",
       "	batch->charged_bytes = n_bytes < n_charged ? n_bytes : n_charged;\n	release(pipeline, n_charged);\n")], COMMITS),
    ("keep removals as values", BATCH,
     [("		if (put->remove)\n			put_list_remove(&kept.puts, &kept.arena, put->key);\n		else\n", "")], "unit/test_batch"),
    ("take what is repeated for free", BATCH,
     [("batch->arena.n_bytes + repeated_bytes(batch);", "batch->arena.n_bytes + 0 * repeated_bytes(batch);")],
     "unit/test_batch"),
]

# What the named tests catch, random ones must find too.
FOUND_BY_CHANCE = {
    "commit on send",
    "commit up to the highest complete batch",
    "commit in an order per stream",
    "commit an empty batch at once",
    "commit a batch that is half sent",
    "drop a late acknowledgement",
    "acknowledge the original before its letter is accepted",
    "commit before the keys alone are accepted",
    "announce keys alone over later records",
    "skip the record that a busy sink refused",
}

MUTATIONS = PROMISES + [(f"{name} (by chance)", file, edits, RANDOM) for name, file, edits, _ in PROMISES
                        if name in FOUND_BY_CHANCE]
