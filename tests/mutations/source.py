"""Mistakes in bridge/kopano/: (name, file, [(old text, new text), ...], test program that must fail)."""

SNAPSHOT, STREAM = "bridge/kopano/snapshot.c", "bridge/kopano/stream.c"
RIGHTS, ITEMS, PUBLISH = "bridge/kopano/rights.c", "bridge/kopano/read_items.c", "bridge/kopano/publish.c"
SETTLE, LATE = "bridge/kopano/settle.c", "unit/test_kopano_settle"
PROMISES = "crash/test_promises.py -f"
DYING = "crash/campaign.py --every 6 --seed 1 --seconds 60 --stop"

DROP_PUBLISHED = """		if (item_number(cells) < listing->position.item_number)
			rc = add_row(kopano, listing, batch, cells, err);
		else if (first)
			return *again = true, KOPANO_END;
"""

SKIP_ROWS = """		(void)first, (void)again;
		if (n_rows++ >= UINT32_MAX - listing->position.item_number)
			rc = add_row(kopano, listing, batch, cells, err);
"""

CURSOR_BY_ROW_NUMBER = [
    ("/* ---- rows that are not true any more ---- */\n", "static uint32_t n_rows;\n"),
    ("		.below_item_number = position->item_number == UINT32_MAX ? 0 : position->item_number,\n", ""),
    ("	int rc = client_open_table(", "	n_rows = 0;\n	int rc = client_open_table("),
    ("	listing->position.item_number = row.item_number;\n", "	listing->position.item_number--;\n"),
    (DROP_PUBLISHED, SKIP_ROWS),
]

PROOF_AT_END = """	bool proven;
	int rc = folder_prove(kopano, listing->stream, listing->folder, &proven, err);
"""

SMALL_PROOF = "	int rc = folder_prove(kopano, stream, listing->folder, &proven, err);\n"

PROVE_AND_OPEN = """	int rc = folder_prove(kopano, listing->stream, listing->folder, proven, err);
	return rc || !*proven ? rc : open_table(kopano, listing, err);
"""

END_OF_SEEK = "	return rc == ERR_BAD ? load_damaged(err, stream->taken_key) : rc;\n"

REPLACE_SYNC = """	int rc = register_sync(kopano, stream, err);
	if (no_access(kopano, rc))
"""

START_ANEW = """	uint32_t now = 1;
	if (rc == 0)
		rc = stream_maximum(kopano, stream, &now, err);
	settle_start(&stream->settle, now, kopano->config->settle_ms);
"""

PROVEN = "	int rc = alive ? alive : stream_maximum(kopano, stream, &maximum, err);\n	*proven = rc == 0;\n"
PROVEN_MOVES_ON = PROVEN + """	if (*proven)
		settle_start(&stream->settle, maximum, kopano->config->settle_ms);
"""

TAKE_IDS = "		take_ids(kopano, stream, batch, &window->entries[window->next], n);\n"

LISTINGS = [
    ("what was taken is waited for like a backlog", SETTLE, [("	return max > n_known ? max - n_known : 0;\n", "	return max - settle->settled + 0 * n_known;\n")],
     "daemon/test_server.py Backlog"),
    ("items of any number of folders are read by one call", ITEMS, [("		if (at == EXPORT_FOLDERS)\n			return true;\n", "		if (at == EXPORT_FOLDERS)\n			return false;\n")],
     "daemon/test_server.py Exports"),
    ("cursor by row number", SNAPSHOT, CURSOR_BY_ROW_NUMBER, f"{PROMISES} Cursor"),
    ("trust the cursor of an open table", SNAPSHOT,
     [("		if (item_number(cells) < listing->position.item_number)\n", "		if (item_number(cells))\n")],
     f"{PROMISES} Cursor"),
    ("END of a small listing without proof", SNAPSHOT, [("	bool proven;\n	struct stream *stream", "	bool proven = true;\n	struct stream *stream"),
      (SMALL_PROOF, "	(void)stream, (void)err;\n	int rc = 0;\n")], f"{PROMISES} SmallProof"),
    ("END without proof", SNAPSHOT, [(PROOF_AT_END, "	(void)err;\n	bool proven = true;\n	int rc = 0;\n")], f"{PROMISES} Proof"),
    ("open a table without proof", SNAPSHOT,
     [(PROVE_AND_OPEN, "	*proven = true;\n	return open_table(kopano, listing, err);\n")], f"{PROMISES} Proof"),
    ("list again at every start", "bridge/kopano/load.c",
     [("	kopano->generation = ends->generation;\n", "	kopano->generation = ends->generation + 1;\n")], f"{PROMISES} Resume"),
]

NOTED = "	notes_add(&kopano->maxima, now, max);\n"
NOTED_UNREAD = NOTED + """	for (size_t i = 0; i < kopano->n_streams; i++)
		if (stream_is_hierarchy(kopano->streams[i]))
			settle_note(&kopano->streams[i]->settle, now, max);
"""

FOLLOWING = [
    ("a maximum is noted of folders that nobody has read", "bridge/kopano/maximum.c", [(NOTED, NOTED_UNREAD)],
     "daemon/test_tree.py NotSettled"),
    ("start id taken again on resume", STREAM, [(END_OF_SEEK, "	stream->started = false;\n" + END_OF_SEEK)],
     f"{PROMISES} Resume"),
    ("start id taken again with a new sync id", STREAM,
     [(REPLACE_SYNC, REPLACE_SYNC.replace("	if (no_access", START_ANEW + "	if (no_access"))], f"{PROMISES} Resume"),
    ("following goes on from the end of the listing", RIGHTS, [(PROVEN, PROVEN_MOVES_ON)], f"{PROMISES} Cursor"),
    ("the first batch of a window takes all of its ids", PUBLISH,
     [(TAKE_IDS, TAKE_IDS.replace(", n);", ", window->n - window->next);"))], DYING),
    ("what a dropped answer held is left to the next look back", SETTLE,
     [("	settle->asked_full_ms = 0;\n", "	(void)settle;\n")], f"{PROMISES} Resume"),
    ("ids settle as soon as they are read", SETTLE,
     [("	return (up_to < settle->sure ? up_to : settle->sure) > settle->settled;\n", "	return up_to > settle->settled;\n"),
      ("	settle->settled = up_to < settle->sure ? up_to : settle->sure;\n", "	settle->settled = up_to;\n")], LATE),
    ("never look back", SETTLE, [("	if (!is_full)\n		return quick;\n", "	if (quick > settle->settled)\n		return quick;\n")],
     LATE),
    ("an unreadable item is dropped", ITEMS, [("	reading->content[i].cause = CAUSE_UNREADABLE;\n", "")], DYING),
]

MUTATIONS = LISTINGS + FOLLOWING
