/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --run: a command that is run whenever a trigger of the traced program has fired. A process of its own follows the
 * trace and runs it, so that the launcher can wait for the program in its own ways.
 */
#ifndef LM_RUN_AT_H
#define LM_RUN_AT_H

#include "kept.h"

#include <stdbool.h>
#include <sys/types.h>

struct destination;

struct run_at {
	struct kept kept; /* by earlier runs */
	pid_t watcher;    /* 0: none */
	int end;          /* when it is closed, the program has ended */
};

/* Before the program starts: finds what earlier runs have kept. */
void run_at_prepare(struct run_at *run, const struct destination *to);

/*
 * Begins to follow TO's trace, that of process PID, which is open. COMMAND is run by the shell. QUIET: nothing is said
 * of how it ended. KEEPS: the tracker may close the file behind a moment, and keep it by another name. False after a
 * message.
 */
bool run_at_begin(struct run_at *run, const char *command, const struct destination *to, pid_t pid, bool quiet,
                  bool keeps);

/*
 * The program has ended, and its trace has all that it will have. Waits for what is still to be run, for
 * RUN_AT_PATIENCE_S at most, and until a signal asks log-malloc to end. Behind forward_stop().
 */
void run_at_end(struct run_at *run);

enum { RUN_AT_PATIENCE_S = 60 };

#endif
