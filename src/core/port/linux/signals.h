/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * No signal while the tracker does what must not be interrupted, and none of
 * those that its own writes raise, ever: those are not the program's affair.
 */
#ifndef LM_SIGNALS_H
#define LM_SIGNALS_H

#include <stddef.h>

/* The kernel's set, whatever libc's is. */
#define LM_SIGNALS_SIZE (64 / 8)

struct lm_signals {
	unsigned char before[LM_SIGNALS_SIZE];
	unsigned char pending[LM_SIGNALS_SIZE];
};

/* Blocks all there are. */
void lm_signals_block(struct lm_signals *signals);

/* As before. ERROR: -errno of a write in between, or 0; the signal that it raised is taken back. */
void lm_signals_unblock(const struct lm_signals *signals, int error);

/* write(2), without its signals. The kernel's value or -errno. */
long lm_signals_write(int fd, const void *bytes, size_t size);

#endif
