/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See musl.h. Since musl 1.2.1, blocks lie in groups. The bytes in front of a block tell how far its group begins
 * before it. A group begins with the address of its description, elsewhere, which has the address of the group. A group
 * has a mapping of its own, or lies in a block of a larger group. Mappings can be as small as a page, and the program's
 * own lie between them.
 */
#include "musl.h"

#include <string.h>

enum { UNIT = 16, PAGE = 4096 };

/* The address of the group that the block would lie in. */
static bool find_group(const struct copy *copy, uint64_t address, uint64_t *group)
{
	unsigned char head[8];
	uint16_t near;
	uint32_t far;

	if (address % UNIT || !copy_read(copy, address - sizeof head, head, sizeof head))
		return false;
	memcpy(&near, head + 6, sizeof near);
	memcpy(&far, head, sizeof far);
	/* A byte that is not 0 says that the distance has 32 bits. Then the shorter number is 0. */
	if (head[4] && near)
		return false;
	*group = address - UNIT * ((uint64_t)(head[4] ? far : near) + 1);
	return true;
}

bool musl_find(const struct copy *copy, uint64_t address, struct range *mapping)
{
	enum { LEVELS = 8, MAPLEN_SHIFT = 12 };
	const unsigned word = copy->word;

	for (int level = 0; level < LEVELS; level++) {
		uint64_t group, description, its, bits;

		if (!find_group(copy, address, &group) || !copy_word(copy, group, &description) ||
		    !copy_word(copy, description + (uint64_t)2 * word, &its) || its != group)
			return false;
		/* Two masks of 32 bits each stand between. */
		if (!copy_word(copy, description + (uint64_t)3 * word + 8, &bits))
			return false;
		if (bits >> MAPLEN_SHIFT) {
			*mapping = (struct range){group, group + (bits >> MAPLEN_SHIFT) * PAGE};
			return group % PAGE == 0 && mapping->to > address;
		}
		address = group;
	}
	return false;
}
