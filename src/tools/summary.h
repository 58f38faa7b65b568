/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all processes of a run did with memory: by program, and by the roles that a
 * program's processes give themselves in their titles.
 */
#ifndef LM_SUMMARY_H
#define LM_SUMMARY_H

#include "backtrace_print.h"
#include "consumers.h"
#include "growth.h"
#include "places.h"
#include "trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct summary_row {
	char *program, *role; /* ROLE is "" for the sum of a program's processes */
	uint64_t processes;
	struct amount allocated, leaked, temporary;
	bool is_sampled;       /* some of them are, so what was temporary is not known */
	struct amount peaks;   /* the sum of their peaks */
	struct amount highest; /* the one with the most bytes */
	uint64_t kept;         /* LEAKED of all processes of the program, in bytes; for the order */
};

/* The caller sets BACKTRACES.metric; the rest is zero. */
struct summary {
	struct summary_row *rows;
	size_t count, room;
	uint64_t processes;
	uint64_t older;           /* of these, files of traces that go on in newer ones */
	struct growth backtraces; /* those of all processes */
	struct places places;
};

/* Adds an image that is over; with its backtraces, unless RESOLVER is NULL. 0 or -ENOMEM. */
int summary_add(struct summary *summary, const struct trace_image *image, const struct consumers *consumers,
                const struct resolver *resolver);

/* Prints the table of programs and roles. */
void summary_print_programs(struct summary *summary, FILE *out);

/* The same with the first TOP backtraces (0: all), as text or as JSON. 0 or -errno. */
int summary_print_text(struct summary *summary, uint64_t top, const struct backtrace_style *style);
int summary_print_json(struct summary *summary, uint64_t top, FILE *out);

void summary_free(struct summary *summary);

#endif
