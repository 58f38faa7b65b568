/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A lock that names its owner, so that it outlives one that dies with it: a
 * child of vfork shares our memory, takes our locks and can be killed.
 *
 * A thread that releases the lock can take it again before those that wait. This
 * is quick, and not fair. Whoever must not wait for long asks for precedence:
 * from then on each other thread gets the lock once at most, and only if it was
 * about to take it.
 *
 * All signals have to be blocked while a lock is held: a handler that needs it
 * would wait for its own thread. No lock is held while the program's code runs.
 * A child of fork finds locks taken by threads that it does not have, and
 * resets them.
 */
#ifndef LM_LOCK_H
#define LM_LOCK_H

#include <stdint.h>

struct lm_lock {
	uint32_t word;  /* 0: free; else the owner's thread id, and a bit that says that somebody waits */
	uint32_t first; /* the thread that has precedence, or 0 */
};

/* 1: taken. 0: another thread has it. */
int lm_lock_try(struct lm_lock *lock);

/* Waits for as long as it takes. An owner that is no more loses it. */
void lm_lock_take(struct lm_lock *lock);

/* The same with precedence. Of several threads that ask for it, each has it in turn, in any order. */
void lm_lock_take_first(struct lm_lock *lock);

/* The number of the thread that has the lock, or 0. */
uint32_t lm_lock_owner(const struct lm_lock *lock);

void lm_lock_release(struct lm_lock *lock);

/* In a child of fork: nobody has it. */
void lm_lock_reset(struct lm_lock *lock);

#endif
