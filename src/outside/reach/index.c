/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See index.h. Most words point to no block, and many are in none of the spans. Within a span, a table tells for each
 * grain of 512 bytes the blocks that begin there, and few do.
 */
#include "index.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>

enum { GRAIN = 512 };

/* Blocks with more bytes than that between them lie in different spans. */
#define GAP (UINT64_C(1) << 20)

static int fill_span(struct index *index, struct index_span *span, size_t begin, size_t end)
{
	uint64_t last = index->blocks[end - 1].address;
	size_t grain = 0;

	span->grains = (size_t)((last - span->from) / GRAIN) + 1;
	span->first = malloc((span->grains + 1) * sizeof *span->first);
	if (!span->first)
		return -ENOMEM;
	for (size_t i = begin; i < end; i++) {
		size_t its = (size_t)((index->blocks[i].address - span->from) / GRAIN);

		while (grain <= its)
			span->first[grain++] = (uint32_t)i;
	}
	span->first[grain] = (uint32_t)end;
	return 0;
}

/* Adds the span of the blocks from BEGIN up to END. */
static int add_span(struct index *index, size_t begin, size_t end, uint64_t to)
{
	struct index_span *spans = array_grow(index->spans, &index->span_room, index->span_count + 1, sizeof *spans);
	struct index_span *span;

	if (!spans)
		return -ENOMEM;
	index->spans = spans;
	span = &spans[index->span_count++];
	*span = (struct index_span){.from = index->blocks[begin].address, .to = to};
	return fill_span(index, span, begin, end);
}

int index_make(struct index *index, const struct reach_block *blocks, size_t count)
{
	uint64_t to = 0;
	size_t begin = 0;
	int error = 0;

	*index = (struct index){.blocks = blocks, .count = count};
	if (count >= UINT32_MAX)
		return -E2BIG;
	for (size_t i = 0; !error && i < count; i++) {
		if (i > begin && blocks[i].address > to && blocks[i].address - to > GAP) {
			error = add_span(index, begin, i, to);
			begin = i;
			to = 0;
		}
		if (index_end(&blocks[i]) > to)
			to = index_end(&blocks[i]);
	}
	if (!error && count)
		error = add_span(index, begin, count, to);
	if (!error && count) {
		index->low = blocks[0].address;
		index->span = index->spans[index->span_count - 1].to - index->low;
	}
	return error;
}

static inline bool span_has(const struct index_span *span, uint64_t address)
{
	return address >= span->from && address < span->to;
}

/* The span with ADDRESS, or NULL. It is mostly the one that was found last. */
static const struct index_span *find_span(struct index *index, uint64_t address)
{
	size_t low = 0, high = index->span_count;

	if (span_has(&index->spans[index->last], address))
		return &index->spans[index->last];
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct index_span *span = &index->spans[middle];

		if (span_has(span, address)) {
			index->last = middle;
			return span;
		}
		if (address < span->from)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* How many of the blocks LOW up to HIGH begin at ADDRESS or in front of it, counted from the first of all. */
static size_t count_begun(const struct index *index, size_t low, size_t high, uint64_t address)
{
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (index->blocks[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t index_find_near(struct index *index, uint64_t address)
{
	const struct index_span *span = find_span(index, address);
	size_t grain, begun;

	if (!span)
		return INDEX_NONE;
	grain = (size_t)((address - span->from) / GRAIN);
	/* The span's last block can be longer than the table. */
	begun = grain < span->grains ? count_begun(index, span->first[grain], span->first[grain + 1], address)
	                             : span->first[span->grains];
	return begun && address < index_end(&index->blocks[begun - 1]) ? begun - 1 : INDEX_NONE;
}

size_t index_first_behind(const struct index *index, uint64_t address)
{
	size_t begun = count_begun(index, 0, index->count, address);

	return begun && index_end(&index->blocks[begun - 1]) > address ? begun - 1 : begun;
}

void index_free(struct index *index)
{
	for (size_t i = 0; i < index->span_count; i++)
		free(index->spans[i].first);
	free(index->spans);
	*index = (struct index){.blocks = NULL};
}
