/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each thread of a process image did with memory. Part of consumers.h, which says
 * what the amounts mean.
 */
#ifndef LM_READER_THREAD_USE_H
#define LM_READER_THREAD_USE_H

#include "amount.h"

#include <stddef.h>
#include <stdint.h>

struct thread_use {
	struct amount calls; /* as a count */
	uint64_t last;       /* the address that its last event allocated, or 0 */
	struct amount allocated;
	struct amount live; /* of what it allocated */
	struct amount held; /* live at the peak that has the number PEAK */
	uint64_t peak;
	struct amount temporary;
	struct amount others; /* blocks of other threads that it released */
};

struct thread_uses {
	struct thread_use *list; /* by the thread's place in the image's threads; a thread_uses of zeros is empty */
	size_t count, room;
};

/* For thread_uses_get(): makes that of the thread at PLACE. */
struct thread_use *thread_uses_add(struct thread_uses *uses, uint32_t place);

/* That of the thread at PLACE, which is made if there is none. NULL if there is no memory. Valid until the next one. */
static inline struct thread_use *thread_uses_get(struct thread_uses *uses, uint32_t place)
{
	return place < uses->count ? &uses->list[place] : thread_uses_add(uses, place);
}

void thread_uses_free(struct thread_uses *uses);

#endif
