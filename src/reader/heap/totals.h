/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bytes in use after each event of a trace, exact in the order of the stream. The
 * text formats have them in each line. Packed records have neither these totals nor
 * the sizes of what they release: both follow from the records in front of them.
 */
#ifndef LM_READER_TOTALS_H
#define LM_READER_TOTALS_H

#include "amount.h"
#include "heap.h"
#include "trace.h"

#include <stdbool.h>
#include <stdint.h>

struct totals {
	struct heap heap; /* of a packed trace; a totals of zeros is valid and empty */
	int64_t used;     /* of a packed trace: U and R after the last event */
	int64_t usable;
	/* Set by the caller before each item if USED is to be what samples with that distance stand for, see
	 * amount_of(). */
	uint64_t mean;
	struct amount live; /* then: what is in use */
	bool inexact;       /* events are missing in the trace, so that a size was not known */
};

/*
 * Sets what the event of ITEM lacks: of a packed record, CHANGE, SIZE and ARGS of the
 * block that it releases, and of each event of a packed trace USED and USABLE. To be
 * called with each item of a trace. Memory grows with the live blocks of packed
 * traces. 0 or -ENOMEM.
 */
int totals_apply(struct totals *totals, struct trace_item *item);

void totals_free(struct totals *totals);

#endif
