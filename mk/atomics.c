/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The atomic operations of the core, on the widest and on the narrowest
 * variables that it uses them on. The Makefile links this to find out whether
 * the compiler's library has to do some of them. It is never run.
 */
#include "atomic.h"

/* On i386, what is in a structure is aligned less than what stands alone. */
struct {
	uint32_t word;
	uint64_t wide;
	uint16_t half;
	unsigned char byte;
} all;

int main(void)
{
	uint64_t expected = lm_load_acquire(&all.wide);
	uint32_t found = lm_load_acquire(&all.word);

	lm_store_release(&all.wide, lm_load(&all.wide) + lm_load_ordered(&all.wide));
	lm_store(&all.wide, lm_add(&all.wide, 1) + lm_fetch_add(&all.wide, 2) + lm_exchange(&all.wide, 3));
	lm_store(&all.wide, lm_fetch_or(&all.wide, 4) + lm_fetch_and(&all.wide, 5));
	lm_store(&all.word, lm_add(&all.word, 1) + lm_fetch_add(&all.word, 2) + lm_exchange(&all.word, 3));
	lm_store(&all.word, lm_fetch_or(&all.word, 4) + lm_fetch_and(&all.word, 5));
	lm_store_release(&all.half, lm_load_acquire(&all.half));
	lm_store_release(&all.byte, lm_load_acquire(&all.byte));
	lm_replace_half(&all.half, 1, 2);
	return lm_compare_exchange(&all.wide, &expected, 1) + lm_compare_exchange(&all.word, &found, 1);
}
