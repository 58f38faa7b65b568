/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls of each kind in the format FORMAT. The lines with a mark leak. */
#include <stdlib.h>
#include <string.h>

#include "log-malloc2-embedded.h"
#include "log-malloc2.h"
#include "semihost.h"

LOG_MALLOC_TABLE(64);
LOG_MALLOC_PROGRAM("formats.elf");

void *memalign(size_t alignment, size_t size);
char *strdup(const char *string);

static void *volatile kept[8];

static __attribute__((noinline)) void leak_two(void)
{
	kept[0] = malloc(24);   /* leak */
	kept[1] = calloc(3, 5); /* leak */
}

static __attribute__((noinline)) void leak_moved(void)
{
	kept[3] = malloc(40);
	kept[4] = malloc(8);
	kept[3] = realloc(kept[3], 3000); /* leak */
	free(kept[4]);
}

static __attribute__((noinline)) void leak_nothing(void)
{
	kept[5] = memalign(64, 100);
	kept[6] = realloc(NULL, 60);
	kept[6] = realloc(kept[6], 50);
	kept[7] = malloc(1u << 30);
	kept[7] = realloc(kept[6], 1u << 30);
	free(kept[5]);
	free(kept[6]);
	free(strdup("chip"));
	free(NULL);
}

/* The trace begins with it. */
static __attribute__((noinline)) void allocate_early(void)
{
	kept[7] = malloc(10);
}

int main(void)
{
	static uintptr_t file;

	allocate_early();
	file = semihost_open("trace");
	log_malloc_set_format(FORMAT);
	log_malloc_set_writer(semihost_write, &file);
	free(kept[7]);
	leak_two();
	leak_moved();
	leak_nothing();
	log_malloc_trace_finish();
	semihost_exit(log_malloc_get_usage() != 24 + 15 + 3000 || log_malloc_get_lost() != 0);
}
