/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The functions of log-malloc2.h, which says what they promise. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "account.h"
#include "caller.h"
#include "control.h"
#include "guard.h"
#include "journal.h"
#include "log-malloc2.h"
#include "marks.h"
#include "session.h"
#include "text.h"
#include "trace_format.h"

size_t log_malloc_get_usage(void)
{
	int64_t requested = lm_account_totals().requested;

	/* Only the blocks of the sample are counted. */
	if (lm_session_is_sampled())
		return 0;
	return requested > 0 ? (size_t)requested : 0;
}

void log_malloc_trace_enable(void)
{
	lm_control_want(1);
}

void log_malloc_trace_disable(void)
{
	lm_control_want(0);
}

int log_malloc_mark(const char *name)
{
	return name && *name ? lm_control_mark(name) : 0;
}

/*
 * Puts "# " in front of each line that does not begin with '#': a reader would take it for an event. A byte that says
 * in a packed trace's journal that a record is not whole is replaced.
 */
static int put_lines(char *line, const char *message)
{
	struct lm_text text = {line, line + LM_TRACE_PRINTF_MAX - 1};
	int at_start = 1;

	for (; *message; message++) {
		if (at_start && *message != '#')
			lm_text_string(&text, "# ");
		lm_text_char(&text, *message == LM_JOURNAL_PENDING_WORDS ? '?' : *message);
		at_start = *message == '\n';
	}
	if (text.at == line)
		lm_text_string(&text, "# ");
	text.end++;
	if (text.at[-1] != '\n')
		lm_text_char(&text, '\n');
	return (int)(text.at - line);
}

int log_malloc_trace_vprintf(const char *fmt, va_list args)
{
	char message[LM_TRACE_PRINTF_MAX + 1], line[LM_TRACE_PRINTF_MAX];
	int written = 0, saved = errno;
	unsigned char guard;

	/* Text that is not written does not count as a lost event. */
	if (!lm_session_may_trace() || !lm_session_is_traced(lm_tls.guard))
		return 0;
	guard = lm_guard_set(LM_GUARD_TRACKER);
	/* A signal handler may leave the formatting by longjmp. CALLER_SP lets the next call notice that (guard.h). */
	if (guard == LM_GUARD_IDLE)
		lm_tls.caller_sp = LM_CALLER_SP();
	if (vsnprintf(message, sizeof message, fmt, args) >= 0)
		written = lm_marks_text(line, put_lines(line, message));
	lm_guard_restore(guard);
	/* A conversion that fails sets it, though the program is not told. */
	errno = saved;
	return written;
}

int log_malloc_trace_printf(const char *fmt, ...)
{
	va_list args;
	int written;

	va_start(args, fmt);
	written = log_malloc_trace_vprintf(fmt, args);
	va_end(args);
	return written;
}
