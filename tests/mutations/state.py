"""Mistakes about the state: (name, file, [(old text, new text), ...], test program that must fail)."""

PIPELINE, SQLITE = "core/pipeline.c", "bridge/state/sqlite.c"
REWIND = "crash/test_promises.py -f Rewind"
UNIT = "unit/test_state_sqlite"

TAKE = """	batch->charged_bytes = batch_bytes(batch);
"""


def written_before(prefix):
    """What the keys with the prefix become is committed when the batch is taken."""
    return [("#include <stdlib.h>\n", "#include <stdlib.h>\n#include <string.h>\n"), (TAKE, TAKE + f"""	for (size_t i = 0; i < batch->puts.n; i++) {{
		struct put_list early = {{.puts = &batch->puts.puts[i], .n = 1}};
		const struct put_list *lists[] = {{&early}};
		if (memcmp(early.puts->key.data, "{prefix}", sizeof "{prefix}" - 1) == 0 &&
		    pipeline->parts.state->ops->commit(pipeline->parts.state, lists, 1, err))
			return ERR_FATAL;
	}}
""")]


# All that a batch with an entry of the folder map changes.
MAP_WRITTEN_BEFORE = [("#include <stdlib.h>\n", "#include <stdlib.h>\n#include <string.h>\n"), (TAKE, TAKE + """	bool of_map = false;
	for (size_t i = 0; i < batch->puts.n; i++)
		of_map |= memcmp(batch->puts.puts[i].key.data, "folder/", 7) == 0;
	const struct put_list *lists[] = {&batch->puts};
	if (of_map && pipeline->parts.state->ops->commit(pipeline->parts.state, lists, 1, err))
		return ERR_FATAL;
""")]

MUTATIONS = [
    ("snapshot position written outside the batch", PIPELINE, written_before("position/snapshot/"), REWIND),
    ("taken ids written outside the batch", PIPELINE, written_before("taken/contents/"), REWIND),
    ("folder map written outside the batch", PIPELINE, MAP_WRITTEN_BEFORE, REWIND),
    ("commit entry by entry", SQLITE,
     [('		rc = run(sqlite, "BEGIN IMMEDIATE", "write", err);\n', "		rc = 0;\n"),
      ('		rc = run(sqlite, "COMMIT", "write", err);\n', "		rc = 0;\n")], UNIT),
    ("a damaged state is written to", SQLITE, [("	int rc = end_check(sqlite, err);\n", "	int rc = 0;\n")], "unit/test_state_damage"),
]
