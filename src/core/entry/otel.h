/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The probes otel_memory:alloc(pointer, size, weighted bytes) and otel_memory:free(pointer), by which OpenTelemetry's
 * eBPF profiler learns of a process's memory: of all events, or of those of the sample. The weighted bytes are those
 * that the block stands for.
 */
#ifndef LM_OTEL_H
#define LM_OTEL_H

#include <stddef.h>

#include "compiler.h"
#include "probe.h"
#include "session.h"

/* The same in a process that has a short way: in a sampled one. A quiet one tells the probes nothing. */
void lm_otel_alloc_sampled(const void *p, size_t size);

static inline void lm_otel_alloc(const void *p, size_t size)
{
	if (unlikely(lm_load(&lm_session.short_way) != LM_SHORT_WAY_NONE))
		lm_otel_alloc_sampled(p, size);
	else
		LM_PROBE_3("otel_memory", "alloc", p, size, size);
}

/* P is about to be released. */
static inline void lm_otel_free(const void *p)
{
	LM_PROBE_1("otel_memory", "free", p);
}

#endif
