/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The greatest size of the trace that the user wants. When the trace has it, no
 * allocation is recorded any more. Releases of blocks whose allocation may be in the
 * trace are, so that what is live in it is right, and the trace grows by one line for
 * each such block at most.
 *
 * Nothing of this is asked on the quick way: once the limit is reached, all events go
 * the careful way (emit_quick.h).
 */
#ifndef LM_LIMIT_H
#define LM_LIMIT_H

#include <stdint.h>

#include "caller.h"
#include "compiler.h"
#include "record.h"
#include "settings.h"

/* The trace has SIZE bytes. Called before this image's first record. */
void lm_limit_begin(uint64_t size);

/* Another trace begins. Before lm_limit_begin(). */
void lm_limit_forget(void);

/* Looks at the size of the trace, and changes the state if the limit is reached (state.h). Is it? */
int lm_limit_look(void);

/*
 * Before its limit, the trace begins a new file (rotate.h); this one has SIZE bytes now. The limit is never reached
 * then.
 */
void lm_limit_renew(uint64_t size);

/* Has this file room for BYTES? */
int lm_limit_has_room(uint64_t bytes);

/* Is it time for a new file, at MS? */
int lm_limit_is_due(uint64_t ms);

/* It is not before MS. */
void lm_limit_retry(uint64_t ms);

static inline int lm_limit_is_reached(void)
{
	return unlikely(lm_settings.limit) && lm_limit_look();
}

/*
 * Is EVENT to be written? Always, as long as the limit is not reached. Behind it, keeps
 * account of which blocks are not in the trace, and makes a resize of one that is the
 * release that it is for the trace. *CALLER becomes NULL then: releases have no
 * backtrace. The first call behind the limit writes the line that tells of it.
 */
int lm_limit_takes(struct lm_event *event, const struct lm_caller **caller);

/* Did the call of EVENT fail? A failed resize leaves its block as it was. */
int lm_limit_is_failure(const struct lm_event *event);

/* For the trace, the block was released, and what the call returned is one more allocation that it does not have. */
void lm_limit_make_release(struct lm_event *event);

/* The end of the trace: writes that line if it could not be written before. 0, or -1. */
int lm_limit_end(void);

#endif
