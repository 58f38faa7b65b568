/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tells in a report which part of the trace it is about. */
#ifndef LM_WINDOW_PRINT_H
#define LM_WINDOW_PRINT_H

#include "window.h"

#include <stdio.h>

/* Prints a line; nothing if it is about all of the trace. */
void window_print(const struct window *window, FILE *out);

#endif
