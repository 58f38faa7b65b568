/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See signals.h. */
#include "signals.h"

#include <signal.h>

#include "sys.h"

void lm_signals_block(struct lm_signals *signals)
{
	unsigned char all[LM_SIGNALS_SIZE];

	__builtin_memset(all, 0xff, sizeof all);
	lm_sys(SYS_rt_sigprocmask, SIG_SETMASK, all, signals->before, LM_SIGNALS_SIZE);
	lm_sys(SYS_rt_sigpending, signals->pending, LM_SIGNALS_SIZE);
}

static int contains(const unsigned char set[LM_SIGNALS_SIZE], int number)
{
	return set[(number - 1) / 8] >> ((number - 1) % 8) & 1;
}

/* Takes back the signal that a failed write raised, unless it was pending before. */
static void discard(const struct lm_signals *signals, int number)
{
	const struct timespec at_once = {0, 0};
	unsigned char set[LM_SIGNALS_SIZE] = {0};

	if (contains(signals->pending, number))
		return;
	set[(number - 1) / 8] = (unsigned char)(1u << ((number - 1) % 8));
	lm_sys(SYS_rt_sigtimedwait, set, NULL, &at_once, LM_SIGNALS_SIZE);
}

void lm_signals_unblock(const struct lm_signals *signals, int error)
{
	if (error == -EPIPE)
		discard(signals, SIGPIPE);
	else if (error == -EFBIG)
		discard(signals, SIGXFSZ);
	lm_sys(SYS_rt_sigprocmask, SIG_SETMASK, signals->before, NULL, LM_SIGNALS_SIZE);
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
