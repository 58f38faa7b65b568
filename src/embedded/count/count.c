/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See count.h. */
#include "count.h"

#include "compiler.h"
#include "interrupts.h"

struct log_malloc_counts log_malloc_counts;

/* The stack pointer of the realloc or memalign that runs, or 0. */
static uintptr_t muted;

/* What they take of the stack themselves, at most. */
#define MUTED_DEPTH 256

static inline __attribute__((always_inline)) int is_muted(void)
{
	return muted && muted - (uintptr_t)__builtin_frame_address(0) < MUTED_DEPTH;
}

uintptr_t lm_count_mute(void)
{
	uintptr_t before = muted;

	muted = (uintptr_t)__builtin_frame_address(0);
	return before;
}

void lm_count_unmute(uintptr_t before)
{
	muted = before;
}

/* ---- called with interrupts masked ---- */

/* P is new, or NULL because the call failed. */
static void add(const void *p, size_t size, size_t usable)
{
	struct log_malloc_counts *counts = &log_malloc_counts;

	if (size > counts->largest)
		counts->largest = size;
	if (!p) {
		counts->failed += size != 0;
		return;
	}
	counts->blocks++;
	counts->bytes += usable;
	if (counts->bytes > counts->peak)
		counts->peak = counts->bytes;
}

static inline __attribute__((always_inline)) void take_off(size_t usable)
{
	log_malloc_counts.blocks--;
	log_malloc_counts.bytes -= usable;
}

/* ---- a call ---- */

void lm_count_new(const void *p, size_t size, size_t usable)
{
	uintptr_t state;

	if (unlikely(is_muted()))
		return;
	state = lm_interrupts_mask();
	add(p, size, usable);
	lm_interrupts_restore(state);
}

void lm_count_gone(size_t usable)
{
	uintptr_t state;

	if (unlikely(is_muted()))
		return;
	state = lm_interrupts_mask();
	take_off(usable);
	lm_interrupts_restore(state);
}

void lm_count_realloc(const void *old, size_t before, const void *p, size_t size, size_t after)
{
	uintptr_t state = lm_interrupts_mask();

	if (old && (p || !size))
		take_off(before);
	else if (old)
		log_malloc_counts.bytes += after - before;
	add(p, size, after);
	lm_interrupts_restore(state);
}
