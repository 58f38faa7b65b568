/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The counters that every event of every thread changes, in one cache line, and
 * how they are changed. With several threads, moving this line from one core to
 * another is the most expensive part of an event.
 */
#ifndef LM_HOT_H
#define LM_HOT_H

#include <stdint.h>

#include "atomic.h"
#include "cache.h"
#include "compiler.h"

extern struct lm_hot {
	/* Bytes of the live blocks, as far as the changes were not counted in the threads' shares (account.h). */
	_Alignas(LM_CACHE_LINE) int64_t requested;
	int64_t usable;
	/* The sum of the threads' shares when lm_account_settle() last looked. */
	int64_t settled_requested, settled_usable;
	/* The position in the ring that the next record gets (ring.h). */
	uint64_t head;
} lm_hot LM_INTERNAL;

/* glibc sets this while there is one thread. With a libc that does not have it, there may be several at any time. */
extern char __libc_single_threaded __attribute__((weak));

static inline int lm_is_single_threaded(void)
{
	return &__libc_single_threaded && __libc_single_threaded;
}

/* Adds to a counter of this thread's own. A signal handler may add, too, so it is one instruction where there is one.
 */
static inline void lm_add_own(int64_t *counter, int64_t value)
{
#if defined __x86_64__
	__asm__("addq %1, %0" : "+m"(*counter) : "er"(value) : "cc");
#else
	lm_store(counter, *counter + value);
#endif
}

static inline void lm_subtract_own(int64_t *counter, int64_t value)
{
#if defined __x86_64__
	__asm__("subq %1, %0" : "+m"(*counter) : "er"(value) : "cc");
#else
	lm_store(counter, *counter - value);
#endif
}

/*
 * Adds, and returns the value before. While there is one thread, only signal
 * handlers can come in between. One instruction without the bus lock is enough
 * against those, and costs a twentieth.
 */
static inline uint64_t lm_fetch_add_quick(uint64_t *counter, uint64_t value, int is_single_threaded)
{
#if defined __x86_64__
	if (likely(is_single_threaded)) {
		__asm__ volatile("xaddq %0, %1" : "+r"(value), "+m"(*counter) : : "memory", "cc");
		return value;
	}
#else
	(void)is_single_threaded;
#endif
	return lm_fetch_add(counter, value);
}

#endif
