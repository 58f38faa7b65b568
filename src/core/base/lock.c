/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See lock.h. */
#include "lock.h"

#include <signal.h>
#include <sys/wait.h>

#include "atomic.h"
#include "clock.h"
#include "sys.h"
#include "wait.h"

#define WAITED (UINT32_C(1) << 31)

/* How long to wait before it is asked whether the other thread lives, which takes system calls. */
#define PATIENCE_MS 1000

/* The kernel's interface, as <linux/futex.h> has it; not every libc comes with that header. */
enum { FUTEX_WAIT_PRIVATE = 0 | 128, FUTEX_WAKE_PRIVATE = 1 | 128 };

static uint32_t self(void)
{
	return (uint32_t)lm_sys(SYS_gettid);
}

int lm_lock_try(struct lm_lock *lock)
{
	uint32_t word = 0;

	return lm_load(&lock->word) == 0 && !lm_load_ordered(&lock->first) &&
	       lm_compare_exchange(&lock->word, &word, self());
}

/* Sleeps until WORD, a taken lock's, changes; for a second at most. 0 if it has not changed by then. */
static int sleep_on(struct lm_lock *lock, uint32_t word)
{
	const struct lm_sys_time second = {1, 0};

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

/* Is it time to ask again? SINCE is when that was last, or 0: never. A pause takes longer on a busy machine. */
static int is_impatient(uint64_t *since)
{
	uint64_t now = lm_clock_coarse_ms();

	if (!*since)
		*since = now;
	if (now - *since < PATIENCE_MS)
		return 0;
	*since = now;
	return 1;
}

/*
 * Waits until no thread has precedence. It may have died while it waited. Without
 * sleeping on the lock's word: a release may then wake a thread that does not care.
 */
static void let_first(struct lm_lock *lock)
{
	uint32_t first = lm_load_ordered(&lock->first);
	uint64_t since = 0;

	for (unsigned round = 0; first; round++) {
		if (is_impatient(&since) && is_gone(first) && lm_compare_exchange(&lock->first, &first, 0))
			return;
		lm_wait_pause(round);
		first = lm_load_ordered(&lock->first);
	}
}

void lm_lock_take(struct lm_lock *lock)
{
	uint32_t owner = self(), word = 0;

	let_first(lock);
	if (lm_compare_exchange(&lock->word, &word, owner))
		return;
	/* Whoever has slept can't know how many others still do, and so leaves the bit for them. */
	owner |= WAITED;
	for (;;) {
		let_first(lock);
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

void lm_lock_take_first(struct lm_lock *lock)
{
	uint32_t owner = self(), word = 0;
	uint64_t since = 0;

	while (!lm_compare_exchange(&lock->first, &word, owner)) {
		let_first(lock);
		word = 0;
	}
	for (unsigned round = 0;; round++) {
		word = lm_load(&lock->word);
		if ((!word || (is_impatient(&since) && is_gone(word & ~WAITED))) &&
		    lm_compare_exchange(&lock->word, &word, owner | WAITED))
			break;
		lm_wait_pause(round);
	}
	lm_store_release(&lock->first, 0);
}

uint32_t lm_lock_owner(const struct lm_lock *lock)
{
	return lm_load(&lock->word) & ~WAITED;
}

void lm_lock_release(struct lm_lock *lock)
{
	if (lm_exchange(&lock->word, 0) & WAITED)
		lm_sys(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void lm_lock_reset(struct lm_lock *lock)
{
	lm_store(&lock->first, 0);
	lm_store_release(&lock->word, 0);
}
