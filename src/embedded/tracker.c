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
#include "session.h"
#include "table.h"
#include "turn.h"

#define ENOMEM_IS 12

/* The contexts that are inside a real function that may call other ones. Only the outermost call is an event. */
#define INSIDE_MAX 3
static uintptr_t inside[INSIDE_MAX];

_Static_assert(sizeof(struct log_malloc_caller) == sizeof(struct lm_caller), "the public name of the same");

/* ---- who calls ---- */

static __attribute__((noinline)) unsigned number_of(uintptr_t context)
{
	unsigned number;
	int is_new;

	if (context < LM_PORT_INTERRUPTS)
		return 0;
	number = lm_table_task(context, &is_new);
	if (is_new && number && lm_output_is_on())
		lm_session_send_task(number, context);
	return number;
}

static inline __attribute__((always_inline)) unsigned thread_of(uintptr_t context)
{
	return likely(context == LM_PORT_MAIN) ? LM_THREAD_MAIN : number_of(context);
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

static inline __attribute__((always_inline)) int is_inside(uintptr_t context)
{
	return unlikely(lm_output.inside) && replace(context, context) == 0;
}

/* Takes the lock for a call that begins: 1, with its CONTEXT and STATE. 0: the call is not to be recorded. */
static __attribute__((noinline)) int begin(uintptr_t *context, uintptr_t *state)
{
	*context = lm_port_context();
	if (unlikely(lm_port_lock(state) != 0)) {
		lm_output_lose();
		return 0;
	}
	if (!is_inside(*context)) {
		if (likely(replace(0, *context) == 0)) {
			lm_output.inside++;
			lm_output.is_quick = 0;
			return 1;
		}
		lm_output_lose();
	}
	lm_port_unlock(*state);
	return 0;
}

/* Takes the lock for a call that has returned: 1. 0: it can't be recorded. */
static __attribute__((noinline)) int end(uintptr_t *context, uintptr_t *state)
{
	*context = lm_port_context();
	/* It was there before, and nothing has a turn for longer than this handler runs. */
	if (unlikely(lm_port_lock(state) != 0)) {
		lm_output_lose();
		return 0;
	}
	if (replace(*context, 0) == 0 && --lm_output.inside == 0)
		lm_output_settle();
	return 1;
}

/* ---- new blocks ---- */

/* A new block has the address of one that is known: its release was not seen, or a realloc is about to tell it. */
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
	event.totals = lm_event_account(event.change);
	if (lm_output_is_on())
		lm_event_write(&event, NULL);
}

/* Enters P. -1: it stays unknown. */
static int enter(const void *p, size_t size, unsigned thread, uintptr_t pc)
{
	struct lm_table_block block = {size <= LM_RAM_SIZE_MAX ? (uint32_t)size : UINT32_MAX, (uint32_t)pc,
	                               thread <= LM_RAM_THREAD_MAX ? thread : 0};
	int result = lm_table_put(p, &block);

	if (result > 0) {
		conclude(p, thread);
		result = lm_table_put(p, &block);
	}
	return result;
}

/* Writes a call that may have allocated EVENT->p, which was entered unless it is unkept. */
static void tell_allocated(struct lm_event *event, unsigned thread, const struct lm_caller *caller)
{
	event->thread = thread;
	if (!event->p)
		event->error = event->size ? ENOMEM_IS : 0;
	else
		event->change += (int64_t)event->size;
	event->totals = lm_event_account(event->unkept ? 0 : event->change);
	if (lm_output_is_on())
		lm_event_write(event, caller);
}

/* The end of such a call. */
static __attribute__((noinline)) void allocated(struct lm_event *event, uintptr_t context,
                                                const struct lm_caller *caller)
{
	unsigned thread = thread_of(context);

	event->unkept = event->p && enter(event->p, event->size, thread, caller->pc) != 0;
	tell_allocated(event, thread, caller);
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

/* malloc returned P, in the middle of another call perhaps. */
static __attribute__((noinline)) void malloc_slowly(void *p, size_t size, const struct log_malloc_caller *from)
{
	struct lm_event event = {.call = LM_CALL_MALLOC, .p = p, .size = size};
	const struct lm_caller caller = known(from);
	uintptr_t context = lm_port_context(), state;

	if (lm_port_lock(&state) != 0) {
		lm_output_lose();
		return;
	}
	if (!is_inside(context))
		allocated(&event, context, &caller);
	lm_output_settle();
	lm_port_unlock(state);
}

/* ---- releases ---- */

/* Forgets P, accounts for its release and writes it. */
static void release(const void *p, uintptr_t context, const struct log_malloc_caller *from)
{
	struct lm_event event = {.call = LM_CALL_FREE, .old = p};
	const struct lm_caller caller = known(from);
	struct lm_table_block block = {0};

	event.foreign = lm_table_take(p, &block) != 0;
	event.old_size = block.size;
	event.change = -(int64_t)block.size;
	event.thread = thread_of(context);
	event.totals = lm_event_account(event.change);
	lm_table_forget_task(p);
	if (lm_output_is_on())
		lm_event_write(&event, event.foreign ? &caller : NULL);
}

int log_malloc_call_free(void *p, const struct log_malloc_caller *from)
{
	uintptr_t context, state;

	if (!p || !begin(&context, &state))
		return 0;
	release(p, context, from);
	lm_port_unlock(state);
	return 1;
}

static __attribute__((noinline)) void free_slowly(void *p, const struct log_malloc_caller *from)
{
	uintptr_t context = lm_port_context(), state;

	if (!p)
		return;
	if (lm_port_lock(&state) != 0) {
		lm_output_lose();
		return;
	}
	if (!is_inside(context))
		release(p, context, from);
	lm_output_settle();
	lm_port_unlock(state);
}

void log_malloc_call_end(void)
{
	uintptr_t context, state;

	if (end(&context, &state))
		lm_port_unlock(state);
}

/* ---- the quick way: lm_output.is_quick ---- */

/* Sends COUNT words, of which none is 0. */
static inline __attribute__((always_inline)) void send_quickly(uint64_t *words, unsigned count)
{
	const size_t size = count * sizeof *words;
	size_t taken;

	for (unsigned i = 0; i < count; i++)
		words[i] = lm_packed_bytes(words[i]);
	taken = lm_output.writer(words, size, lm_output.arg);
	if (unlikely(taken != size && lm_output_send_rest(words, size, taken) != 0))
		lm_output_lose();
}

static inline unsigned thread_quickly(void)
{
	return lm_interrupts_current() ? 0 : LM_THREAD_MAIN;
}

/* 0: nothing was done. */
static inline __attribute__((always_inline)) int malloc_quickly(const void *p, uint32_t size, uintptr_t pc)
{
	const uint32_t node = lm_event_number(pc), key = lm_table_key(p);
	const unsigned thread = thread_quickly();
	uint64_t words[2];
	uint16_t *link;

	/* All that a packed record and an entry have room for. */
	if (unlikely(!node || (uintptr_t)p % 8 || (uintptr_t)key << LM_TABLE_SHIFT != (uintptr_t)p))
		return 0;
	link = lm_table_find(key);
	if (unlikely(*link || lm_table_add(link, key, size | (uint32_t)thread << LM_RAM_SIZE_BITS, (uint32_t)pc) != 0))
		return 0;
	lm_add(&lm_hot.requested, (int64_t)size);
	words[0] = lm_packed_first(LM_PACKED_MALLOC, thread, (uintptr_t)p);
	words[1] = lm_packed_block(LM_PACKED_SLACK_NONE, size, node);
	send_quickly(words, 2);
	return 1;
}

void log_malloc_heap_alloc(void *p, size_t size, const struct log_malloc_caller *from)
{
	int is_done = 0;

	/* Where it is not quick, interrupts may be none of ours. */
	if (LM_DEPTH == 1 && likely(lm_output.is_quick && p && size - 1 < LM_PACKED_SIZE_MAX)) {
		uintptr_t state = lm_interrupts_mask();

		if (likely(lm_output.is_quick))
			is_done = malloc_quickly(p, (uint32_t)size, known(from).pc);
		lm_interrupts_restore(state);
	}
	if (unlikely(!is_done))
		malloc_slowly(p, size, from);
}

static inline __attribute__((always_inline)) int free_quickly(const void *p)
{
	uint16_t *link = lm_table_find(lm_table_key(p));
	uint64_t words[1];

	if (unlikely(!*link || (uintptr_t)p % 8))
		return 0;
	lm_add(&lm_hot.requested, -(int64_t)(lm_table.entries[*link - 1].size & LM_RAM_SIZE_MAX));
	lm_table_drop(link);
	words[0] = lm_packed_first(LM_PACKED_FREE, thread_quickly(), (uintptr_t)p);
	send_quickly(words, 1);
	return 1;
}

void log_malloc_heap_free(void *p, const struct log_malloc_caller *from)
{
	int is_done = 0;

	if (LM_DEPTH == 1 && likely(lm_output.is_quick)) {
		uintptr_t state = lm_interrupts_mask();

		if (likely(lm_output.is_quick))
			is_done = free_quickly(p);
		lm_interrupts_restore(state);
	}
	if (unlikely(!is_done))
		free_slowly(p, from);
}

/* ---- realloc ---- */

enum { BEGUN_KNOWN = 1, BEGUN_FOREIGN = 2 };

int log_malloc_call_begin_realloc(void *old)
{
	uintptr_t context, state;
	int begun = BEGUN_KNOWN;

	if (!begin(&context, &state))
		return 0;
	if (old && lm_table_mark(old, LM_RAM_THREAD_MOVING) != 0)
		begun = BEGUN_FOREIGN;
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
