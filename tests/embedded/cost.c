/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program that is linked with the tracker and without it, to compare their sizes. */
#include <stdlib.h>

#include "semihost.h"

#ifdef TRACED
#include "log-malloc2-embedded.h"

LOG_MALLOC_TABLE(64);
LOG_MALLOC_PROGRAM("cost.elf");
#endif

static void *volatile kept;

int main(void)
{
	static uintptr_t file;

	file = semihost_open("trace");
	semihost_write("\n", 1, &file);
#ifdef TRACED
	log_malloc_set_format(LOG_MALLOC_PACKED);
	log_malloc_set_writer(semihost_write, &file);
#endif
	kept = malloc(3);
	kept = realloc(kept, 30);
	free(kept);
	kept = calloc(3, 4);
	semihost_exit(0);
}
