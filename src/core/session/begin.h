/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The beginning of a trace: of a process that was started with one, and of a child of fork. */
#ifndef LM_BEGIN_H
#define LM_BEGIN_H

#include "output.h"

/* Another trace than the one before begins: forgets that one, and whether anything went wrong with it. */
void lm_begin_anew(void);

/* Keeps a duplicate of the descriptor that was found. 0, or -errno; -EBUSY: the trace is another process's. */
int lm_begin_open(const struct lm_output *output);

/*
 * Looks how much there is already of the trace that lm_begin_open() has opened. PARENT: as for lm_begin_trace(), which
 * is called next.
 */
void lm_begin_limit(const struct lm_output *output, long parent);

/*
 * Called in phase HELD. Writes the first lines and moves the phase on. PARENT: the process that forked this one and
 * whose blocks it has, or 0.
 */
void lm_begin_trace(long parent);

#endif
