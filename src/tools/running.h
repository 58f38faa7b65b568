/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starts the command with its trace and its environment set up, and waits for its end. */
#ifndef LM_RUNNING_H
#define LM_RUNNING_H

#include <sys/types.h>

struct destination;
struct launch_options;
struct last_look;
struct run_at;
struct target;

/* How the command ran. */
struct run {
	pid_t pid;
	int status; /* as waitpid() has it */
};

/* What log-malloc exits with if the command could not be run; as a shell has it. */
enum { RUNNING_NOEXEC = 126, RUNNING_MISSING = 127 };

/*
 * Runs the command to its end, with PRELOAD as LD_PRELOAD unless it is NULL. LAST
 * looks into its process at that moment, unless it is NULL. AT gets who runs the command of --run, if there is one.
 * TO then knows the trace's name, and its descriptor for reading. 0; or, after
 * a message, the status that log-malloc has to exit with.
 */
int running_run(const struct launch_options *options, const struct target *target, struct destination *to,
                const char *preload, struct last_look *last, struct run_at *at, struct run *run);

#endif
