/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command of --run, and the moments that it is still to be run for: one at a time. */
#ifndef LM_RUN_QUEUE_H
#define LM_RUN_QUEUE_H

#include "watched.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct run_waiting;

/* One of zeros, with a command, is empty. */
struct run_queue {
	const char *command; /* for the shell */
	bool quiet;          /* nothing is said of how it ended */
	pid_t child;         /* that runs the command; 0: none */
	struct run_waiting *waiting;
	size_t count, room;
};

/*
 * The command is to be run for MOMENT of TRACE, which is in FILE. Of several moments of one trace and of one kind that
 * wait, the last one counts. TRACE has to stay where it is.
 */
void run_queue_add(struct run_queue *queue, const struct watched *trace, const struct fired_moment *moment,
                   const struct file_id *file);

/* Takes notice of a command that has ended, and starts the next. IS_LAST: no file gets another name any more. */
void run_queue_go_on(struct run_queue *queue, bool is_last);

/* Does no command run, and is none to be run? */
bool run_queue_is_done(const struct run_queue *queue);

/* Ends the command that runs, and all that it has started. */
void run_queue_end(struct run_queue *queue);

#endif
