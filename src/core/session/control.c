/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See control.h. */
#include "control.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "account.h"
#include "caller.h"
#include "guard.h"
#include "marks.h"
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

int lm_control_mark(const char *name)
{
	int written, saved = errno;
	unsigned char guard;

	/* A mark that is not written does not count as a lost event. */
	if (!lm_state_is_recording(lm_state_word()))
		return 0;
	guard = lm_guard_set(LM_GUARD_TRACKER);
	/* A signal handler may leave this by longjmp. CALLER_SP lets the next call notice that (guard.h). */
	if (guard == LM_GUARD_IDLE)
		lm_tls.caller_sp = LM_CALLER_SP();
	written = lm_marks_mark(name) == 0;
	lm_guard_restore(guard);
	errno = saved;
	return written;
}

static void toggle(int number)
{
	(void)number;
	lm_control_want(!lm_state_is_wanted());
}

static void mark(int number)
{
	(void)number;
	lm_control_mark(LM_TRACE_SIGNALLED);
}

/* The signals that are handled here, and how; a handler is NULL: none. */
static struct handled {
	int number;
	void (*handler)(int);
} handled[2];

/* The user chose the signal. But if the program already handles or ignores it, it stays the program's. */
static void handle(int number, void (*handler)(int), const char *complaint)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, before;

	if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
		sigaction(number, &action, NULL);
	else
		lm_warn(complaint, 0);
}

/* The program may have set a handler of its own meanwhile. */
static void release(const struct handled *signal)
{
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	struct sigaction now;

	if (sigaction(signal->number, NULL, &now) == 0 && now.sa_handler == signal->handler)
		sigaction(signal->number, &usual, NULL);
}

void lm_control_release(void)
{
	for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) {
		if (handled[i].handler)
			release(&handled[i]);
		handled[i].handler = NULL;
	}
}

void lm_control_toggle_by(int number)
{
	handled[0] = (struct handled){number, toggle};
	handle(number, toggle, "LOG_MALLOC_SIGNAL: the program has a use for that signal; it toggles nothing");
}

void lm_control_mark_by(int number)
{
	handled[1] = (struct handled){number, mark};
	handle(number, mark, "LOG_MALLOC_MARK_SIGNAL: the program has a use for that signal; it marks nothing");
}
