/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A handler gets the block that realloc has just released, before realloc returns. */
#include <string.h>

#include "log-malloc2-embedded.h"
#include "semihost.h"

LOG_MALLOC_TABLE(16);
LOG_MALLOC_PROGRAM("moving.elf");
LOG_MALLOC_WRAP_MALLOC(pool_get);
LOG_MALLOC_WRAP_FREE(pool_put);
LOG_MALLOC_WRAP_REALLOC(pool_resize);

void *pool_get(size_t size);
void pool_put(void *block);
void *pool_resize(void *block, size_t size);
void pendsv(void);

static void *volatile in_handler;

void pendsv(void)
{
	in_handler = pool_get(5);
}

int main(void)
{
	static uintptr_t file;
	void *block, *old;

	file = semihost_open("trace");
	log_malloc_set_format(FORMAT);
	log_malloc_set_writer(semihost_write, &file);
	old = block = pool_get(30);
	block = pool_resize(block, 40);
	if (in_handler != old || block == old)
		semihost_exit(1);
	pool_put(in_handler);
	pool_put(block);
	semihost_exit(log_malloc_get_lost() != 0);
}
