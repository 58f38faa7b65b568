/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stops a process at a moment in which no thread is inside the allocator, the loader or our library: only then can a
 * thread be made to call the loader, and calls be taken over or given back.
 */
#ifndef LM_OUTSIDE_MOMENT_H
#define LM_OUTSIDE_MOMENT_H

#include "inside_code.h"
#include "loaded.h"
#include "regions.h"
#include "stop.h"
#include "walker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct moment {
	pid_t pid;
	struct stop stop;       /* all threads, stopped */
	struct regions regions; /* of this moment */
	struct loaded_list loaded;
	struct inside_code inside; /* code of LOADED that nobody may be in */
	struct walker walker;      /* tells who is in it; of the modules of REGIONS */
	bool is_stale;             /* not any more */
	pid_t *outside;            /* threads that stand outside, while others still run */
	size_t outside_count, outside_room;
	struct timespec since; /* when the process was stopped */
	uint64_t busy;         /* where a thread was when the moment was not found; 0: nowhere */
};

/*
 * Stops process PID, and waits for such a moment for some seconds. 0 with MOMENT; or -errno: -EBUSY if none came, with
 * BUSY; -ENOENT if the process has no loader. Other errors are those of ptrace(). After an error, nothing is stopped.
 */
int moment_find(struct moment *moment, pid_t pid);

/* The same again for a process that is stopped by MOMENT, whose threads have run meanwhile. After an error, it is over.
 */
int moment_find_again(struct moment *moment);

/* Reads what is loaded, when that has changed in the stopped process. 0 or -errno. */
int moment_read_again(struct moment *moment);

/* Lets the process go on. */
void moment_end(struct moment *moment);

/* Can what failed with ERROR go well later? While a program starts, what is loaded can't be read. */
bool moment_may_pass(int error);

#endif
