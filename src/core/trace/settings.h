/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The user's choices for the content of the trace. session.c sets them before the first event. */
#ifndef LM_SETTINGS_H
#define LM_SETTINGS_H

#include <stdint.h>

#include "compiler.h"
#include "trace_format.h"

/* Also where nothing was in use, since the trace began with the process. */
#define LM_BEFORE_UNKNOWN UINT64_MAX

extern struct lm_settings {
	unsigned depth; /* frames of a backtrace, at most */
	enum lm_format format;
	uint64_t limit;  /* bytes of the trace (limit.h); 0: none */
	unsigned keep;   /* so many older files of a sampled trace stay, of LIMIT bytes each (rotate.h) */
	uint64_t sample; /* mean distance of the sample in bytes (draw.h); 0: every event is recorded */
	char run[32];    /* of whose processes this is one (LM_TRACE_RUN); or "" */
	uint64_t before; /* bytes that were in use when a running process's trace began; LM_BEFORE_UNKNOWN */
} lm_settings LM_INTERNAL;

/* Does each thread count bytes for itself also while a trace is written? Packed records have no totals. */
static inline int lm_settings_is_packed(void)
{
	return lm_settings.format == LM_FORMAT_PACKED;
}

#endif
