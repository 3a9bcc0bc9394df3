"""Mistakes in bridge/file/: (name, file, [(old text, new text), ...], test program that must fail)."""

SINK, LAYOUT = "bridge/file/file.c", "bridge/file/layout.c"
DISK, SUITE = "unit/test_file_sink", "conformance/test_sink_file"

WRITTEN = "	int rc = write_waiting(file, err);\n"
ACKNOWLEDGE = "		file->events.acknowledged(file->events.context, file->waiting[i].token);\n"

MUTATIONS = [
    ("file: acknowledge without fsync", SINK, [("	if (fdatasync(topic->fd))\n", "	if (0)\n")], DISK),
    ("file: acknowledge before fsync", SINK,
     [(ACKNOWLEDGE, ""), (WRITTEN, "	for (size_t i = 0; i < file->n_waiting; i++)\n" + ACKNOWLEDGE + WRITTEN),
      ("	size_t n = file->n_waiting;\n", ""),
      ("	for (size_t i = 0; i < n; i++)\n	return 0;", "	return 0;")], DISK),
    ("file: a failed fsync is tried again", SINK, [("	file->broken = rc != 0;\n", "")], DISK),
    ("file: mark what is written and not synced", LAYOUT,
     [("	if (topic->n_marked == topic->n_durable)\n", "	topic->n_durable = topic->n_bytes;\n"
       "	if (topic->n_marked == topic->n_durable)\n")], DISK),
    ("file: keep a torn record", LAYOUT, [("ftruncate(topic->fd, (off_t)end)", "ftruncate(topic->fd, (off_t)size)")], DISK),
    ("file: cut back to the mark", LAYOUT, [("	return cut(topic, end, size, err);\n",
                                            "	return cut(topic, topic->n_marked, size, err);\n")], DISK),
    ("file: take zeros for records", LAYOUT, [("length == 0 || ", "")], DISK),
    ("file: cut a file that is something else's", LAYOUT,
     [("	if (size - end >= FILE_LENGTH_BYTES + FILE_VALUE_BYTES)\n", "	if (0)\n")], DISK),
    ("file: take any file for the right one", LAYOUT, [("	if (size < topic->n_marked)\n", "	if (0)\n")], DISK),
    ("file: never busy", SINK, [("MAX_WAITING = 1024", "MAX_WAITING = 1 << 16")], SUITE),
    ("file: two instances in one directory", SINK,
     [("	if (flock(file->directory_fd, LOCK_EX | LOCK_NB) == 0)\n", "	if (1)\n")], DISK),
]
