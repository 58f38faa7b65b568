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
	struct piece *next;
};

/* A piece's head, in front of its first block. */
#define HEAD ((sizeof(struct piece) + ALIGN - 1) & ~(ALIGN - 1))

static struct piece *_Atomic current;
/* All pieces. */
static struct piece *_Atomic pieces;

static struct piece *new_piece(size_t least)
{
	size_t size = least + HEAD > PIECE ? least + HEAD : PIECE;
	struct piece *piece = lm_sys_map(size);

	if (!piece)
		return NULL;
	atomic_store_explicit(&piece->used, HEAD, memory_order_relaxed);
	piece->size = size;
	return piece;
}

static struct piece *listed(struct piece *piece)
{
	if (!piece)
		return NULL;
	piece->next = atomic_load_explicit(&pieces, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&pieces, &piece->next, piece))
		;
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

	size = (size + ALIGN - 1) & ~(ALIGN - 1);
	if (size > PIECE / 4) {
		piece = listed(new_piece(size));
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
			piece = listed(fresh);
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

void lm_arena_release(void)
{
	struct piece *piece = atomic_exchange(&pieces, NULL), *next;

	atomic_store(&current, NULL);
	for (; piece; piece = next) {
		next = piece->next;
		lm_sys_unmap(piece, piece->size);
	}
}
