/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What log-malloc says when the command has ended: what is in the trace, and what to type next. */
#ifndef LM_CLOSING_H
#define LM_CLOSING_H

#include "kept.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct destination;
struct launch_options;
struct last_look;
struct make_report;
struct merge_left;
struct tally;

/* How the command ended. */
struct ending {
	int status;           /* as waitpid() has it */
	const char *library;  /* what was preloaded, or NULL */
	uintmax_t compressed; /* the size of the trace's file, if it was compressed; else 0 */
	struct kept kept;     /* by earlier runs */
	unsigned older;       /* older files that the command has left */
	bool is_temporary;    /* the trace is not for the user: nothing is said of its file */
};

/*
 * The line about TO's trace, of which a part may be LEFT in a journal. TALLY gets what
 * is in the trace, nothing if that can't be found out.
 */
void closing_result(const struct launch_options *options, const struct destination *to, const struct merge_left *left,
                    const struct ending *ending, struct tally *tally);

/*
 * The lines about the traces of the processes that the command started. SINCE
 * is when that began. OWN is what the command's trace has. MADE gets the traces. The journals are
 * merged even if nothing is to be said, and what LAST has of each process is written.
 */
void closing_children(const struct launch_options *options, const struct destination *to, const struct last_look *last,
                      pid_t command, const struct timespec *since, const struct tally *own, struct make_report *made);

#endif
