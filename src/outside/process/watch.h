/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Goes along with a process from before its first program to its end, by ptrace, and stops it at the moment of its end,
 * when its memory is still there: after exit(), and when a signal kills it. Until then, nothing is changed or held up:
 * each signal is delivered, and a stopped process stays stopped.
 */
#ifndef LM_OUTSIDE_WATCH_H
#define LM_OUTSIDE_WATCH_H

#include "stop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct watch_process;

struct watch {
	/* Set by the caller: */
	bool follows; /* the processes that it starts, too */
	/* A process is about to end. All its threads stand, and their registers are read. */
	void (*ending)(void *context, const struct stop *stop);
	/* The first process has ended, and its status is not taken yet: its number belongs to it still. */
	void (*ended)(void *context);
	void *context;
	/* The rest belongs to watch.c. */
	struct watch_process *processes;
	size_t count, room;
	bool waits; /* a process is ending, and some of its threads have not come to their end */
};

/* Begins with the child PID, which has not executed its program yet. 0, or -errno if that is not permitted. */
int watch_begin(struct watch *watch, pid_t pid);

/*
 * Goes along until the process that watch_begin() was called for has ended, and lets go of all others. 0 with STATUS,
 * as waitpid() has it, or -errno.
 */
int watch_wait(struct watch *watch, pid_t pid, int *status);

#endif
