/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See progress.h. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_MS = 1000, NEXT_MS = 200 };

static const char *program;
static int shown;   /* the columns of the line on the terminal; 0: none is shown */
static int64_t due; /* when it is updated next, in ms */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void show(uint64_t done, uint64_t size)
{
	int64_t now = now_ms();
	int before = shown;

	if (now < due)
		return;
	due = now + NEXT_MS;
	if (size)
		shown = fprintf(stderr, "\r%s: %.0f %% of %" PRIu64 " MB", program, 100.0 * (double)done / (double)size,
		                size / 1000000);
	else
		shown = fprintf(stderr, "\r%s: %" PRIu64 " MB", program, done / 1000000);
	fprintf(stderr, "%*s", before > shown ? before - shown : 0, "");
	fflush(stderr);
}

void progress_hide(void)
{
	if (!shown)
		return;
	fprintf(stderr, "\r%*s\r", shown, "");
	fflush(stderr);
	shown = 0;
}

struct input_progress progress_line(const char *name)
{
	if (!isatty(STDERR_FILENO))
		return (struct input_progress){.show = NULL};
	program = name;
	due = now_ms() + FIRST_MS;
	return (struct input_progress){.show = show, .hide = progress_hide};
}
