/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See other_files.h. */
#include "other_files.h"
#include "escape.h"
#include "older.h"
#include "trace_format.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void other_files_print_path(const char *path)
{
	char *shown = escape_printable(path, strlen(path));

	fprintf(stderr, " %s", shown ? shown : "?");
	free(shown);
}

void other_files_print_older(const char *path, unsigned count)
{
	char name[PATH_MAX];

	if (!count)
		return;
	older_name(name, path, 1);
	fprintf(stderr, " (older:");
	other_files_print_path(name);
	if (count > 1) {
		older_name(name, path, count);
		fputs(" to", stderr);
		other_files_print_path(name);
	}
	fputc(')', stderr);
}

enum { KEPT_SHOWN = 4 };

void other_files_print_kept(const char *path, const struct kept *before)
{
	struct kept kept = *before;
	char name[PATH_MAX];
	unsigned count = 0;
	int fd;

	while ((fd = kept_next(&kept, path, name)) >= 0) {
		if (++count <= KEPT_SHOWN) {
			fputs(count == 1 ? " (moments:" : ",", stderr);
			other_files_print_path(name);
		}
		close(fd);
	}
	if (count > KEPT_SHOWN)
		fprintf(stderr, " and %u more", count - KEPT_SHOWN);
	if (count)
		fputc(')', stderr);
}

/* ---- whose they are --------------------------------------------------------------- */

/* The first two lines of a trace: the number of its process, and what tells that from others with the same number. */
struct process_lines {
	char text[128];
	size_t length; /* 0: they are not there */
};

static void read_process(int fd, struct process_lines *lines)
{
	static const char first[] = "# " LM_TRACE_PID " ", second[] = "\n# " LM_TRACE_PROCESS " ";
	const ssize_t n = pread(fd, lines->text, sizeof lines->text, 0);
	const size_t length = n > 0 ? (size_t)n : 0;
	const char *end = memchr(lines->text, '\n', length);
	const char *end_of_second = end ? memchr(end + 1, '\n', (size_t)(lines->text + length - end - 1)) : NULL;

	lines->length = 0;
	if (end_of_second && memcmp(lines->text, first, sizeof first - 1) == 0 &&
	    (size_t)(end_of_second - end) > sizeof second - 1 && memcmp(end, second, sizeof second - 1) == 0)
		lines->length = (size_t)(end_of_second - lines->text);
}

static bool is_same_process(const struct process_lines *own, int fd)
{
	struct process_lines lines;

	read_process(fd, &lines);
	return own->length && own->length == lines.length && memcmp(own->text, lines.text, lines.length) == 0;
}

/* Those of earlier runs are behind the process's own. A kill while the names moved on has left one number free. */
unsigned other_files_count_older(int fd, const char *path)
{
	const unsigned last = older_last(path);
	struct process_lines own;
	char name[PATH_MAX];
	unsigned count = 0;

	read_process(fd, &own);
	if (!own.length)
		return last;
	for (unsigned number = 1; number <= last && number <= count + 2; number++) {
		int older;

		older_name(name, path, number);
		older = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (older < 0)
			continue;
		if (is_same_process(&own, older))
			count = number;
		close(older);
	}
	return count;
}

void other_files_of_others(const char *path, struct kept *others)
{
	struct kept seen = {0}, before = {0};
	struct process_lines own = {.length = 0};
	char name[PATH_MAX];
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	*others = (struct kept){0};
	if (fd >= 0) {
		read_process(fd, &own);
		close(fd);
	}
	for (; (fd = kept_next(&seen, path, name)) >= 0; before = seen) {
		for (int kind = 0; !is_same_process(&own, fd) && kind < LM_TRIGGER_KINDS; kind++)
			others->found[kind] |= seen.found[kind] & ~before.found[kind];
		close(fd);
	}
}
