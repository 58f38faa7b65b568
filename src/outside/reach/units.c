/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See units.h. jemalloc 5 maps multiples of 2 MiB, mimalloc 2 maps segments of 32 MiB. Their libraries are known by
 * name; under another name, or linked into the program, they are allocators that are not known.
 */
#include "units.h"

#include <string.h>

#define JEMALLOC_UNIT (UINT64_C(2) << 20)
#define MIMALLOC_UNIT (UINT64_C(32) << 20)

static bool has_library(const struct copy *copy, const char *start)
{
	for (size_t i = 0; i < copy->regions.count; i++) {
		const char *name = strrchr(copy->regions.items[i].name, '/');

		if (name && strncmp(name + 1, start, strlen(start)) == 0)
			return true;
	}
	return false;
}

uint64_t units_size(const struct copy *copy)
{
	if (has_library(copy, "libjemalloc."))
		return JEMALLOC_UNIT;
	return has_library(copy, "libmimalloc.") ? MIMALLOC_UNIT : 0;
}

/*
 * The size of the structures that begin at ADDRESS, 0 if none do. The first words are their size, where the next ones
 * are, flags, and the address up to which they are in use.
 */
static uint64_t own_size(const struct copy *copy, uint64_t address, uint64_t end)
{
	uint64_t size, next, used;

	if (!copy_word(copy, address, &size) || !copy_word(copy, address + copy->word, &next) ||
	    !copy_word(copy, address + (uint64_t)3 * copy->word, &used))
		return 0;
	if (!size || size % JEMALLOC_UNIT || size > end - address || next % JEMALLOC_UNIT)
		return 0;
	return used > address && used <= address + size ? size : 0;
}

int units_find_own(struct ranges *its, const struct copy *copy)
{
	int error = 0;

	if (units_size(copy) != JEMALLOC_UNIT)
		return 0;
	for (size_t i = 0; !error && i < copy->regions.count; i++) {
		const struct region *region = &copy->regions.items[i];
		uint64_t at = (region->start + JEMALLOC_UNIT - 1) / JEMALLOC_UNIT * JEMALLOC_UNIT;

		if (region->inode || region->shared || !region->writable || *region->name)
			continue;
		for (; !error && at < region->end; at += JEMALLOC_UNIT)
			error = ranges_add(its, at, at + own_size(copy, at, region->end));
	}
	return error;
}
