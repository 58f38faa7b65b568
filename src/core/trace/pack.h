/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Events as packed records (packed.h). Pure. */
#ifndef LM_PACK_H
#define LM_PACK_H

#include "packed.h"
#include "record.h"

/* The first word of an event of P, by THREAD. 0: it does not fit. */
static inline uint64_t lm_pack_first(enum lm_packed_kind kind, uint64_t thread, const void *p)
{
	if (__builtin_expect(!lm_packed_fits((uintptr_t)p) || thread > LM_PACKED_THREAD_MAX, 0))
		return 0;
	return lm_packed_first(kind, thread, (uintptr_t)p);
}

/* The word for a block of SIZE bytes, of which USABLE can be used, and its backtrace NODE. 0: it does not fit. */
static inline uint64_t lm_pack_block(size_t size, size_t usable, uint64_t node)
{
	uint64_t slack = usable - size;

	if (__builtin_expect(size > LM_PACKED_SIZE_MAX || node > LM_PACKED_NODE_MAX, 0))
		return 0;
	if (__builtin_expect(slack > LM_PACKED_SLACK_MAX, 0)) {
		if (usable)
			return 0;
		slack = LM_PACKED_SLACK_NONE;
	}
	return lm_packed_block(slack, size, node);
}

/*
 * Writes the words of EVENT, which returned a block or released one, to WORDS. Returns how many; 0: it does not fit.
 * IS_PARTIAL: the trace may lack the allocation of the block that is released, so the record has to tell its size.
 */
static inline unsigned lm_pack_event(uint64_t words[LM_PACKED_WORDS_MAX], const struct lm_event *event, uint64_t thread,
                                     int is_partial)
{
	enum lm_packed_kind kind = LM_PACKED_MALLOC;
	const void *p = event->p;
	unsigned count = 2;

	switch (event->call) {
	case LM_CALL_FREE:
		words[0] = lm_pack_first(is_partial ? LM_PACKED_FREE_OF : LM_PACKED_FREE, thread, event->old);
		if (!is_partial)
			return words[0] ? 1 : 0;
		words[1] = lm_pack_block(event->old_size, event->usable, 0);
		return words[0] && words[1] ? 2 : 0;
	case LM_CALL_MALLOC:
		break;
	case LM_CALL_CALLOC:
		kind = LM_PACKED_CALLOC;
		if (event->count == 1)
			break;
		if (event->count > LM_PACKED_COUNT_MAX || event->each > LM_PACKED_COUNT_MAX)
			return 0;
		kind = LM_PACKED_CALLOC_OF;
		words[2] = lm_packed_elements(event->count, event->each);
		count = 3;
		break;
	case LM_CALL_REALLOC:
		if (is_partial && event->old)
			return 0;
		kind = LM_PACKED_REALLOC_AT;
		if (event->old == event->p)
			break;
		if (!lm_packed_fits((uintptr_t)event->p))
			return 0;
		kind = LM_PACKED_REALLOC;
		words[2] = lm_packed_new((uintptr_t)event->p);
		p = event->old;
		count = 3;
		break;
	default:
		return 0;
	}
	words[0] = lm_pack_first(kind, thread, p);
	words[1] = lm_pack_block(event->size, event->usable, event->backtrace);
	return words[0] && words[1] ? count : 0;
}

/* Is EVENT one that a packed record can tell of, apart from its numbers? */
static inline int lm_pack_can(const struct lm_event *event)
{
	if (event->error || event->foreign || event->busy || event->unseen || event->unkept || event->calling)
		return 0;
	return event->call == LM_CALL_FREE ? event->old != NULL : event->p != NULL;
}

#endif
