/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See interrupt.h. */
#include "interrupt.h"

#include <stddef.h>

static volatile sig_atomic_t came;

static void note(int signal)
{
	(void)signal;
	came = 1;
}

void interrupt_watch(void)
{
	/* Writing goes on. Who reads looks at the flag. */
	struct sigaction once = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND | SA_RESTART}, before;

	sigemptyset(&once.sa_mask);
	if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(SIGINT, &once, NULL);
}

bool interrupt_came(void)
{
	return came != 0;
}

const volatile sig_atomic_t *interrupt_flag(void)
{
	return &came;
}

void interrupt_end(void)
{
	if (came)
		raise(SIGINT);
}
