/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds small numbers of ours by numbers of a trace. Those are mostly given one after
 * another from 1, so an array answers. But a damaged trace can have any, and memory
 * must not grow with a number's value: what would leave the array mostly empty goes
 * into a hash table.
 */
#ifndef LM_READER_NUMBERS_H
#define LM_READER_NUMBERS_H

#include "hash.h"

#include <stddef.h>
#include <stdint.h>

#define NUMBERS_NONE UINT32_MAX

struct numbers {
	uint32_t *dense; /* by the trace's number; a numbers of zeros is valid and empty */
	size_t room;
	size_t used; /* numbers that are known */
	struct hash_table sparse;
};

/* Part of numbers_find(). */
uint32_t numbers_find_sparse(const struct numbers *numbers, uint64_t number);

/* What NUMBER stands for, or NUMBERS_NONE. */
static inline uint32_t numbers_find(const struct numbers *numbers, uint64_t number)
{
	if (number < numbers->room && numbers->dense[number] != NUMBERS_NONE)
		return numbers->dense[number];
	return numbers_find_sparse(numbers, number);
}

/* NUMBER stands for VALUE from now on, which is not NUMBERS_NONE. 0 or -ENOMEM. */
int numbers_set(struct numbers *numbers, uint64_t number, uint32_t value);

void numbers_free(struct numbers *numbers);

#endif
