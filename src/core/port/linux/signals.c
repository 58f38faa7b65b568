/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See signals.h. */
#include "signals.h"

#include <signal.h>

#define WORD_BITS (8 * (int)sizeof(unsigned long))

static unsigned long *word_of(struct lm_signal_set *set, int number)
{
	return &set->words[(number - 1) / WORD_BITS];
}

static unsigned long bit_of(int number)
{
	return 1ul << ((number - 1) % WORD_BITS);
}

static int has(struct lm_signal_set *set, int number)
{
	return (*word_of(set, number) & bit_of(number)) != 0;
}

/* Signals that a failed write raises. If the program does not block one, none can be pending: it would be delivered. */
static int may_be_pending(struct lm_signal_set *blocked)
{
	return has(blocked, SIGPIPE) || has(blocked, SIGXFSZ);
}

void lm_signals_block(struct lm_signals *signals)
{
	static const int faults[] = {SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGTRAP};
	struct lm_signal_set set;

	__builtin_memset(&set, 0xff, sizeof set);
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		*word_of(&set, faults[i]) &= ~bit_of(faults[i]);
	lm_sys(SYS_rt_sigprocmask, SIG_BLOCK, &set, &signals->before, LM_SIGNALS_SIZE);
	if (may_be_pending(&signals->before))
		lm_sys(SYS_rt_sigpending, &signals->pending, LM_SIGNALS_SIZE);
	else
		signals->pending = (struct lm_signal_set){{0}};
}

/* Takes back the signal that a failed write raised, unless it was pending before. */
static void discard(const struct lm_signals *signals, int number)
{
	const struct lm_sys_time at_once = {0, 0};
	struct lm_signal_set pending = signals->pending, set = {{0}};

	if (has(&pending, number))
		return;
	*word_of(&set, number) = bit_of(number);
	lm_sys(SYS_rt_sigtimedwait, &set, NULL, &at_once, LM_SIGNALS_SIZE);
}

void lm_signals_discard(const struct lm_signals *signals, int error)
{
	if (error == -EPIPE)
		discard(signals, SIGPIPE);
	else if (error == -EFBIG)
		discard(signals, SIGXFSZ);
}

void lm_signals_unblock(const struct lm_signals *signals, int error)
{
	lm_signals_discard(signals, error);
	lm_sys(SYS_rt_sigprocmask, SIG_SETMASK, &signals->before, NULL, LM_SIGNALS_SIZE);
}

long lm_signals_write(int fd, const void *bytes, size_t size)
{
	struct lm_signals signals;
	long n;

	lm_signals_block(&signals);
	n = lm_sys(SYS_write, fd, bytes, size);
	lm_signals_unblock(&signals, n < 0 ? (int)n : 0);
	return n;
}
