/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See inside.h. */
#include "inside.h"
#include "memory.h"

#include <string.h>

/* The string of C++ before 2011: its length, its capacity and a counter stand in front of its characters. */
static bool is_string(const struct copy *copy, const struct reach_block *block, uint64_t pointer)
{
	const unsigned word = copy->word;
	uint64_t length, capacity;

	if (pointer != block->address + (uint64_t)3 * word || !copy_word(copy, block->address, &length) ||
	    !copy_word(copy, block->address + word, &capacity))
		return false;
	return length <= capacity && capacity == block->size - (uint64_t)3 * word - 1;
}

/* An allocator on top of malloc, such as sqlite's, writes the length in 64 bits in front of what it hands out. */
static bool has_length(const struct copy *copy, const struct reach_block *block, uint64_t pointer)
{
	uint64_t length;

	if (pointer != block->address + sizeof length || block->size <= sizeof length)
		return false;
	return copy_read(copy, block->address, &length, sizeof length) && length == block->size - sizeof length;
}

/*
 * A string of the library sds, which redis has all its data in: in front of the characters stand a length, the room,
 * and a byte with the kind of these. The shortest kind has its length in that byte, and fills its block.
 */
static bool is_sds(const struct copy *copy, const struct reach_block *block, uint64_t pointer)
{
	static const unsigned char widths[] = {0, 1, 2, 4, 8};
	const uint64_t head = pointer - block->address;
	uint64_t length = 0, room = 0;
	unsigned char kind;
	unsigned width;

	if (head > 17 || block->size < head + 1 || !copy_read(copy, pointer - 1, &kind, 1))
		return false;
	if ((kind & 7) == 0)
		return head == 1 && kind && (kind >> 3) == block->size - 2;
	if (kind >= sizeof widths || head != 2 * widths[kind] + 1u)
		return false;
	width = widths[kind];
	if (!copy_read(copy, block->address, &length, width) || !copy_read(copy, block->address + width, &room, width))
		return false;
	/* The room is what the allocator gave, as far as the number has room for it. */
	return length <= room && room < 2 * block->size + 64 &&
	       (room >= block->size - head - 1 || (width < 8 && room == (UINT64_C(1) << 8 * width) - 1));
}

/* An array whose elements have destructors: their number stands in front of them. */
static bool is_array(const struct copy *copy, const struct reach_block *block, uint64_t pointer)
{
	uint64_t count;

	if (!block->may_be_array || pointer != block->address + copy->word || block->size < copy->word)
		return false;
	return copy_word(copy, block->address, &count) && count && (block->size - copy->word) % count == 0;
}

/* ---- several base classes -------------------------------------------------------- */

/* A word of the process that is the same at all times: it is read now, if the process is there. */
static bool constant_word(const struct copy *copy, uint64_t address, uint64_t *word)
{
	*word = 0;
	return copy_word(copy, address, word) || memory_read(copy->pid, address, word, copy->word) == copy->word;
}

static bool is_code(const struct copy *copy, uint64_t address)
{
	const struct region *region = regions_find(&copy->regions, address);

	return region && region->executable && region->inode;
}

/*
 * A table of virtual functions has addresses of functions, and zeros where a class has none of its own. Two of them
 * are sought among the first words, because the table of a class with few functions ends soon.
 */
static bool has_functions(const struct copy *copy, uint64_t table)
{
	enum { WORDS = 4 };
	unsigned found = 0;

	for (unsigned i = 0; i < WORDS; i++) {
		uint64_t function;

		if (!constant_word(copy, table + (uint64_t)i * copy->word, &function))
			return found > 0;
		if (function && !is_code(copy, function))
			return found > 0;
		found += function != 0;
	}
	return found > 0;
}

static bool is_table(struct inside *inside, const struct copy *copy, uint64_t address)
{
	size_t place = (size_t)(address / copy->word) % (sizeof inside->known / sizeof *inside->known);
	const struct region *region;

	if (!address || address % copy->word)
		return false;
	if (inside->known[place].address == address)
		return inside->known[place].is_table;
	region = regions_find(&copy->regions, address);
	inside->known[place].address = address;
	inside->known[place].is_table =
		region && region->inode && region->readable && !region->executable && has_functions(copy, address);
	return inside->known[place].is_table;
}

/* An object with several base classes has the address of a table at its start and at that of each of the others. */
static bool is_base(struct inside *inside, const struct copy *copy, const struct reach_block *block, uint64_t pointer)
{
	uint64_t first, its;

	if (pointer % copy->word || pointer + copy->word > block->address + block->size)
		return false;
	if (!copy_word(copy, block->address, &first) || !copy_word(copy, pointer, &its))
		return false;
	return is_table(inside, copy, first) && is_table(inside, copy, its);
}

bool inside_counts(struct inside *inside, const struct copy *copy, const struct reach_block *block, uint64_t pointer)
{
	return is_string(copy, block, pointer) || has_length(copy, block, pointer) || is_sds(copy, block, pointer) ||
	       is_array(copy, block, pointer) || is_base(inside, copy, block, pointer);
}
