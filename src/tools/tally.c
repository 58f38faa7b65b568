/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See tally.h. */
#include "tally.h"
#include "trace_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (1 << 18)
#define INIT  "+ " LM_TRACE_INIT " "
#define FINI  "+ " LM_TRACE_FINI " "

/* As much of a line's begin as it takes to tell them apart. */
enum { HEAD = sizeof INIT - 1 };

static void count_line(const char *head, size_t len, struct tally *tally)
{
	if (len < 2 || head[0] != '+' || head[1] != ' ')
		return;
	if (len >= HEAD && memcmp(head, INIT, HEAD) == 0)
		tally->starts++;
	else if (len < HEAD || memcmp(head, FINI, HEAD) != 0)
		tally->events++;
}

/* Counts the complete lines of a chunk; returns where the last, incomplete one begins. */
static size_t count_lines(const char *chunk, size_t len, struct tally *tally)
{
	const char *line = chunk, *end = chunk + len, *newline;

	while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
		count_line(line, (size_t)(newline - line), tally);
		line = newline + 1;
	}
	return (size_t)(line - chunk);
}

int tally_file(int fd, off_t start, struct tally *tally)
{
	char *chunk = malloc(CHUNK);
	size_t held = 0, done;
	int in_line = 0;
	ssize_t n;

	memset(tally, 0, sizeof *tally);
	if (!chunk)
		return ENOMEM;
	while ((n = pread(fd, chunk + held, CHUNK - held, start)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		start += n;
		tally->bytes += (uintmax_t)n;
		held += (size_t)n;
		if (in_line) {
			/* The rest of a line that was longer than a chunk. */
			const char *newline = memchr(chunk, '\n', held);

			in_line = !newline;
			held = newline ? (size_t)(chunk + held - (newline + 1)) : 0;
			if (newline)
				memmove(chunk, newline + 1, held);
		}
		done = count_lines(chunk, held, tally);
		held -= done;
		if (held == CHUNK) {
			count_line(chunk, held, tally);
			in_line = 1;
			held = 0;
		}
		memmove(chunk, chunk + done, held);
	}
	/* Where a process was killed, the last line may be without its end. */
	count_line(chunk, held, tally);
	free(chunk);
	return n < 0 ? errno : 0;
}
