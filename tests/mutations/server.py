"""Mistakes in following a whole server: (name, file, [(old text, new text), ...], test program that must fail)."""

K = "bridge/kopano/"
SERVER = "daemon/test_server.py -f"
TREE = "daemon/test_tree.py -f"

LATE_IS_DUE = "	return late->due_ms && now >= late->due_ms && now - kopano->moved_at_ms <= kopano->config->look_back_ms;\n"

FATE = "	if (folder_is_followed(kopano, outcome->folder))\n		return FATE_PUBLISHED;\n"

LOOK_FOR = "		if (is_of_unknown_folder(kopano, entry) && unknown_is_to_be_found(kopano, entry->parent_key))\n"

PAIR = """	share_bracket(kopano, folder, batch, CHANGE_SNAPSHOT_BEGIN, id);
	share_bracket(kopano, folder, batch, CHANGE_SNAPSHOT_END, id);
"""

IS_HELD = "	return known->flags & FOLDER_REVIVED && stream_of_items(kopano, folder)->still < known->revived_id;\n"

MUTATIONS = [
    ("never look for what came late", K + "late.c", [(LATE_IS_DUE, "	(void)now, (void)late;\n	return false;\n")],
     f"{SERVER} Late.test_one_that_comes_much_later_is_told_and_counted"),
    ("all that is looked back at is late", K + "late.c",
     [("	late->taken[at / 8] |= (uint8_t)(1 << at % 8);\n", "	late->taken[at / 8] |= 0;\n")],
     f"{SERVER} Late.test_one_that_comes_much_later_is_told_and_counted"),
    ("ids above the settled one are not kept over a restart", K + "stream.c",
     [("	rc = state->ops->each(state, slice_of_text(stream->taken_key), load_taken, &stream->settle, err);\n",
       "	rc = 0;\n	(void)load_taken;\n")], f"{SERVER} Late.test_a_restart_repeats_nothing"),
    ("the server's stream goes on a little further up", K + "stream.c",
     [("	settle_start(&stream->settle, position.change_id ? position.change_id : 1, kopano->config->settle_ms);\n",
       "	settle_start(&stream->settle, position.change_id + 1, kopano->config->settle_ms);\n")],
     f"{SERVER} Late.test_one_that_comes_while_the_daemon_is_stopped"),
    ("folders that are not followed are told of", K + "publish.c", [(FATE, "	return FATE_PUBLISHED;\n")], f"{SERVER} Filters"),
    ("associated items are told of", K + "publish.c",
     [("	if (is_filtered)\n		kopano->counts.n_filtered++;\n	else\n", "	(void)is_filtered;\n")], f"{SERVER} Items"),
    ("an unknown folder is not looked for", K + "publish.c", [(LOOK_FOR, "		if (is_of_unknown_folder(kopano, entry) && false)\n")],
     f"{SERVER} Late.test_items_of_a_folder_that_comes_late"),
    ("what was in an unknown folder is dropped", K + "publish.c",
     [("		else if (fate == FATE_UNKNOWN)\n			publish_unknown(kopano, batch, &outcomes[i]);\n", "		(void)publish_unknown;\n"),
      (LOOK_FOR, "		if (is_of_unknown_folder(kopano, entry) && false)\n")],
     f"{SERVER} Late.test_items_of_a_folder_that_comes_late"),
    ("a folder ends without the pair", K + "ending.c", [(PAIR, "	(void)kopano, (void)folder, (void)batch;\n")], f"{TREE} OfTheServer"),
    ("a restored server is not noticed", K + "maximum.c", [("	if (max < known_maximum(kopano))\n", "	(void)known_maximum;\n	if (false)\n")],
     f"{SERVER} Restored.test_a_server_that_is_set_back"),
    ("a restored server that went on is not noticed", K + "restore.c",
     [("		went_back |= change_ids[i] && change_ids[i] < kept[i];\n", "		(void)kept;\n")],
     f"{SERVER} Restored.test_while_the_daemon_was_stopped"),
    ("sync ids that have expired are a restore", K + "restore.c",
     [("		went_back |= change_ids[i] && change_ids[i] < kept[i];\n", "		went_back |= change_ids[i] < kept[i];\n")],
     f"{SERVER} Restored.test_sync_ids_that_have_expired"),
    ("after a restore nothing is listed anew", K + "restore.c", [("	kopano->generation++;\n", "")],
     f"{SERVER} Restored.test_a_server_that_is_set_back"),
    ("all streams are asked all the time", K + "follow.c",
     [("	return !kopano->maximum || stream->still < kopano->maximum;\n", "	return kopano != NULL && stream != NULL;\n")],
     f"{SERVER} Items.test_an_idle_server_costs_one_call_per_poll"),
    ("a folder that lives again is listed when it is seen", K + "listing.c", [(IS_HELD, "	(void)kopano, (void)known;\n	return false;\n")],
     f"{TREE} OfTheServer.test_deletes_of_items_that_the_journal_tells_after_their_folder_has_come_back"),
    ("after a restart nobody knows that it waits", K + "map_state.c",
     [("FOLDER_FOLLOWED | FOLDER_ENDED | FOLDER_REVIVED,\n", "FOLDER_FOLLOWED | FOLDER_ENDED,\n")],
     f"{TREE} OfTheServer.test_a_restart_before_the_journal_tells_of_them"),
    ("rows of a listing are not counted", K + "listing.c", [("	kopano->listings_at_ms += (int64_t)n_rows * 1000 / rate;\n", "	(void)n_rows;\n")],
     f"{SERVER} Snapshots.test_rows_in_a_second"),
]
