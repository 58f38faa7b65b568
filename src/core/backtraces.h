/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The distinct backtraces of the compact format and their numbers. Frames are
 * compared, so two backtraces never share a number. No locks; what is in the
 * table stays there.
 */
#ifndef LM_BACKTRACES_H
#define LM_BACKTRACES_H

#include <stdint.h>

struct lm_backtrace {
	struct lm_backtrace *next;
	uint64_t hash;
	unsigned generation;
	unsigned depth;
	uint64_t number; /* from 1 */
	int written;     /* it stands in the trace */
	uintptr_t pcs[];
};

/*
 * The entry for DEPTH addresses, a new one if *IS_NEW is set: then the caller
 * has to write it and to call lm_backtraces_written(). NULL without memory.
 */
struct lm_backtrace *lm_backtraces_find(const uintptr_t *pcs, unsigned depth, int *is_new);

void lm_backtraces_written(struct lm_backtrace *backtrace);

/* Somebody else's new one: waits until it is written. Not for ever: then it is written twice. */
int lm_backtraces_wait(const struct lm_backtrace *backtrace);

/* Code was unloaded: its addresses may come to mean something else. */
void lm_backtraces_forget(void);

#endif
