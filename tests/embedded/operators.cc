// SPDX-License-Identifier: GPL-3.0-or-later
// A leak by an operator of C++, whose own code has no tables.
#include "log-malloc2-embedded.h"
#include "semihost.h"

LOG_MALLOC_TABLE(64);
LOG_MALLOC_PROGRAM("operators.elf");

struct node {
	int numbers[5];
};

static node *volatile kept;

static __attribute__((noinline)) void leak()
{
	kept = new node;
	asm volatile("");
}

int main()
{
	static uintptr_t file;

	file = semihost_open("trace");
	log_malloc_set_writer(semihost_write, &file);
	leak();
	delete new int;
	log_malloc_trace_finish();
	semihost_exit(log_malloc_get_lost() != 0);
}
