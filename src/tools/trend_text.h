/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Says for people when the blocks of a leak were allocated, and how they grew. */
#ifndef LM_TREND_TEXT_H
#define LM_TREND_TEXT_H

#include "leaks.h"
#include "moments.h"

#include <stdio.h>

/* Prints the rest of a line, behind a semicolon; nothing if the trace has no times, or is of less than a second. */
void trend_print(const struct leaks_group *group, const struct moments *moments, FILE *out);

#endif
