/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * For unwinders that are not our own. They start at themselves, so the tracker's
 * own frames have to be dropped from the front of a backtrace. And they search
 * libc's list of objects, which a static program does not have from the start;
 * UNWIND=fp may search it for an address that is none.
 */
#ifndef LM_UNWIND_TRIM_H
#define LM_UNWIND_TRIM_H

#include <stdint.h>
#include <sys/auxv.h>

#include "compiler.h"
#include "unwind.h"

/* The most frames of the tracker that can lie between an unwinder and the caller. */
#define LM_UNWIND_OWN 12

/*
 * FOUND holds COUNT addresses. Copies those from CALLER on to PCS. If CALLER is
 * not among them, the unwinder stopped in front of it, at code without tables:
 * what it found is the tracker's own, and CALLER is all that is known.
 */
static inline struct lm_unwound lm_unwind_trim(uintptr_t caller, void *const *found, int count, uintptr_t *pcs,
                                               unsigned max)
{
	unsigned n = 0;
	int at = 0;

	while (at < count && (uintptr_t)found[at] != caller)
		at++;
	if (max)
		pcs[n++] = caller;
	while (++at < count && n < max)
		pcs[n++] = (uintptr_t)found[at];
	return (struct lm_unwound){.pcs = pcs, .count = n, .sum = lm_unwound_sum(pcs, n)};
}

static int lm_unwind_constructed;

__attribute__((constructor(101))) static void lm_unwind_construct(void)
{
	lm_unwind_constructed = 1;
}

/*
 * Is there a list of objects to search? Without one, libgcc aborts, and
 * libunwind remembers for good that it knows nothing of the code it met.
 */
static inline int lm_unwind_ready(void)
{
	return likely(lm_unwind_constructed) || getauxval(AT_BASE) != 0;
}

#endif
