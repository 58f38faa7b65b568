/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds out what a command will run, before it runs: the path, the program
 * behind "#!" lines, and whether it can be traced.
 */
#ifndef LM_TARGET_H
#define LM_TARGET_H

#include <limits.h>

enum target_verdict {
	TARGET_PRELOAD, /* it can be traced with LD_PRELOAD */
	TARGET_LINKED,  /* the tracker is linked in */
	TARGET_REFUSED, /* it can't be traced; REASON says why, and what to do instead */
	TARGET_MISSING, /* there is no such command; REASON says so */
	TARGET_NOEXEC,  /* it exists, but can't be run; REASON says so */
};

struct target {
	char path[PATH_MAX];    /* what is executed */
	char program[PATH_MAX]; /* the ELF file that runs: PATH, or its interpreter */
	char reason[PATH_MAX * 2 + 512];
};

/* Fills FOUND (PATH_MAX bytes) with the file that NAME stands for as a command; 0 or an errno. */
int target_search(char *found, const char *name);

/* Looks for COMMAND as execvp() does and examines it. REASON is set for the last three verdicts. */
enum target_verdict target_inspect(struct target *target, const char *command);

#endif
