/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is lost in a process image, by the consumer that allocated it and the slice of the run in which it did. */
#ifndef LM_READER_PAGE_LOST_H
#define LM_READER_PAGE_LOST_H

#include "amount.h"
#include "consumers.h"
#include "flow.h"
#include "unreached.h"

#include <stddef.h>
#include <stdint.h>

struct page_lost_cell;

struct page_lost {
	struct amount *consumers; /* lost in all, by consumer; NULL if nobody looked */
	struct amount states[REACH_KINDS + 1];
	struct page_lost_cell *cells; /* by consumer and slice */
	size_t count, room;
	size_t next; /* the first one that was not taken */
};

/* Adds up the blocks that are lost: definitely, indirectly or possibly. 0 or -ENOMEM; LOST has to be freed either way.
 */
int page_lost_find(struct page_lost *lost, const struct unreached *unreached, const struct consumers *consumers,
                   const struct flow *flow);

/* What was lost of what CONSUMER allocated in SLICE. To be asked for in this order. */
struct amount page_lost_take(struct page_lost *lost, size_t consumer, uint32_t slice);

void page_lost_free(struct page_lost *lost);

#endif
