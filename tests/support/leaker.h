/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs that lose all that they allocate, in C and in C++, and what log-malloc-findleak says of a trace. */
#ifndef LM_TESTS_LEAKER_H
#define LM_TESTS_LEAKER_H

/* What the one in C loses. */
enum { LEAKER_BLOCKS = 11, LEAKER_BYTES = 5683 };

/* Builds ./leaker of leaker.c with FLAGS, or of leaker.cc, and makes a trace of it in ./t. */
void leaker_trace_c(const char *flags);
void leaker_trace_cxx(void);

/* What jq says by FILTER about log-malloc-findleak's report of ./t, without its last newline. */
char *leaker_ask(const char *options, const char *filter);

#endif
