/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Signals are blocked while the tracker does what must not be interrupted. The
 * signals that its own writes raise are taken back: they are not the program's
 * affair.
 */
#ifndef LM_SIGNALS_H
#define LM_SIGNALS_H

#include <stddef.h>

#include "sys.h"

/* The kernel's set of signals, in bytes; libc's is larger. */
#define LM_SIGNALS_SIZE LM_SYS_SIGSET_SIZE

/* Signal N is bit N - 1, counted from the lowest bit of the first word. */
struct lm_signal_set {
	unsigned long words[LM_SIGNALS_SIZE / sizeof(unsigned long)];
};

struct lm_signals {
	struct lm_signal_set before;
	struct lm_signal_set pending;
};

/* Blocks all but those that the kernel raises for a fault of the thread itself: a blocked one kills the process. */
void lm_signals_block(struct lm_signals *signals);

/* In between: takes back the signal that a write raised which failed with ERROR, -errno or 0. */
void lm_signals_discard(const struct lm_signals *signals, int error);

/* As before. ERROR: -errno of a write in between, or 0; the signal that it raised is taken back. */
void lm_signals_unblock(const struct lm_signals *signals, int error);

/* write(2), without its signals. The kernel's value or -errno. */
long lm_signals_write(int fd, const void *bytes, size_t size);

#endif
