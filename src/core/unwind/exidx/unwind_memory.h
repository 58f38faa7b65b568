/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What UNWIND=exidx keeps for each thread: nothing but the room for a backtrace. */
#ifndef LM_UNWIND_MEMORY_H
#define LM_UNWIND_MEMORY_H

#include <stdint.h>

#include "trace_format.h"

struct lm_unwind_memory {
	uintptr_t pcs[LM_BACKTRACE_DEPTH_MAX];
};

#endif
