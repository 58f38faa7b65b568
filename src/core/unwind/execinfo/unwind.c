/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* UNWIND=execinfo: the C library's backtrace(). See unwind.h. */
#include <errno.h>
#include <execinfo.h>

#include "trace_format.h"
#include "trim.h"
#include "unwind.h"
#include "unwind_memory.h"

void lm_unwind_start(void)
{
	int saved = errno;
	void *frame[1];

	/* The first call loads libgcc; better now than in the middle of an event. */
	if (lm_unwind_ready())
		backtrace(frame, 1);
	errno = saved;
}

void lm_unwind_forget(struct lm_unwind_memory *memory)
{
	(void)memory;
}

void lm_unwind(struct lm_unwind_memory *memory, const struct lm_caller *caller, uintptr_t *room, unsigned max,
               struct lm_unwound *unwound)
{
	void *found[LM_BACKTRACE_DEPTH_MAX + LM_UNWIND_OWN];
	int count = lm_unwind_ready() ? backtrace(found, (int)max + LM_UNWIND_OWN) : 0;

	*unwound = lm_unwind_trim(caller->pc, found, count, memory ? memory->pcs : room, max);
}

void lm_unwind_flush(void)
{
}
