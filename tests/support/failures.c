/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See failures.h. Nothing in here fails a test: a line that can't be written is missing. */
#include "failures.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of a text that has no end. */
#define SHOWN 600

/* TEXT in one line, its end cut off if it is long. */
static void put_line(FILE *f, const char *text)
{
	size_t length = strnlen(text, SHOWN + 1);

	for (size_t i = 0; i < length && i < SHOWN; i++)
		putc((unsigned char)text[i] < ' ' ? ' ' : text[i], f);
	if (length > SHOWN)
		fputs(" ...", f);
}

static FILE *command_file(const char *directory)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/.last-command", directory);
	return fopen(path, "we");
}

void failures_command_begins(const char *directory, const char *command)
{
	FILE *f = command_file(directory);

	if (!f)
		return;
	fputs("has not ended: ", f);
	put_line(f, command);
	putc('\n', f);
	fclose(f);
}

void failures_command_ended(const char *directory, const char *command, int status, double seconds, const char *err)
{
	FILE *f = command_file(directory);

	if (!f)
		return;
	fprintf(f, "status %d after %.1f s: ", status, seconds);
	put_line(f, command);
	if (err && err[0]) {
		fputs("; it said: ", f);
		put_line(f, err);
	}
	putc('\n', f);
	fclose(f);
}

void failures_forget(const char *directory)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/.last-command", directory);
	unlink(path);
}

void failures_keep(SRunner *runner, const char *build)
{
	int count = srunner_ntests_failed(runner);
	TestResult **failures = srunner_failures(runner);
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof path, "%s/tests/scratch/failures", build);
	f = fopen(path, "ae");
	for (int i = 0; f && i < count; i++) {
		fprintf(f, "%s: %s, %s:%d: ", program_invocation_short_name, tr_tcname(failures[i]),
		        tr_lfile(failures[i]), tr_lno(failures[i]));
		put_line(f, tr_msg(failures[i]));
		putc('\n', f);
	}
	if (f)
		fclose(f);
	free(failures);
}
