/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See heap.h. A hash table with open addressing and linear probing, at most half full.
 * A removal closes the gap, so a long trace leaves no tombstones.
 */
#include "heap.h"
#include "threads.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

_Static_assert(LM_CALL_COUNT <= 1 << 5 && THREADS_MAX <= 1 << 18, "they fit into struct heap_block");

enum { HEAP_SLOTS = 1024, CACHE_LINE = 64, HUGE_PAGE = 2 * 1024 * 1024 };

/* The slot that has ADDRESS, or the empty slot where it can be put. */
static inline size_t find_slot(const struct heap *heap, uint64_t address)
{
	size_t i = heap_home(heap, address);

	while (heap->slots[i].address && heap->slots[i].address != address)
		i = (i + 1) & heap->mask;
	return i;
}

/*
 * Allocates slots of zeros. No slot lies in two cache lines. A large table gets huge
 * pages, since it is accessed at random. calloc() does not clear memory that is new
 * from the kernel; aligned_alloc() and memset() would. *MEMORY has to be freed.
 */
static struct heap_block *new_slots(size_t count, void **memory)
{
	size_t size = count * sizeof(struct heap_block), align = size < HUGE_PAGE ? CACHE_LINE : HUGE_PAGE;
	char *slots = calloc(1, size + align);

	*memory = slots;
	if (!slots)
		return NULL;
	slots += -(uintptr_t)slots & (align - 1);
	if (size >= HUGE_PAGE)
		madvise(slots, size, MADV_HUGEPAGE);
	return (struct heap_block *)(void *)slots;
}

static __attribute__((noinline)) int grow(struct heap *heap)
{
	struct heap larger = *heap;
	size_t size = heap->slots ? (heap->mask + 1) * 2 : HEAP_SLOTS;

	larger.slots = new_slots(size, &larger.memory);
	if (!larger.memory)
		return -ENOMEM;
	larger.mask = size - 1;
	larger.shift = (unsigned)__builtin_clzll(size) + 1;
	for (size_t i = 0; heap->slots && i <= heap->mask; i++)
		if (heap->slots[i].address)
			larger.slots[find_slot(&larger, heap->slots[i].address)] = heap->slots[i];
	free(heap->memory);
	*heap = larger;
	return 0;
}

/* Counts the block in SLOT out, and tells the observer. The caller then overwrites the slot or closes the gap. */
static inline void let_go(struct heap *heap, const struct heap_block *slot)
{
	heap->bytes -= slot->size;
	heap->slack -= slot->slack;
	heap->blocks--;
	if (heap->observer.left)
		heap->observer.left(heap->observer.context, slot);
}

static inline __attribute__((always_inline)) int insert(struct heap *heap, const struct heap_block *block)
{
	struct heap_block *slot;

	if (!heap->slots || heap->blocks >= (heap->mask + 1) / 2) {
		int error = grow(heap);

		if (error)
			return error;
	}
	slot = &heap->slots[find_slot(heap, block->address)];
	if (slot->address) {
		/* The trace does not show its release, but the block must be gone. */
		heap->counts.replaced++;
		let_go(heap, slot);
	}
	*slot = *block;
	heap->counts.allocated++;
	heap->bytes += block->size;
	heap->slack += block->slack;
	heap->blocks++;
	return heap->observer.came ? heap->observer.came(heap->observer.context, block) : 0;
}

/* Closes the gap at HOLE: moves back blocks that probing would no longer find behind it. */
static void close_gap(struct heap *heap, size_t hole)
{
	for (size_t i = (hole + 1) & heap->mask; heap->slots[i].address; i = (i + 1) & heap->mask) {
		size_t distance = (i - heap_home(heap, heap->slots[i].address)) & heap->mask;

		if (distance < ((i - hole) & heap->mask))
			continue;
		heap->slots[hole] = heap->slots[i];
		hole = i;
	}
	heap->slots[hole].address = 0;
}

static __attribute__((noinline)) int miss(struct heap *heap, const struct heap_change *change)
{
	if (change->foreign)
		heap->counts.foreign++;
	else
		heap->counts.unknown++;
	return heap->observer.missed ? heap->observer.missed(heap->observer.context, change) : 0;
}

static inline __attribute__((always_inline)) int release(struct heap *heap, const struct heap_change *change)
{
	size_t i = heap->slots ? find_slot(heap, change->released) : 0;

	if (!heap->slots || !heap->slots[i].address)
		return miss(heap, change);
	/* This counts as a release even if the event calls the block foreign: the trace shows its allocation. */
	heap->counts.released++;
	let_go(heap, &heap->slots[i]);
	close_gap(heap, i);
	return 0;
}

static inline int32_t clamped(int64_t slack)
{
	return slack < INT32_MIN ? INT32_MIN : slack > INT32_MAX ? INT32_MAX : (int32_t)slack;
}

/* Sets CHANGE to what a successful event does. */
static inline void set_change(struct heap_change *change, const struct event *event, uint32_t stack, uint64_t line)
{
	bool frees = parse_is_free(event->call);

	*change = (struct heap_change){
		.released = frees ? event->pointer : event->old,
		.added = {.address = frees ? 0 : event->pointer,
	                  .size = event->size,
	                  .line = line,
	                  .stack = stack,
	                  .slack = clamped(event->slack),
	                  .call = event->call,
	                  .busy = event->busy,
	                  .thread = event->by},
		.foreign = event->foreign,
	};
}

/* The functions that many events go through in a loop are inlined into it. */
static inline __attribute__((always_inline)) int apply_inlined(struct heap *heap, const struct heap_change *change)
{
	int error = change->released ? release(heap, change) : 0;

	return !error && change->added.address ? insert(heap, &change->added) : error;
}

static __attribute__((noinline)) int apply(struct heap *heap, const struct heap_change *change)
{
	return apply_inlined(heap, change);
}

int heap_apply(struct heap *heap, const struct event *event, uint32_t stack, uint64_t line)
{
	struct heap_change change;
	int error = heap_settle(heap);

	heap->counts.failed += event->failed;
	if (error || event->failed)
		return error;
	set_change(&change, event, stack, line);
	return apply(heap, &change);
}

int heap_apply_later(struct heap *heap, const struct event *event, uint32_t stack, uint64_t line)
{
	struct heap_change *place = &heap->queue[heap->queue_end % HEAP_QUEUE];
	int error = 0;

	heap->counts.failed += event->failed;
	if (event->failed)
		return 0;
	if (heap->queue_end - heap->queue_begin == HEAP_QUEUE) {
		error = apply(heap, place);
		heap->queue_begin++;
	}
	set_change(place, event, stack, line);
	heap->queue_end++;
	heap_fetch(heap, place->released ? place->released : place->added.address);
	return error;
}

int heap_apply_all(struct heap *heap, const struct heap_change *changes, size_t count)
{
	int error = 0;

	for (size_t i = 0; !error && i < count; i++)
		error = apply_inlined(heap, &changes[i]);
	return error;
}

int heap_settle(struct heap *heap)
{
	int error = 0;

	while (!error && heap->queue_begin != heap->queue_end)
		error = apply(heap, &heap->queue[heap->queue_begin++ % HEAP_QUEUE]);
	return error;
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
	free(heap->memory);
	*heap = (struct heap){0};
}
