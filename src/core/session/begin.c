/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See begin.h. */
#include "begin.h"

#include "account.h"
#include "emit_careful.h"
#include "limit.h"
#include "marks.h"
#include "note.h"
#include "owner.h"
#include "rotate.h"
#include "sink.h"
#include "sys.h"
#include "target.h"
#include "triggers.h"
#include "trouble.h"
#include "warn.h"

static int kept = -1;

/* What an earlier image lost is missing in this one's trace, too, which is the same. */
static void find_note(const struct lm_output *output)
{
	if (output->is_noted)
		lm_state_lose(lm_note_found());
	else
		lm_note_remove_old();
}

void lm_begin_anew(void)
{
	lm_sink_forget();
	lm_limit_forget();
	lm_rotate_forget();
	lm_marks_forget();
	kept = -1;
}

int lm_begin_open(const struct lm_output *output)
{
	kept = lm_sink_open(output->fd);
	if (output->owned)
		lm_sys_close(output->fd);
	if (kept < 0) {
		lm_warn("cannot keep the trace open; tracing is off", -kept);
		return kept;
	}
	/* To close the descriptor ended our lock on the file. Another process may have been quicker just now. */
	if (lm_owner_claim(kept, NULL) == 0) {
		find_note(output);
		return 0;
	}
	lm_warn("another process has just begun to write to the trace; tracing is off", 0);
	return -EBUSY;
}

void lm_begin_limit(const struct lm_output *output, long parent)
{
	uint64_t size = 0;

	/* What is in the file before the trace begins does not count, but what an earlier image wrote does. */
	if (output->is_continued && lm_target_size(&size) != 0)
		size = 0;
	lm_limit_begin(size);
	lm_rotate_begin(kept, size, output->is_continued, parent);
}

void lm_begin_trace(long parent)
{
	int error = lm_sink_begin(kept);

	if (error)
		lm_sink_failed(error);
	lm_account_settle();
	lm_emit_begin(lm_account_totals().requested);
	lm_triggers_begin();
	/* After a permanent failure, the phase is OFF already: then neither change below has an effect. */
	if (lm_trouble_begin(parent) == 0)
		lm_state_change(LM_PHASE_HELD, LM_PHASE_DIRECT);
	else
		lm_state_change(LM_PHASE_HELD, LM_PHASE_STOPPED);
	lm_account_settle();
}
