/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the counters say, after calls of each kind. */
#include <stdlib.h>

#include "log-malloc2-embedded.h"
#include "semihost.h"

void *memalign(size_t alignment, size_t size);
size_t malloc_usable_size(void *block);

static void *volatile kept[5];

int main(void)
{
	const struct log_malloc_counts *counts = &log_malloc_counts;
	size_t bytes;
	int failed = 0;

	kept[0] = malloc(100);
	kept[1] = calloc(10, 10);
	kept[2] = memalign(256, 300);
	kept[3] = realloc(NULL, 50);
	kept[3] = realloc(kept[3], 400);
	kept[4] = malloc(10);
	kept[4] = realloc(kept[4], 12);
	bytes = 0;
	for (int i = 0; i < 5; i++)
		bytes += malloc_usable_size(kept[i]);
	failed |= counts->blocks != 5 || counts->bytes != bytes || counts->peak < bytes || counts->failed != 0;
	failed |= (counts->largest != 400) << 1;
	failed |= (malloc(1u << 29) != NULL || counts->failed != 1 || counts->largest != 1u << 29) << 2;
	failed |= (realloc(kept[0], 1u << 30) != NULL || counts->failed != 2 || counts->largest != 1u << 30) << 2;
	for (int i = 0; i < 5; i++)
		free(kept[i]);
	free(NULL);
	failed |= (counts->blocks != 0 || counts->bytes != 0 || counts->peak < bytes) << 3;
	semihost_exit(failed);
}
