/* SPDX-License-Identifier: GPL-3.0-or-later */
/* More blocks than the table has entries, which are released in another order; and one that is not traced. */
#include <stdlib.h>

#include "log-malloc2-embedded.h"
#include "log-malloc2.h"
#include "semihost.h"

#define ENTRIES 50
#define BLOCKS  60

LOG_MALLOC_TABLE(ENTRIES);
LOG_MALLOC_PROGRAM("full.elf");

static void *volatile kept[BLOCKS];

int main(void)
{
	static uintptr_t file;

	file = semihost_open("trace");
	log_malloc_set_writer(semihost_write, &file);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < ENTRIES; i++)
			kept[i] = malloc(10);
		for (int i = 0; i < ENTRIES; i++)
			free(kept[i * 7 % ENTRIES]);
	}
	for (int i = 0; i < BLOCKS; i++)
		kept[i] = malloc(10);
	for (int i = 0; i < BLOCKS; i++)
		free(kept[i * 7 % BLOCKS]);
	log_malloc_trace_disable();
	kept[0] = malloc(11);
	log_malloc_trace_enable();
	free(kept[0]);
	semihost_exit(log_malloc_get_lost() != 0 || log_malloc_get_usage() != 0);
}
