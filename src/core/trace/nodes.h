/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The backtraces of a packed trace, as a tree. A node stands for the backtrace
 * whose innermost frame is its own, called from the backtrace that its caller's
 * node stands for. So callers that many backtraces share are written once.
 *
 * There are no locks and no waiting. A node that two threads need at the same time
 * may be written by both, with the same content, which readers know. Nodes are
 * never removed.
 */
#ifndef LM_NODES_H
#define LM_NODES_H

#include <stdint.h>

#include "backtraces.h"

/*
 * Writes what the trace lacks of BACKTRACE, and sets its number: that of its node,
 * or 0 if it has no frames. FRAMES: room for one pointer for each of its frames. 0;
 * or -1: not all could be written, or there is no memory.
 */
int lm_nodes_write(struct lm_backtrace *backtrace, struct lm_frame **frames);

/* Before the first node. FEW: as for lm_backtraces_begin(). */
void lm_nodes_begin(int few);

/* The trace begins a new file, or it is that of a child of fork: it has no nodes and no frames yet. */
void lm_nodes_renew(void);

/* No node is known any more; the arena has what was. No other thread may be at work. */
void lm_nodes_release(void);

#endif
