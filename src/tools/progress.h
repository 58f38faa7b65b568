/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A line on the terminal that shows how far a long work has come. Nothing is
 * shown if standard error is no terminal, or in the first second.
 */
#ifndef LM_PROGRESS_H
#define LM_PROGRESS_H

#include "input.h"

/* For struct input: shows its progress, behind the program's NAME. */
struct input_progress progress_line(const char *name);

/* Erases the line. To be called before anything else is printed. */
void progress_hide(void);

#endif
