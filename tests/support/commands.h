/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands for log-malloc to run, and what it says of them. */
#ifndef LM_TESTS_COMMANDS_H
#define LM_TESTS_COMMANDS_H

#include <stdbool.h>

/* Writes a script that can be run. */
void write_script(const char *name, const char *text);

/* Builds a program that allocates COUNT blocks of ten bytes and releases none. FLAGS can have -DWAIT_US=N: it waits
 * first. */
void build_allocating(const char *name, int count, const char *flags);

/* Has TEXT WHAT in it? */
bool says(const char *text, const char *what);

#endif
