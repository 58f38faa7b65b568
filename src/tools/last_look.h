/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --lost: when the command's process ends, and with --follow each that it started, no pointer leads to some of its
 * blocks. This finds them while the process's memory is there still, and writes them into its trace when that has all
 * else.
 */
#ifndef LM_LAST_LOOK_H
#define LM_LAST_LOOK_H

#include "watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct destination;
struct lost_found;

struct last_look {
	/* Set by the caller: */
	bool quiet;
	/* The rest belongs to last_look.c. */
	struct watch watch;
	bool watches; /* the kernel permits it */
	const struct destination *to;
	pid_t command;
	struct lost_found *found;
	size_t count, room;
};

/*
 * The command's process PID, a child of ours, is about to execute it; TO's trace is open. ENDED is called when it has
 * ended and its number is still its own. If the kernel does not permit to look into processes, says so, and
 * last_look_wait() must not be called.
 */
bool last_look_begin(struct last_look *last, const struct destination *to, pid_t pid, bool follows,
                     void (*ended)(void *));

/* Waits until the command's process has ended. 0 with STATUS, as waitpid() has it, or -errno. */
int last_look_wait(struct last_look *last, int *status);

/* The trace FILE of a process that has ended has all that it will have. Appends what the process lost, if that is
 * known. */
void last_look_write(const struct last_look *last, const struct destination *file);

/* One line about what the command lost. Says nothing if that is not known. */
void last_look_say(const struct last_look *last);

void last_look_free(struct last_look *last);

#endif
