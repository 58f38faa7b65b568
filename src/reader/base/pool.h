/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings that live as long as what they belong to, and are freed together. */
#ifndef LM_READER_POOL_H
#define LM_READER_POOL_H

#include <stddef.h>

struct pool_chunk;

struct pool {
	struct pool_chunk *newest; /* a pool of zeros is an empty one */
};

/* SIZE bytes, aligned for anything. NULL without memory. */
void *pool_alloc(struct pool *pool, size_t size);

/* A copy of LEN bytes with a NUL behind it. NULL without memory. */
char *pool_copy(struct pool *pool, const char *text, size_t len);

/* Frees everything; the pool is empty again. */
void pool_free(struct pool *pool);

#endif
