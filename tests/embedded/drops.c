/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A link that has no room now and then: it takes nothing of a record, or a part of it. */
#include <stdlib.h>

#include "log-malloc2-embedded.h"
#include "semihost.h"

LOG_MALLOC_TABLE(64);
LOG_MALLOC_PROGRAM("drops.elf");

static uintptr_t file;
static unsigned calls, refused, torn;
static int is_half;
static void *volatile kept;

static size_t take(const void *bytes, size_t size, void *arg)
{
	int was_half = is_half;

	(void)arg;
	is_half = 0;
	/* The head, and what comes last, have room. Every tenth record is taken by halves, and some of these are not
	 * completed. */
	calls++;
	if (calls > 20 && calls < 600) {
		if (calls % 10 == 5 || calls % 30 == 11) {
			refused++;
			torn += was_half;
			return 0;
		}
		if (calls % 10 == 0) {
			is_half = 1;
			size /= 2;
		}
	}
	return semihost_write(bytes, size, &file);
}

static __attribute__((noinline)) void leak(void)
{
	kept = malloc(77); /* leak */
}

int main(void)
{
	file = semihost_open("trace");
	log_malloc_set_format(FORMAT);
	log_malloc_set_writer(take, NULL);
	for (int i = 0; i < 400; i++)
		free(malloc(10 + (unsigned)i));
	leak();
	log_malloc_trace_finish();
	semihost_exit(refused < 20 || torn < 5 || log_malloc_get_lost() > refused);
}
