/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leaks at the inner end of some calls: by itself, and by a function of libc's. */
#include <stdlib.h>
#include <string.h>

#include "log-malloc2-embedded.h"
#include "semihost.h"

LOG_MALLOC_TABLE(64);
LOG_MALLOC_PROGRAM("deep.elf");

char *strdup(const char *string);

static void *volatile kept[2];

/* No call is the last thing that a function does. */
#define GO_ON __asm__ volatile("")

__attribute__((noinline)) void inner(size_t size);
__attribute__((noinline)) void middle(size_t size);
__attribute__((noinline)) void outer(size_t size);

void inner(size_t size)
{
	kept[0] = malloc(size);
	kept[1] = strdup("chip");
	GO_ON;
}

void middle(size_t size)
{
	char text[40];

	memset(text, 'x', sizeof text);
	__asm__ volatile("" : : "r"(text) : "memory");
	inner(size);
	__asm__ volatile("" : : "r"(text) : "memory");
}

void outer(size_t size)
{
	middle(size + 1);
	GO_ON;
}

int main(void)
{
	static uintptr_t file;

	file = semihost_open("trace");
	log_malloc_set_format(FORMAT);
	log_malloc_set_writer(semihost_write, &file);
	outer(7);
	log_malloc_trace_finish();
	semihost_exit(log_malloc_get_lost() != 0);
}
