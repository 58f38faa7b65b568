/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See emit_packed.h. Nothing here is shared with other threads but the head of the ring. */
#include "emit_packed.h"

#include "backtraces.h"
#include "emit_careful.h"
#include "emit_quick.h"
#include "pack.h"

/* Records WORDS. 0: they are not recorded, and *ERROR says why. */
static inline __attribute__((always_inline)) int put(struct lm_thread *thread, const uint64_t *words, unsigned count,
                                                     int *error)
{
	int is_lost;

	*error = lm_ring_put_words(&thread->slot, words, count, &is_lost);
	if (unlikely(is_lost))
		return 0;
	if (unlikely(*error))
		lm_emit_failed(*error);
	return 1;
}

/* Sets *NODE to the backtrace's number. 0: the trace does not have it yet. */
static inline int find_node(const struct lm_unwound *unwound, uint64_t *node)
{
	const struct lm_backtrace *backtrace;

	*node = 0;
	if (unlikely(!unwound->count))
		return 1;
	backtrace = lm_backtraces_find(unwound);
	if (unlikely(!backtrace || !lm_backtraces_is_written(backtrace)))
		return 0;
	*node = lm_load(&backtrace->number);
	return 1;
}

/* ---- malloc ---- */

static __attribute__((noinline)) void malloc_carefully(struct lm_thread *thread, const struct lm_caller *caller,
                                                       void *p, size_t size, size_t usable,
                                                       const struct lm_unwound *unwound, int error)
{
	struct lm_event event = lm_emit_common_event(LM_CALL_MALLOC, p, size);

	event.usable = usable;
	event.totals = lm_account_near();
	if (unwound)
		lm_emit_rest(&event, unwound, error);
	else
		lm_emit_slowly(&event, thread, caller);
}

void lm_emit_packed_malloc(struct lm_thread *thread, const struct lm_caller *caller, void *p, size_t size,
                           size_t usable)
{
	struct lm_unwound unwound = {.count = 0};
	uint64_t words[2], node;
	int error = 0;

	lm_account_change_own(&thread->books, (int64_t)size, (int64_t)usable);
	if (unlikely(!lm_emit_is_quick(thread, 0))) {
		malloc_carefully(thread, caller, p, size, usable, NULL, 0);
		return;
	}
	lm_emit_unwind(thread, caller, &unwound);
	if (likely(find_node(&unwound, &node))) {
		words[0] = lm_pack_first(LM_PACKED_MALLOC, thread->number, p);
		words[1] = lm_pack_block(size, usable, node);
		if (likely(words[0] && words[1] && put(thread, words, 2, &error)))
			return;
	}
	malloc_carefully(thread, caller, p, size, usable, &unwound, error);
}

/* ---- free ---- */

static __attribute__((noinline)) void free_carefully(struct lm_thread *thread, void *p, size_t size, size_t usable,
                                                     int error)
{
	static const struct lm_unwound none = {.count = 0};
	struct lm_event event = lm_emit_common_event(LM_CALL_FREE, p, size);

	event.usable = usable;
	event.totals = lm_account_near();
	if (error)
		lm_emit_rest(&event, &none, error);
	else
		lm_emit_slowly(&event, thread, NULL);
}

/* The same record, and the size of the block. */
static __attribute__((noinline)) int put_sized(struct lm_thread *thread, uint64_t words[2], size_t size, size_t usable,
                                               int *error)
{
	words[0] |= LM_PACKED_FREE_OF;
	words[1] = lm_pack_block(size, usable, 0);
	return words[1] && put(thread, words, 2, error);
}

void lm_emit_packed_free(struct lm_thread *thread, const struct lm_caller *caller, void *p, size_t size, size_t usable)
{
	uint64_t words[2] = {lm_pack_first(LM_PACKED_FREE, thread->number, p)};
	int error = 0;

	lm_account_change_own(&thread->books, -(int64_t)size, -(int64_t)usable);
	if (likely(lm_emit_is_quick(thread, 0) && words[0])) {
		lm_module_note_caller(caller->pc);
		if (likely(!lm_emit_is_partial())) {
			if (likely(put(thread, words, 1, &error)))
				return;
		} else if (put_sized(thread, words, size, usable, &error)) {
			return;
		}
	}
	free_carefully(thread, p, size, usable, error);
}

/* ---- calloc and realloc ---- */

void lm_emit_packed(struct lm_event *event, struct lm_thread *thread, const struct lm_caller *caller)
{
	struct lm_unwound unwound = {.count = 0};
	uint64_t words[LM_PACKED_WORDS_MAX];
	unsigned count;
	int error = 0;

	if (unlikely(!lm_pack_can(event) || !lm_emit_is_quick(thread, 0))) {
		lm_emit_slowly(event, thread, caller);
		return;
	}
	lm_emit_unwind(thread, caller, &unwound);
	if (likely(find_node(&unwound, &event->backtrace))) {
		count = lm_pack_event(words, event, thread->number, lm_emit_is_partial());
		if (likely(count && put(thread, words, count, &error)))
			return;
	}
	lm_emit_rest(event, &unwound, error);
}
