/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a command line's first word will run, found out before it runs: the
 * path, the program behind "#!" lines, and whether the tracker gets into it.
 */
#ifndef LM_TARGET_H
#define LM_TARGET_H

#include <limits.h>

enum target_verdict {
	TARGET_PRELOAD, /* the library goes in with LD_PRELOAD */
	TARGET_LINKED,  /* the tracker is part of the program */
	TARGET_REFUSED, /* it can't be traced; REASON says why and what to do instead */
	TARGET_MISSING, /* there is no such command; REASON says so */
	TARGET_NOEXEC,  /* it is there, but can't be run; REASON says so */
};

struct target {
	char path[PATH_MAX];    /* what has to be executed */
	char program[PATH_MAX]; /* the ELF file that runs in the end: PATH, or its interpreter */
	char reason[PATH_MAX * 2 + 512];
};

/* Fills FOUND (PATH_MAX bytes) with the file that NAME stands for as a command; 0 or an errno. */
int target_search(char *found, const char *name);

/* Looks for COMMAND as execvp() does and examines it. REASON is set for the last three verdicts. */
enum target_verdict target_inspect(struct target *target, const char *command);

#endif
