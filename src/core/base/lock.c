/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See lock.h. */
#include "lock.h"

#include <signal.h>
#include <sys/wait.h>

#include "atomic.h"
#include "sys.h"

#define WAITED (UINT32_C(1) << 31)

/* The kernel's interface, as <linux/futex.h> has it; not every libc comes with that header. */
enum { FUTEX_WAIT_PRIVATE = 0 | 128, FUTEX_WAKE_PRIVATE = 1 | 128 };

static uint32_t self(void)
{
	return (uint32_t)lm_sys(SYS_gettid);
}

int lm_lock_try(struct lm_lock *lock)
{
	uint32_t word = 0;

	return lm_load(&lock->word) == 0 && lm_compare_exchange(&lock->word, &word, self());
}

/* Sleeps until WORD, a taken lock's, changes; for a second at most. 0 if it has not changed by then. */
static int sleep_on(struct lm_lock *lock, uint32_t word)
{
	const struct {
		long seconds, nanoseconds;
	} second = {1, 0};

	return lm_sys(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, word, &second, NULL, 0) == -ETIMEDOUT ? 0 : 1;
}

/* A child that ended has its number until it is waited for, and whoever is to do that may wait for this lock. */
static int has_ended(uint32_t owner)
{
	siginfo_t child = {.si_pid = 0};
	long result = lm_sys(SYS_waitid, P_PID, (int)owner, &child, WEXITED | WNOHANG | WNOWAIT | __WALL, NULL);

	return result == 0 && child.si_pid == (pid_t)owner;
}

static int is_gone(uint32_t owner)
{
	return lm_sys(SYS_tkill, (int)owner, 0) == -ESRCH || has_ended(owner);
}

void lm_lock_take(struct lm_lock *lock)
{
	uint32_t owner = self(), word = 0;

	if (lm_compare_exchange(&lock->word, &word, owner))
		return;
	/* Whoever has slept can't know how many others still do, and so leaves the bit for them. */
	owner |= WAITED;
	for (;;) {
		if (!word && lm_compare_exchange(&lock->word, &word, owner))
			return;
		if (!word)
			continue;
		if (!(word & WAITED) && !lm_compare_exchange(&lock->word, &word, word | WAITED))
			continue;
		word |= WAITED;
		if (!sleep_on(lock, word) && is_gone(word & ~WAITED) && lm_compare_exchange(&lock->word, &word, owner))
			return;
		word = lm_load(&lock->word);
	}
}

void lm_lock_release(struct lm_lock *lock)
{
	if (lm_exchange(&lock->word, 0) & WAITED)
		lm_sys(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void lm_lock_reset(struct lm_lock *lock)
{
	lm_store_release(&lock->word, 0);
}
