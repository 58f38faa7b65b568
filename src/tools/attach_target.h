/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the tracker can be attached to a running process, and what to do if not: what is seen without stopping it. */
#ifndef LM_ATTACH_TARGET_H
#define LM_ATTACH_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct attach_target {
	pid_t pid;
	pid_t thread;        /* result: stop_find_thread() */
	const char *library; /* the path of its file */
	int library_fd;
	char reason[1024]; /* why it can't be done: one sentence without a full stop */
};

/* True if nothing speaks against it; else with a reason. */
bool attach_target_check(struct attach_target *target);

/* Has the process ended, or is it none? */
bool attach_target_has_ended(pid_t pid);

#endif
