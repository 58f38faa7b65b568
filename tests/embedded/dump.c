/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps its trace in memory, and writes all of its memory to the file "dump". The head of its trace goes to "trace". */
#include <stdlib.h>

#include "log-malloc2-embedded.h"
#include "log-malloc2.h"
#include "semihost.h"

LOG_MALLOC_TABLE(32);
LOG_MALLOC_PROGRAM("dump.elf");

static uint32_t live[512], ring[512];
static void *volatile kept[4];

static __attribute__((noinline)) void leak_early(void)
{
	kept[0] = malloc(31); /* leak */
}

static __attribute__((noinline)) void leak_late(void)
{
	kept[1] = malloc(32);   /* leak */
	kept[2] = calloc(4, 8); /* leak */
}

int main(void)
{
	uintptr_t file;
	int failed;

	leak_early();
	log_malloc_set_format(FORMAT);
	/* What is too small, or in between two words, is refused and changes nothing. */
	failed = log_malloc_set_table(live, 100) != -1 || log_malloc_set_ring((char *)ring + 2, 1000) != -1 ||
	         log_malloc_get_usage() != 31;
	failed |= log_malloc_set_table(live, sizeof live) | log_malloc_set_ring(ring, sizeof ring);
	for (unsigned i = 0; i < ROUNDS; i++)
		free(malloc(i % 50 + 1));
	leak_late();
	file = semihost_open("dump");
	semihost_write((const void *)0x20000000, 0x10000, &file);
	semihost_exit(failed || log_malloc_get_lost() != 0);
}
