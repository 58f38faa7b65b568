/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See control.h. */
#include "control.h"

#include <signal.h>
#include <stddef.h>

#include "account.h"
#include "state.h"
#include "warn.h"

void lm_control_want(int wanted)
{
	lm_state_want(wanted);
	/* Threads stop counting for themselves then: what they have is part of the totals from here on. */
	if (wanted)
		lm_account_settle();
}

static void toggle(int number)
{
	(void)number;
	lm_control_want(!lm_state_is_wanted());
}

/* What the user chose is not the program's. Still, a signal that it handles already stays its own. */
void lm_control_toggle_by(int number)
{
	struct sigaction action = {.sa_handler = toggle, .sa_flags = SA_RESTART}, before;

	if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
		sigaction(number, &action, NULL);
	else
		lm_warn("LOG_MALLOC_SIGNAL: the program has a use for that signal; it toggles nothing", 0);
}
