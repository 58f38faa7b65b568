/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The line on a terminal that tells how far long work is. Nothing is shown
 * where standard error is no terminal, or before the work has taken a second.
 */
#ifndef LM_PROGRESS_H
#define LM_PROGRESS_H

#include "input.h"

/* What makes an input show its progress, behind the program's NAME. */
struct input_progress progress_line(const char *name);

/* Erases the line, if one is shown: before anything else is printed. */
void progress_hide(void);

#endif
