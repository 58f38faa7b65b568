/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See drawn.h. */
#include "drawn.h"

#include <errno.h>

#include "intercept.h"
#include "intercepted.h"
#include "module.h"
#include "real.h"
#include "sampled.h"

/* A call by the real allocator, or by the tracker's own work in it. Leaves what an operator noted for the event. */
static int is_nested(const struct lm_caller *caller)
{
	return lm_tls.guard != LM_GUARD_IDLE && lm_tls.guard != LM_GUARD_OPERATOR && lm_intercepted_is_nested(caller);
}

void *lm_drawn_malloc(size_t size, const struct lm_caller *caller)
{
	unsigned char guard;
	void *p;

	if (is_nested(caller))
		return lm_real_malloc(size);
	if (lm_sampled_draw(size))
		return lm_malloc(size, caller);
	guard = lm_sampled_enter(caller);
	p = lm_real_malloc(size);
	lm_sampled_leave(guard);
	lm_sampled_end(p, size, errno);
	return p;
}

void lm_drawn_free(void *p, const struct lm_caller *caller)
{
	unsigned char guard;

	lm_module_note_release(p);
	if (p && lm_sizemap_way(p) != LM_WAY_NONE) {
		lm_free(p, caller);
		return;
	}
	guard = lm_sampled_enter(caller);
	lm_real_free(p);
	lm_sampled_leave(guard);
}
