/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What happens at each call of an allocator: log_malloc_call_...() of
 * log-malloc2-embedded.h, which the functions that --wrap puts in front of an allocator
 * call (names.h). No lock is held while the real allocator runs.
 *
 * An allocation is recorded after the real call and a release before it, so that for
 * each address the records have the order of the calls. A realloc is both: its old
 * block stays in the table with a mark meanwhile. Whoever gets its address first finds
 * the mark and writes the release. Then the realloc is an allocation alone.
 */
#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "caller.h"
#include "event.h"
#include "log-malloc2-embedded.h"
#include "output.h"
#include "port.h"
#include "session.h"
#include "table.h"

#define ENOMEM_IS 12

/* The contexts that are inside the real allocator. Only the outermost call is an event. */
#define INSIDE_MAX 4
static uintptr_t inside[INSIDE_MAX];

_Static_assert(sizeof(struct log_malloc_caller) == sizeof(struct lm_caller), "the public name of the same");

/* ---- who calls ---- */

static unsigned thread_of(uintptr_t context)
{
	unsigned number;
	int is_new;

	if (likely(context == LM_PORT_MAIN))
		return LM_THREAD_MAIN;
	if (context < LM_PORT_INTERRUPTS)
		return 0;
	number = lm_table_task(context, &is_new);
	if (is_new && number && lm_output_is_on())
		lm_session_send_task(number, context);
	return number;
}

/* ---- inside the real allocator ---- */

/* Sets the slot that has BEFORE to AFTER: 0. -1: none has. */
static int replace(uintptr_t before, uintptr_t after)
{
	for (unsigned i = 0; i < INSIDE_MAX; i++) {
		if (inside[i] == before) {
			inside[i] = after;
			return 0;
		}
	}
	return -1;
}

static int is_inside(uintptr_t context)
{
	return replace(context, context) == 0;
}

/* Takes the lock for a call that begins: 1, with its CONTEXT and STATE. 0: the call is not to be recorded. */
static int begin(uintptr_t *context, uintptr_t *state)
{
	*context = lm_port_context();
	if (unlikely(lm_port_lock(state) != 0)) {
		lm_output_lose();
		return 0;
	}
	if (!is_inside(*context)) {
		if (likely(replace(0, *context) == 0))
			return 1;
		lm_output_lose();
	}
	lm_port_unlock(*state);
	return 0;
}

/* Takes the lock for a call that has returned: 1. 0: it can't be recorded. */
static int end(uintptr_t *context, uintptr_t *state)
{
	*context = lm_port_context();
	if (likely(lm_port_lock(state) == 0)) {
		replace(*context, 0);
		return 1;
	}
	/* Nobody else changes this handler's slot. */
	replace(*context, 0);
	lm_output_lose();
	return 0;
}

/* ---- new blocks ---- */

/* The address of a block that is known is that of a new one: its release was not seen, or a realloc is about to tell
 * it.
 */
static void conclude(const void *p, unsigned thread)
{
	struct lm_event event = {.call = LM_CALL_FREE, .old = p, .unseen = 1, .thread = thread};
	struct lm_table_block block;

	lm_table_take(p, &block);
	event.old_size = block.size;
	event.change = -(int64_t)block.size;
	if (block.thread == LM_RAM_THREAD_MOVING) {
		event.call = LM_CALL_REALLOC;
		event.unseen = 0;
	}
	event.totals = lm_account_change(event.change, 0);
	if (lm_output_is_on())
		lm_event_write(&event, NULL);
}

/* Enters P. -1: it stays unknown. */
static int enter(const void *p, size_t size, unsigned thread, uintptr_t pc)
{
	struct lm_table_block block = {size <= LM_RAM_SIZE_MAX ? (uint32_t)size : UINT32_MAX, (uint32_t)pc,
	                               thread <= LM_RAM_THREAD_MAX ? thread : 0};
	int result = lm_table_put(p, &block);

	if (unlikely(result > 0)) {
		conclude(p, thread);
		result = lm_table_put(p, &block);
	}
	return result;
}

/* The end of a call that may have allocated EVENT->p. */
static void allocated(struct lm_event *event, uintptr_t context, const struct lm_caller *caller)
{
	event->thread = thread_of(context);
	if (!event->p) {
		event->error = event->size ? ENOMEM_IS : 0;
	} else {
		event->change += (int64_t)event->size;
		event->unkept = enter(event->p, event->size, event->thread, caller->pc) != 0;
	}
	event->totals = lm_account_change(event->unkept ? 0 : event->change, 0);
	if (lm_output_is_on())
		lm_event_write(event, caller);
}

static struct lm_caller known(const struct log_malloc_caller *caller)
{
	struct lm_caller result = {caller->pc, caller->sp, caller->fp};

#ifdef __arm__
	/* The lowest bit of a return address tells how the code is encoded. */
	result.pc &= ~(uintptr_t)1;
#endif
	return result;
}

int log_malloc_call_begin(void)
{
	uintptr_t context, state;

	if (!begin(&context, &state))
		return 0;
	lm_port_unlock(state);
	return 1;
}

static void finish(struct lm_event *event, const struct log_malloc_caller *from)
{
	const struct lm_caller caller = known(from);
	uintptr_t context, state;

	if (!end(&context, &state))
		return;
	allocated(event, context, &caller);
	lm_port_unlock(state);
}

void log_malloc_call_malloc(void *block, size_t size, const struct log_malloc_caller *from)
{
	struct lm_event event = {.call = LM_CALL_MALLOC, .p = block, .size = size};

	finish(&event, from);
}

void log_malloc_call_calloc(void *block, size_t count, size_t size, const struct log_malloc_caller *from)
{
	struct lm_event event = {.call = LM_CALL_CALLOC, .p = block, .count = count, .each = size};

	if (__builtin_mul_overflow(count, size, &event.size))
		event.size = SIZE_MAX;
	finish(&event, from);
}

void log_malloc_call_memalign(void *block, size_t alignment, size_t size, const struct log_malloc_caller *from)
{
	struct lm_event event = {.call = LM_CALL_MEMALIGN, .p = block, .size = size, .alignment = alignment};

	finish(&event, from);
}

/* ---- releases ---- */

int log_malloc_call_free(void *p, const struct log_malloc_caller *from)
{
	struct lm_event event = {.call = LM_CALL_FREE, .old = p};
	struct lm_caller caller;
	struct lm_table_block block = {0};
	uintptr_t context, state;

	if (!p || !begin(&context, &state))
		return 0;
	event.foreign = lm_table_take(p, &block) != 0;
	event.old_size = block.size;
	event.change = -(int64_t)block.size;
	event.thread = thread_of(context);
	event.totals = lm_account_change(event.change, 0);
	lm_table_forget_task(p);
	caller = known(from);
	if (lm_output_is_on())
		lm_event_write(&event, event.foreign ? &caller : NULL);
	lm_port_unlock(state);
	return 1;
}

void log_malloc_call_end(void)
{
	/* No lock: only this context changes its slot. */
	replace(lm_port_context(), 0);
}

/* ---- realloc ---- */

enum { BEGUN_KNOWN = 1, BEGUN_FOREIGN = 2 };

int log_malloc_call_begin_realloc(void *old)
{
	struct lm_table_block block;
	uintptr_t context, state;
	int begun = BEGUN_KNOWN;

	if (!begin(&context, &state))
		return 0;
	if (old) {
		begun = lm_table_get(old, &block) == 0 ? BEGUN_KNOWN : BEGUN_FOREIGN;
		lm_table_mark(old, LM_RAM_THREAD_MOVING);
	}
	lm_port_unlock(state);
	return begun;
}

/* OLD's entry has the size of the block that realloc released, or still has it if the call failed. */
static void take_old(struct lm_event *event, void *old, int begun)
{
	struct lm_table_block block = {0};
	int is_known = lm_table_get(old, &block) == 0 && block.thread == LM_RAM_THREAD_MOVING;

	event->foreign = begun == BEGUN_FOREIGN;
	event->old = is_known || event->foreign ? old : NULL;
	event->old_size = block.size;
	if (!is_known)
		event->old_size = 0;
	else if (!event->p && event->size)
		lm_table_mark(old, 0);
	else
		lm_table_take(old, &block);
	if (event->p || !event->size)
		event->change = -(int64_t)event->old_size;
}

void log_malloc_call_realloc(int begun, void *old, void *p, size_t size, const struct log_malloc_caller *from)
{
	struct lm_event event = {.call = LM_CALL_REALLOC, .p = p, .size = size};
	const struct lm_caller caller = known(from);
	uintptr_t context, state;

	if (!end(&context, &state))
		return;
	if (old)
		take_old(&event, old, begun);
	allocated(&event, context, &caller);
	lm_port_unlock(state);
}
