/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arrays that grow by doubling. */
#ifndef LM_READER_ARRAY_H
#define LM_READER_ARRAY_H

#include <stdint.h>
#include <stdlib.h>

/*
 * Gives ITEMS room for at least NEED items of SIZE bytes, and returns it. *ROOM is
 * the number of items that there is room for. Returns NULL if there is no memory;
 * ITEMS is not changed then.
 */
static inline void *array_grow(void *items, size_t *room, size_t need, size_t size)
{
	size_t more = *room ? *room : 16;
	void *grown;

	if (need <= *room)
		return items;
	while (more < need) {
		if (more > SIZE_MAX / 2)
			return NULL;
		more *= 2;
	}
	grown = reallocarray(items, more, size);
	if (grown)
		*room = more;
	return grown;
}

#endif
