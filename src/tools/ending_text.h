/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Says for people how an image ended. */
#ifndef LM_ENDING_TEXT_H
#define LM_ENDING_TEXT_H

#include "trace.h"

#include <stdbool.h>

enum { ENDING_MAX = 96 };

/*
 * Words for an image that has no end of its own, such as "still running", or whose process may run on; "" for others.
 * ENDS_EARLY: the trace ends in the middle of it.
 */
const char *ending_text(char words[ENDING_MAX], const struct trace_image *image, bool ends_early);

#endif
