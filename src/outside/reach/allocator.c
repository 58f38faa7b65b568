/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See allocator.h. glibc's memory is recognised for certain: what brk() gave, the heaps of threads' arenas, which tell
 * their sizes, and chunks with a mapping of their own, which tell that. The kernel shows neighbouring mappings as one,
 * so the rest of such a region can be the program's. Of another allocator, it is the pages that have blocks and those
 * between them.
 */
#include "allocator.h"
#include "musl.h"
#include "units.h"

#include <errno.h>
#include <string.h>

enum { PAGE = 4096 };

/* Other allocators get memory in units of at least so many bytes, at multiples of that. */
#define UNIT (UINT64_C(2) << 20)

/* Flags in the word in front of a block of glibc's. */
enum { CHUNK_MAPPED = 2, CHUNK_FLAGS = 7 };

/* ---- memory by brk() ------------------------------------------------------------- */

/* What of the region was got by brk(). The kernel may show the program's last variables in the same line. */
static struct range heap_of(const struct copy *copy, const struct region *region)
{
	bool begins_inside = copy->heap > region->start && copy->heap < region->end;

	return (struct range){begins_inside ? copy->heap : region->start, region->end};
}

/*
 * In a static program, the first thread's thread-local storage and its struct pthread lie at the start of that memory.
 * Where the thread pointer is, or the start.
 */
static uint64_t skip_storage(const struct copy *copy, struct range heap)
{
	for (size_t i = 0; i < copy->thread_count; i++) {
		if (copy->threads[i].tp >= heap.from && copy->threads[i].tp < heap.to)
			return copy->threads[i].tp;
	}
	return heap.from;
}

static uint64_t skip_first_thread(const struct copy *copy, struct range heap)
{
	enum { PTHREAD = 2560 };
	uint64_t from = skip_storage(copy, heap);

	return from == heap.from ? from : from + PTHREAD;
}

static int add_heap(struct ranges *its, const struct copy *copy, const struct ranges *occupied)
{
	int error = 0;

	for (size_t i = 0; !error && i < copy->regions.count; i++) {
		const struct region *region = &copy->regions.items[i];
		struct range heap = heap_of(copy, region);

		if (strcmp(region->name, "[heap]") != 0 || !ranges_touch(occupied, heap.from, heap.to))
			continue;
		error = ranges_add(its, skip_first_thread(copy, heap), heap.to);
	}
	return error;
}

/* ---- arenas of threads ----------------------------------------------------------- */

/* The greatest size of such a heap, which begins at a multiple of it. */
static uint64_t heap_size(const struct copy *copy)
{
	return copy->word == 8 ? UINT64_C(64) << 20 : UINT64_C(1) << 20;
}

/* The heap at ADDRESS, if there is one: its size, and the bytes that were ever used. Its first words are heap_info. */
static bool is_heap(const struct copy *copy, uint64_t address, uint64_t *size, uint64_t *used)
{
	const uint64_t most = heap_size(copy);
	uint64_t arena, before;

	if (!copy_word(copy, address, &arena) || !copy_word(copy, address + copy->word, &before) ||
	    !copy_word(copy, address + (uint64_t)2 * copy->word, size) ||
	    !copy_word(copy, address + (uint64_t)3 * copy->word, used))
		return false;
	if (!arena || arena % (2 * copy->word) || before % most || !*size || *size % PAGE || *used % PAGE)
		return false;
	/* The arena's first heap has the arena behind its own words, and none before it. */
	return *size <= *used && *used <= most && (arena - address <= (uint64_t)16 * copy->word) == !before;
}

/* Adds the heaps of arenas, up to the end of what was ever used, or else to that of what is. */
static int add_arenas(struct ranges *its, const struct copy *copy, bool ever)
{
	const uint64_t size = heap_size(copy);
	int error = 0;

	for (size_t i = 0; !error && i < copy->regions.count; i++) {
		const struct region *region = &copy->regions.items[i];
		uint64_t at = (region->start + size - 1) / size * size;

		if (region->inode || region->shared || !region->writable || *region->name)
			continue;
		for (; !error && at < region->end; at += size) {
			uint64_t now, used;

			if (is_heap(copy, at, &now, &used) && used <= region->end - at)
				error = ranges_add(its, at, at + (ever ? used : now));
		}
	}
	return error;
}

/* ---- chunks with a mapping of their own ------------------------------------------ */

/* The mapping of the chunk that BLOCK is in, if it has one. */
static bool is_mapped_chunk(const struct copy *copy, const struct reach_block *block, struct range *mapping)
{
	const uint64_t chunk = block->address - (uint64_t)2 * copy->word;
	uint64_t front, tag, size;

	if (!copy_word(copy, chunk, &front) || !copy_word(copy, chunk + copy->word, &tag))
		return false;
	size = tag & ~(uint64_t)CHUNK_FLAGS;
	if ((tag & CHUNK_FLAGS) != CHUNK_MAPPED || front > chunk || (chunk - front) % PAGE || (front + size) % PAGE)
		return false;
	if (size < block->size || size - block->size > (UINT64_C(1) << 20) + PAGE)
		return false;
	*mapping = (struct range){chunk - front, chunk + size};
	return true;
}

/* ---- other allocators ------------------------------------------------------------ */

/* Can an allocator have got the region by mmap()? One behind a file is the rest of a program's variables. */
static bool is_for_blocks(const struct copy *copy, const struct region *region)
{
	if (!region || region->inode || region->shared || *region->name)
		return false;
	return region == copy->regions.items || !region[-1].inode || region[-1].end != region->start;
}

/* Is what lies from FROM up to TO in one unit, all of which is mapped? */
static bool is_in_unit(const struct region *region, uint64_t from, uint64_t to)
{
	uint64_t unit = from / UNIT * UNIT;

	return to <= unit + UNIT && unit >= region->start && unit + UNIT <= region->end;
}

/* The whole unit of SIZE bytes that BLOCK is in, as far as it is mapped. */
static struct range unit_of(const struct reach_block *block, const struct region *region, uint64_t size)
{
	uint64_t from = block->address / size * size;

	return (struct range){from > region->start ? from : region->start,
	                      from + size < region->end ? from + size : region->end};
}

/* Adds the pages of BLOCK, and those between them and LAST, the pages that were added before. */
static int add_pages(struct ranges *its, struct range *last, const struct reach_block *block,
                     const struct region *region)
{
	uint64_t from = block->address / PAGE * PAGE;
	uint64_t to = (block->address + block->size + PAGE) / PAGE * PAGE;

	if (to > region->end)
		to = region->end;
	if (last->to <= from && last->to && is_in_unit(region, last->to - 1, from))
		from = last->to;
	*last = (struct range){from, to};
	return ranges_add(its, from, to);
}

/* ---- all ------------------------------------------------------------------------- */

/* Where blocks are: the ranges of those that lie near each other. */
static int find_occupied(struct ranges *occupied, const struct reach_block *blocks, size_t count)
{
	struct range current = {0, 0};
	int error = 0;

	for (size_t i = 0; !error && i < count; i++) {
		uint64_t end = blocks[i].address + blocks[i].size + 1;

		if (i && blocks[i].address <= current.to + PAGE) {
			current.to = end > current.to ? end : current.to;
			continue;
		}
		error = ranges_add(occupied, current.from, current.to);
		current = (struct range){blocks[i].address, end};
	}
	if (!error)
		error = ranges_add(occupied, current.from, current.to);
	ranges_sort(occupied);
	return error;
}

static int add_others(struct ranges *its, const struct copy *copy, const struct reach_block *blocks, size_t count)
{
	struct ranges more = {.items = NULL};
	struct range last = {0, 0}, mapping = {0, 0};
	const uint64_t unit = units_size(copy);
	int error = units_find_own(&more, copy);

	for (size_t i = 0; !error && i < count; i++) {
		const struct region *region;

		/* Many blocks lie in the same mapping. */
		if (ranges_find(its, blocks[i].address) ||
		    (blocks[i].address >= mapping.from && blocks[i].address < mapping.to))
			continue;
		region = regions_find(&copy->regions, blocks[i].address);
		if (unit && is_for_blocks(copy, region)) {
			mapping = unit_of(&blocks[i], region, unit);
			error = ranges_add(&more, mapping.from, mapping.to);
		} else if (is_mapped_chunk(copy, &blocks[i], &mapping) ||
		           musl_find(copy, blocks[i].address, &mapping)) {
			error = ranges_add(&more, mapping.from, mapping.to);
		} else if (is_for_blocks(copy, region)) {
			error = add_pages(&more, &last, &blocks[i], region);
		}
	}
	for (size_t i = 0; !error && i < more.count; i++)
		error = ranges_add(its, more.items[i].from, more.items[i].to);
	ranges_free(&more);
	return error;
}

int allocator_find(struct ranges *its, const struct copy *copy, const struct reach_block *blocks, size_t count)
{
	struct ranges occupied = {.items = NULL};
	int error = find_occupied(&occupied, blocks, count);

	if (!error)
		error = add_heap(its, copy, &occupied);
	if (!error)
		error = add_arenas(its, copy, true);
	ranges_sort(its);
	if (!error)
		error = add_others(its, copy, blocks, count);
	ranges_sort(its);
	ranges_free(&occupied);
	return error;
}

int allocator_find_heaps(struct ranges *heaps, const struct copy *copy)
{
	int error = 0;

	for (size_t i = 0; !error && i < copy->regions.count; i++) {
		struct range heap = heap_of(copy, &copy->regions.items[i]);

		if (strcmp(copy->regions.items[i].name, "[heap]") == 0)
			error = ranges_add(heaps, skip_storage(copy, heap), heap.to);
	}
	return error ? error : add_arenas(heaps, copy, false);
}
