/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See count.h. */
#include "count.h"

#include "compiler.h"
#include "interrupts.h"

struct log_malloc_counts log_malloc_counts;

/* The stack pointer of the memalign that runs, or 0. */
static uintptr_t muted;

/* What memalign itself takes of the stack, at most. */
#define MUTED_DEPTH 256

static int is_muted(void)
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

/* Called with interrupts masked. */
static void add(size_t size, size_t usable)
{
	struct log_malloc_counts *counts = &log_malloc_counts;

	counts->bytes += usable;
	if (counts->bytes > counts->peak)
		counts->peak = counts->bytes;
	if (size > counts->largest)
		counts->largest = size;
}

void lm_count_new(const void *p, size_t size, size_t usable)
{
	uintptr_t state;

	if (unlikely(is_muted()))
		return;
	state = lm_interrupts_mask();
	if (likely(p != NULL)) {
		log_malloc_counts.blocks++;
		add(size, usable);
	} else if (size) {
		log_malloc_counts.failed++;
		if (size > log_malloc_counts.largest)
			log_malloc_counts.largest = size;
	}
	lm_interrupts_restore(state);
}

void lm_count_gone(size_t usable)
{
	uintptr_t state;

	if (unlikely(is_muted()))
		return;
	state = lm_interrupts_mask();
	log_malloc_counts.blocks--;
	log_malloc_counts.bytes -= usable;
	lm_interrupts_restore(state);
}

void lm_count_resized(size_t size, ptrdiff_t change)
{
	uintptr_t state = lm_interrupts_mask();

	add(size, (size_t)change);
	lm_interrupts_restore(state);
}
