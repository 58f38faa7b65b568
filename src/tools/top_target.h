/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which trace log-malloc-top follows: that of a process, or of a command that it starts. */
#ifndef LM_TOP_TARGET_H
#define LM_TOP_TARGET_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct top_target {
	char trace[PATH_MAX];
	/* Of a command: */
	pid_t launcher;        /* 0: it has ended, or there is none */
	char output[PATH_MAX]; /* what the command prints */
};

/*
 * Starts COMMAND under log-malloc, away from the terminal, with a trace at TRACE, or in a new directory if that is
 * NULL. Returns when the trace is there. False after a message.
 */
bool top_target_start(struct top_target *target, char *const *command, const char *trace);

/* Does the command still run? */
bool top_target_runs(struct top_target *target);

/* Ends the command, and says where its trace and its output are. */
void top_target_end(struct top_target *target);

#endif
