/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program for a chip that leaks in two functions. See README.md, "On a chip". */
#include <stdlib.h>
#include <string.h>

#include "log-malloc2-embedded.h"
#include "semihost.h"

LOG_MALLOC_TABLE(64);
LOG_MALLOC_PROGRAM("leak.elf");

static void *samples[3];
static char *name;

static __attribute__((noinline)) void measure(void)
{
	samples[0] = malloc(24);
	samples[1] = calloc(3, 5);
	samples[2] = realloc(samples[0], 200);
}

static __attribute__((noinline)) void set_name(const char *text)
{
	/* The old one is not released. */
	name = malloc(strlen(text) + 1);
	strcpy(name, text);
}

int main(void)
{
	static uintptr_t file;

	file = semihost_open("leak.trace");
	log_malloc_set_writer(semihost_write, &file);

	measure();
	set_name("one");
	set_name("two");
	free(samples[2]);
	semihost_exit(0);
}
