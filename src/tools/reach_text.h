/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Says for people which blocks pointers still lead to, in the words of valgrind's memcheck. */
#ifndef LM_REACH_TEXT_H
#define LM_REACH_TEXT_H

#include "findleak.h"
#include "unreached.h"

/* "definitely lost" and so on; NULL for REACH_UNKNOWN. */
const char *reach_words(enum reach reach);

/* What is known of an image, in a line of its own; nothing if nobody looked. Tells whether it printed something. */
bool reach_print(const struct findings *findings, FILE *out);

/* The sums over all images, in lines of their own; and what to do to know them where nobody looked. */
void reach_print_totals(const struct totals *totals, FILE *out);

#endif
