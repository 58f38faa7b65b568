/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * For unwinders that start at themselves: drops the tracker's own frames from
 * the front of a backtrace.
 */
#ifndef LM_UNWIND_TRIM_H
#define LM_UNWIND_TRIM_H

#include <stdint.h>
#include <string.h>

/* The tracker's own frames between an unwinder and the caller: never more. */
#define LM_UNWIND_OWN 12

/*
 * FOUND holds COUNT addresses. Copies those from CALLER on to PCS; where
 * CALLER is not among them, it and then everything.
 */
static inline unsigned lm_unwind_trim(uintptr_t caller, void *const *found, int count, uintptr_t *pcs, unsigned max)
{
	unsigned n = 0;
	int first = 0;

	while (first < count && (uintptr_t)found[first] != caller)
		first++;
	if (max)
		pcs[n++] = caller;
	for (int i = first < count ? first + 1 : 0; i < count && n < max; i++)
		pcs[n++] = (uintptr_t)found[i];
	return n;
}

#endif
