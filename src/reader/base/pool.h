/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory for many small things, mostly strings, that are all freed at the same time. */
#ifndef LM_READER_POOL_H
#define LM_READER_POOL_H

#include <stddef.h>

struct pool_chunk;

struct pool {
	struct pool_chunk *newest; /* a pool of zeros is valid and empty */
};

/* Allocates SIZE bytes, aligned for any type. NULL if there is no memory. */
void *pool_alloc(struct pool *pool, size_t size);

/* Copies LEN bytes and adds a NUL. NULL if there is no memory. */
char *pool_copy(struct pool *pool, const char *text, size_t len);

/* Frees everything; the pool is empty again. */
void pool_free(struct pool *pool);

#endif
