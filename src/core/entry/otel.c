/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See otel.h. */
#include "otel.h"

#include "draw.h"
#include "settings.h"

void lm_otel_alloc_sampled(const void *p, size_t size)
{
	if (!lm_session_is_sampled())
		return;
	LM_PROBE_3("otel_memory", "alloc", p, size, lm_draw_weighted(size, lm_settings.sample));
}
