/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See arena.h. */
#include "arena.h"

#include <stdatomic.h>
#include <stdint.h>

#include "sys.h"

#define PIECE ((size_t)64 << 10)
#define ALIGN ((size_t)16)

struct piece {
	_Atomic size_t used;
	size_t size;
};

static struct piece *_Atomic current;

static struct piece *new_piece(size_t least)
{
	size_t size = least + ALIGN > PIECE ? least + ALIGN : PIECE;
	struct piece *piece = lm_sys_map(size);

	if (!piece)
		return NULL;
	atomic_store_explicit(&piece->used, ALIGN, memory_order_relaxed);
	piece->size = size;
	return piece;
}

static void *take(struct piece *piece, size_t size)
{
	size_t at = atomic_fetch_add_explicit(&piece->used, size, memory_order_relaxed);

	return at + size <= piece->size ? (char *)piece + at : NULL;
}

void *lm_arena_alloc(size_t size)
{
	struct piece *piece = atomic_load_explicit(&current, memory_order_acquire);
	void *result;

	_Static_assert(sizeof(struct piece) <= ALIGN, "a piece's head fits in front of its first block");
	size = (size + ALIGN - 1) & ~(ALIGN - 1);
	if (size > PIECE / 4) {
		piece = new_piece(size);
		return piece ? take(piece, size) : NULL;
	}
	for (;;) {
		struct piece *fresh;

		result = piece ? take(piece, size) : NULL;
		if (result)
			return result;
		fresh = new_piece(size);
		if (!fresh)
			return NULL;
		/* If two threads ask for a piece at once, the second gives its own back and uses the first one's. */
		if (atomic_compare_exchange_strong(&current, &piece, fresh))
			piece = fresh;
		else
			lm_sys_unmap(fresh, fresh->size);
	}
}

void *lm_arena_alloc_aligned(size_t size, size_t alignment)
{
	uintptr_t at = (uintptr_t)lm_arena_alloc(size + alignment - ALIGN);

	return at ? (void *)((at + alignment - 1) & ~(uintptr_t)(alignment - 1)) : NULL;
}

char *lm_arena_string(const char *string)
{
	size_t size = __builtin_strlen(string) + 1;
	char *copy = lm_arena_alloc(size);

	return copy ? __builtin_memcpy(copy, string, size) : NULL;
}
