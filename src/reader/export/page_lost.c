/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See page_lost.h. */
#include "page_lost.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>

struct page_lost_cell {
	size_t consumer;
	uint32_t slice;
	struct amount amount;
};

static int add(struct page_lost *lost, size_t consumer, uint32_t slice, const struct amount *one)
{
	struct page_lost_cell *cells = array_grow(lost->cells, &lost->room, lost->count + 1, sizeof *cells);

	if (!cells)
		return -ENOMEM;
	lost->cells = cells;
	cells[lost->count++] = (struct page_lost_cell){consumer, slice, *one};
	amount_add(&lost->consumers[consumer], one);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct page_lost_cell *x = a, *y = b;

	if (x->consumer != y->consumer)
		return x->consumer < y->consumer ? -1 : 1;
	return (x->slice > y->slice) - (x->slice < y->slice);
}

int page_lost_find(struct page_lost *lost, const struct unreached *unreached, const struct consumers *consumers,
                   const struct flow *flow)
{
	const struct heap_block *block;
	size_t position = 0;
	int error = 0;

	*lost = (struct page_lost){.count = 0};
	if (!unreached->known)
		return 0;
	lost->consumers = calloc(consumers->count + 1, sizeof *lost->consumers);
	if (!lost->consumers)
		return -ENOMEM;
	while (!error && (block = heap_next(&consumers->heap, &position))) {
		enum reach reach = unreached_judge(unreached, block->address, block->line);
		const struct amount one = amount_of(block->size, consumers->mean);

		amount_add(&lost->states[reach], &one);
		if (reach_is_lost(reach))
			error = add(lost, consumers_number(consumers, block), flow_slice_of(flow, block->line), &one);
	}
	if (lost->count)
		qsort(lost->cells, lost->count, sizeof *lost->cells, compare);
	return error;
}

struct amount page_lost_take(struct page_lost *lost, size_t consumer, uint32_t slice)
{
	struct amount sum = {0};

	for (; lost->next < lost->count; lost->next++) {
		const struct page_lost_cell *cell = &lost->cells[lost->next];

		if (cell->consumer != consumer || cell->slice != slice)
			break;
		amount_add(&sum, &cell->amount);
	}
	return sum;
}

void page_lost_free(struct page_lost *lost)
{
	free(lost->consumers);
	free(lost->cells);
	*lost = (struct page_lost){.count = 0};
}
