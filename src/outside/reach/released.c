/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See released.h. A heap is a row of chunks, each with its size in front of it, up to its end. It is believed only if
 * all of its chunks fit together and each known block is one that is in use. Chunks of 64-bit machines alone are known.
 *
 * A thread keeps chunks that it released in lists, the tcache, and they look as if they were in use. They are found
 * by these lists. Small chunks in the lists of an arena (fastbins) are taken for used.
 */
#include "released.h"
#include "allocator.h"

#include <errno.h>
#include <string.h>

enum { WORD = 8, GRAIN = 16, SMALLEST = 32, PAGE = 4096, ARENA = 64 << 20, CHUNK_FLAGS = 7, IN_USE_BEFORE = 1 };

struct walk {
	const struct copy *copy;
	const struct reach_block *blocks;
	size_t count, next; /* the block that is expected next */
	uint64_t at, end;   /* of the heap */
	struct ranges *released, *caches;
};

static uint64_t word_at(const struct walk *walk, uint64_t address)
{
	uint64_t word;

	copy_word(walk->copy, address, &word);
	return word;
}

/* The size of the chunk at ADDRESS; 0 if it can be none. */
static uint64_t chunk_size(const struct walk *walk, uint64_t address)
{
	uint64_t size = word_at(walk, address + WORD) & ~(uint64_t)CHUNK_FLAGS;

	return size >= SMALLEST && size % GRAIN == 0 && size <= walk->end - address ? size : 0;
}

/* Is the chunk at ADDRESS released? The next one says so. The last one is what the heap has not handed out. */
static bool is_released(const struct walk *walk, uint64_t address, uint64_t size)
{
	return address + size == walk->end || !(word_at(walk, address + size + WORD) & IN_USE_BEFORE);
}

/* Passes over the known blocks in the chunk. False if they are no blocks of its. */
static bool pass_blocks(struct walk *walk, uint64_t chunk, uint64_t size, bool released)
{
	while (walk->next < walk->count && walk->blocks[walk->next].address < chunk + size) {
		const struct reach_block *block = &walk->blocks[walk->next++];

		if (released || block->address != chunk + GRAIN || block->size > size - WORD)
			return false;
	}
	return true;
}

/* A thread's lists of released chunks are in a chunk of this size: 64 counters of 16 bits, and 64 addresses. */
enum { CACHE_LISTS = 64, CACHE_SIZE = GRAIN + CACHE_LISTS * (2 + WORD) };

/* Takes one chunk. False if it does not fit. */
static bool take_chunk(struct walk *walk, int *error)
{
	uint64_t chunk = walk->at, size = chunk_size(walk, chunk);
	bool released = size && is_released(walk, chunk, size);

	if (!size || !pass_blocks(walk, chunk, size, released))
		return false;
	if (released && chunk + size < walk->end && word_at(walk, chunk + size) != size)
		return false;
	if (released)
		*error = ranges_add(walk->released, chunk + GRAIN, chunk + size);
	else if (size == CACHE_SIZE)
		*error = ranges_add(walk->caches, chunk + GRAIN, chunk + size);
	walk->at += size;
	return true;
}

/* Walks from AT to the heap's end. False if that is no row of chunks; then nothing was added. */
static bool walk_from(struct walk *walk, uint64_t at, int *error)
{
	const size_t released = walk->released->count, caches = walk->caches->count, next = walk->next;

	walk->at = at;
	while (!*error && walk->at < walk->end) {
		if (take_chunk(walk, error))
			continue;
		walk->released->count = released;
		walk->caches->count = caches;
		walk->next = next;
		return false;
	}
	return !*error;
}

/* The first chunk lies behind what describes the heap, the length of which depends on glibc's version. */
static int walk_heap(struct walk *walk, uint64_t begin)
{
	int error = 0;

	walk->next = 0;
	while (walk->next < walk->count && walk->blocks[walk->next].address < begin)
		walk->next++;
	for (uint64_t at = begin; at < begin + PAGE && at < walk->end && !error; at += GRAIN) {
		if (!word_at(walk, at + WORD) || !walk_from(walk, at, &error))
			continue;
		/* The words of an arena tell of released chunks. In front of others may be a thread's storage. */
		return begin % ARENA ? 0 : ranges_add(walk->released, begin, at);
	}
	return error;
}

/* The chunk behind ENTRY in a list. Since glibc 2.32, the address is mixed with that of the place where it stands. */
static uint64_t behind(const struct walk *walk, uint64_t entry, bool is_mixed)
{
	return word_at(walk, entry) ^ (is_mixed ? entry >> 12 : 0);
}

/* Adds the COUNT chunks of a list from ENTRY on, which all have SIZE. False, and nothing is added, if it is no such
 * list. */
static bool take_list(const struct walk *walk, uint64_t entry, unsigned count, uint64_t size, bool is_mixed)
{
	const size_t before = walk->released->count;
	unsigned taken = 0;

	for (; entry && taken < count; taken++, entry = behind(walk, entry, is_mixed)) {
		if (entry % GRAIN || (word_at(walk, entry - WORD) & ~(uint64_t)CHUNK_FLAGS) != size)
			break;
		if (ranges_add(walk->released, entry, entry + size - GRAIN) != 0)
			break;
	}
	if (taken == count && !entry)
		return true;
	walk->released->count = before;
	return false;
}

static void take_cache(const struct walk *walk, uint64_t cache)
{
	for (unsigned i = 0; i < CACHE_LISTS; i++) {
		uint64_t first = word_at(walk, cache + CACHE_LISTS * 2 + (uint64_t)i * WORD);
		uint64_t size = SMALLEST + (uint64_t)i * GRAIN;
		uint16_t count;

		if (!first || !copy_read(walk->copy, cache + (uint64_t)2 * i, &count, sizeof count) || !count)
			continue;
		if (!take_list(walk, first, count, size, true))
			take_list(walk, first, count, size, false);
	}
}

int released_find(struct ranges *released, const struct copy *copy, const struct reach_block *blocks, size_t count)
{
	struct ranges heaps = {.items = NULL}, caches = {.items = NULL};
	struct walk walk = {.copy = copy, .blocks = blocks, .count = count, .released = released, .caches = &caches};
	int error = copy->word == WORD ? allocator_find_heaps(&heaps, copy) : 0;

	for (size_t i = 0; !error && i < heaps.count; i++) {
		walk.end = heaps.items[i].to;
		error = walk_heap(&walk, (heaps.items[i].from + GRAIN - 1) / GRAIN * GRAIN);
	}
	for (size_t i = 0; !error && i < caches.count; i++)
		take_cache(&walk, caches.items[i].from);
	ranges_free(&heaps);
	ranges_free(&caches);
	return error;
}
