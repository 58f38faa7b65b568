/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See sampled.h. */
#include "sampled.h"

#include <errno.h>

#include "clock.h"
#include "draw.h"
#include "sample.h"
#include "settings.h"
#include "sys.h"
#include "thread.h"

/* From linux/random.h: small libcs have no header for it. */
#ifndef GRND_NONBLOCK
#define GRND_NONBLOCK 1
#endif

/* The distance that light calls look at stays 0 where no call is light. */
static size_t *distance(void)
{
	return lm_load(&lm_session.short_way) == LM_SHORT_WAY_SAMPLED ? &lm_tls.until : &lm_tls.until_guarded;
}

static uint64_t seed(void)
{
	uint64_t seed = 0;

	/* Early in the system's start, the kernel has none to give. */
	if (lm_sys(SYS_getrandom, &seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
		seed = lm_clock_read(CLOCK_MONOTONIC) ^ (uint64_t)lm_sys(SYS_gettid) << 32 ^ (uintptr_t)&lm_tls;
	return seed ? seed : 1;
}

/*
 * The thread's first allocation, or that of a child of fork. The thread needs an entry: with it, what was drawn is
 * forgotten when the tracker leaves a process (lm_thread_release()).
 */
static void begin(void)
{
	unsigned char guard = lm_tls.guard == LM_GUARD_OPERATOR ? LM_GUARD_IDLE : lm_tls.guard;

	lm_session_look_for_fork(guard);
	guard = lm_guard_set(LM_GUARD_REAL);
	if (guard == LM_GUARD_IDLE || guard == LM_GUARD_OPERATOR)
		lm_thread_self();
	lm_guard_restore(guard);
	lm_tls.random = seed();
	*distance() = lm_draw_distance(&lm_tls.random, lm_settings.sample) - 1;
}

void lm_sampled_failed(size_t size, int error)
{
	const struct lm_event event = {.call = LM_CALL_MALLOC, .size = size, .error = error};
	struct lm_thread *own;
	unsigned char guard;
	int saved = errno;

	guard = lm_guard_set(LM_GUARD_TRACKER);
	if ((guard == LM_GUARD_IDLE || guard == LM_GUARD_OPERATOR) && lm_session_may_trace()) {
		own = lm_thread_self();
		if (own)
			lm_triggers_look(&event, own, lm_sample_now());
	}
	lm_guard_restore(guard);
	errno = saved;
}

int lm_sampled_draw(size_t size)
{
	size_t *until = distance(), bytes = size ? size : 1;

	if (unlikely(!lm_tls.random))
		begin();
	if (bytes <= *until) {
		*until -= bytes;
		return 0;
	}
	*until = lm_draw_distance(&lm_tls.random, lm_settings.sample) - 1;
	return 1;
}
