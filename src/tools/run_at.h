/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --run: a command that is run whenever a trigger of a traced program has fired. A process of its own follows the
 * traces and runs it, so that the launcher can wait for the program in its own ways.
 */
#ifndef LM_RUN_AT_H
#define LM_RUN_AT_H

#include "children_watch.h"
#include "kept.h"

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct destination;

/* One of zeros has no watcher. */
struct run_at {
	const char *command; /* for the shell */
	bool quiet;          /* nothing is said of how it ended */
	bool keeps;          /* the tracker may close the file behind a moment, and keep it by another name */
	const struct destination *to;
	struct timespec since; /* what was written before is of earlier runs */
	struct kept kept;      /* by earlier runs */
	struct children_watch children;
	pid_t watcher;
	int end; /* when it is closed, the program has ended */
};

/*
 * Before the program starts: finds what earlier runs have kept beside TO's trace, and begins to watch for the traces of
 * the processes that it starts, if they are followed and there is a COMMAND. COMMAND, QUIET, KEEPS and SINCE are set.
 */
void run_at_prepare(struct run_at *run, const struct destination *to);

/* Begins to follow TO's trace, that of process PID, which is open, and the others. False after a message. */
bool run_at_begin(struct run_at *run, pid_t pid);

/*
 * The program has ended or runs on untraced, and its trace has all that it will have. Waits for what is still to be
 * run, for RUN_AT_PATIENCE_S at most, and until a signal asks log-malloc to end. Behind forward_stop().
 */
void run_at_end(struct run_at *run);

enum { RUN_AT_PATIENCE_S = 60 };

#endif
