/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first line of a script: which program runs it. */
#ifndef LM_SCRIPT_H
#define LM_SCRIPT_H

#include <stdbool.h>

/* The kernel reads this much of the line. */
#define SCRIPT_LINE 256

/*
 * If the file that is open as FD is a script, puts its interpreter into NAME
 * (SCRIPT_LINE + 1 bytes) and returns true. For "#!/usr/bin/env NAME" that is
 * NAME, which env looks for on PATH.
 */
bool script_interpreter(int fd, char *name);

#endif
