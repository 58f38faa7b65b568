/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See control.h. */
#include "control.h"

#include <signal.h>
#include <stddef.h>

#include "account.h"
#include "module.h"
#include "state.h"
#include "warn.h"

void lm_control_want(int wanted)
{
	if (wanted)
		lm_module_distrust();
	lm_state_want(wanted);
	/* While nothing was traced, each thread counted for itself. This adds those counts to the totals. */
	if (wanted)
		lm_account_settle();
}

static void toggle(int number)
{
	(void)number;
	lm_control_want(!lm_state_is_wanted());
}

/* The user chose the signal. But if the program already handles or ignores it, it stays the program's. */
void lm_control_toggle_by(int number)
{
	struct sigaction action = {.sa_handler = toggle, .sa_flags = SA_RESTART}, before;

	if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
		sigaction(number, &action, NULL);
	else
		lm_warn("LOG_MALLOC_SIGNAL: the program has a use for that signal; it toggles nothing", 0);
}
