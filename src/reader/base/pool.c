/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See pool.h. */
#include "pool.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_CHUNK = 64 * 1024 };

struct pool_chunk {
	struct pool_chunk *older;
	size_t used;
	size_t room;
	alignas(max_align_t) char bytes[];
};

static struct pool_chunk *new_chunk(struct pool *pool, size_t size)
{
	size_t room = size > POOL_CHUNK ? size : POOL_CHUNK;
	struct pool_chunk *chunk = malloc(sizeof *chunk + room);

	if (!chunk)
		return NULL;
	*chunk = (struct pool_chunk){.older = pool->newest, .room = room};
	pool->newest = chunk;
	return chunk;
}

void *pool_alloc(struct pool *pool, size_t size)
{
	struct pool_chunk *chunk = pool->newest;
	void *bytes;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!chunk || chunk->room - chunk->used < size)
		chunk = new_chunk(pool, size);
	if (!chunk)
		return NULL;
	bytes = chunk->bytes + chunk->used;
	chunk->used += size;
	return bytes;
}

char *pool_copy(struct pool *pool, const char *text, size_t len)
{
	char *copy = pool_alloc(pool, len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

void pool_free(struct pool *pool)
{
	while (pool->newest) {
		struct pool_chunk *older = pool->newest->older;

		free(pool->newest);
		pool->newest = older;
	}
}
