#include "tests/support/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int original = -1, file = -1;

void capture_begin(void)
{
	fflush(stderr);
	original = dup(STDERR_FILENO);
	file = memfd_create("stderr", MFD_CLOEXEC);
	if (original < 0 || file < 0 || dup2(file, STDERR_FILENO) < 0)
		abort();
}

const char *capture_end(void)
{
	static char text[65536];
	fflush(stderr);
	ssize_t n = pread(file, text, sizeof text - 1, 0);
	if (n < 0 || dup2(original, STDERR_FILENO) < 0)
		abort();
	text[n] = '\0';
	close(original);
	close(file);
	return text;
}

size_t capture_count(const char *text, const char *part)
{
	size_t n = 0;
	while ((text = strstr(text, part))) {
		n++;
		text += strlen(part);
	}
	return n;
}
