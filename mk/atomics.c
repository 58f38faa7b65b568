/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The atomic operations of the core, on the widest and on the narrowest
 * variables that it uses them on. The Makefile links this to find out whether
 * the compiler's library has to do some of them. It is never run.
 */
#include "atomic.h"

uint64_t wide;
uint32_t word;
uint16_t half;
unsigned char byte;

int main(void)
{
	uint64_t expected = lm_load_acquire(&wide);
	uint32_t found = lm_load_acquire(&word);

	lm_store_release(&wide, lm_load(&wide) + lm_load_ordered(&wide));
	lm_store(&wide, lm_add(&wide, 1) + lm_fetch_add(&wide, 2) + lm_exchange(&wide, 3));
	lm_store(&wide, lm_fetch_or(&wide, 4) + lm_fetch_and(&wide, 5));
	lm_store(&word, lm_add(&word, 1) + lm_fetch_add(&word, 2) + lm_exchange(&word, 3));
	lm_store(&word, lm_fetch_or(&word, 4) + lm_fetch_and(&word, 5));
	lm_store_release(&half, lm_load_acquire(&half));
	lm_store_release(&byte, lm_load_acquire(&byte));
	lm_replace_half(&half, 1, 2);
	return lm_compare_exchange(&wide, &expected, 1) + lm_compare_exchange(&word, &found, 1);
}
