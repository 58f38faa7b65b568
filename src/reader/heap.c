/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See heap.h. Open addressing with linear probing, at most three quarters full;
 * a removal closes the gap, so that no tombstones gather in a long trace.
 */
#include "heap.h"
#include "hash.h"

#include <errno.h>
#include <stdlib.h>

enum { HEAP_SLOTS = 1024 };

static size_t home(const struct heap *heap, uint64_t address)
{
	return hash_mix(address) & heap->mask;
}

/* Where ADDRESS is, or the empty slot where it would be. */
static size_t find_slot(const struct heap *heap, uint64_t address)
{
	size_t i = home(heap, address);

	while (heap->slots[i].address && heap->slots[i].address != address)
		i = (i + 1) & heap->mask;
	return i;
}

static int grow(struct heap *heap)
{
	struct heap larger = *heap;
	size_t size = heap->slots ? (heap->mask + 1) * 2 : HEAP_SLOTS;

	larger.slots = calloc(size, sizeof *larger.slots);
	if (!larger.slots)
		return -ENOMEM;
	larger.mask = size - 1;
	for (size_t i = 0; heap->slots && i <= heap->mask; i++)
		if (heap->slots[i].address)
			larger.slots[find_slot(&larger, heap->slots[i].address)] = heap->slots[i];
	free(heap->slots);
	*heap = larger;
	return 0;
}

static int insert(struct heap *heap, const struct heap_block *block)
{
	struct heap_block *slot;

	if (!heap->slots || heap->blocks >= (heap->mask + 1) / 4 * 3) {
		int error = grow(heap);

		if (error)
			return error;
	}
	slot = &heap->slots[find_slot(heap, block->address)];
	if (slot->address) {
		/* Its release is missing from the trace: the block is gone all the same. */
		heap->counts.replaced++;
		heap->bytes -= slot->size;
		heap->blocks--;
	}
	*slot = *block;
	heap->counts.allocated++;
	heap->bytes += block->size;
	heap->blocks++;
	return 0;
}

/* Moves back what probing would no longer find behind the gap at HOLE. */
static void close_gap(struct heap *heap, size_t hole)
{
	for (size_t i = (hole + 1) & heap->mask; heap->slots[i].address; i = (i + 1) & heap->mask) {
		size_t distance = (i - home(heap, heap->slots[i].address)) & heap->mask;

		if (distance < ((i - hole) & heap->mask))
			continue;
		heap->slots[hole] = heap->slots[i];
		hole = i;
	}
	heap->slots[hole].address = 0;
}

static void release(struct heap *heap, uint64_t address, bool foreign)
{
	size_t i = heap->slots ? find_slot(heap, address) : 0;

	if (!heap->slots || !heap->slots[i].address) {
		if (foreign)
			heap->counts.foreign++;
		else
			heap->counts.unknown++;
		return;
	}
	/* Also when the event calls it foreign: what the trace has shown decides. */
	heap->counts.released++;
	heap->bytes -= heap->slots[i].size;
	heap->blocks--;
	close_gap(heap, i);
}

int heap_apply(struct heap *heap, const struct event *event, uint32_t stack, uint64_t line)
{
	struct heap_block block = {
		.address = event->pointer,
		.size = event->size,
		.line = line,
		.stack = stack,
		.call = event->call,
	};

	if (event->failed) {
		heap->counts.failed++;
		return 0;
	}
	if (record_is_free(event->call)) {
		if (event->pointer)
			release(heap, event->pointer, event->foreign);
		return 0;
	}
	if (record_is_realloc(event->call) && event->old)
		release(heap, event->old, event->foreign);
	return event->pointer ? insert(heap, &block) : 0;
}

const struct heap_block *heap_find(const struct heap *heap, uint64_t address)
{
	const struct heap_block *slot;

	if (!heap->slots || !address)
		return NULL;
	slot = &heap->slots[find_slot(heap, address)];
	return slot->address ? slot : NULL;
}

const struct heap_block *heap_next(const struct heap *heap, size_t *position)
{
	while (heap->slots && *position <= heap->mask) {
		const struct heap_block *slot = &heap->slots[(*position)++];

		if (slot->address)
			return slot;
	}
	return NULL;
}

void heap_free(struct heap *heap)
{
	free(heap->slots);
	*heap = (struct heap){0};
}
