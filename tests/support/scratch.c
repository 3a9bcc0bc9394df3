#include "tests/support/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char directory[64];

int scratch_make(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/tidings-test-XXXXXX");
	if (!mkdtemp(directory))
		abort();
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

int scratch_remove(void **state)
{
	(void)state;
	return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(const char *name)
{
	static char paths[8][256];
	static size_t next;
	char *path = paths[next++ % 8];
	snprintf(path, sizeof paths[0], "%s/%s", directory, name);
	return path;
}

const char *scratch_write(const char *name, const void *data, size_t n_bytes)
{
	const char *path = scratch_path(name);
	FILE *file = fopen(path, "w");
	if (!file || (n_bytes && fwrite(data, 1, n_bytes, file) != n_bytes) || fclose(file) != 0)
		abort();
	return path;
}

const char *scratch_write_text(const char *name, const char *text)
{
	return scratch_write(name, text, strlen(text));
}
