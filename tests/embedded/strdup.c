/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls no function of the allocator by its name, and its first call of one is traced. */
#include <string.h>

#include "log-malloc2-embedded.h"
#include "semihost.h"

char *strdup(const char *string);
char *volatile kept;

int main(void)
{
	static uintptr_t file;

	file = semihost_open("trace");
	log_malloc_set_format(FORMAT);
	log_malloc_set_writer(semihost_write, &file);
	kept = strdup("twelve bytes");
	semihost_exit(0);
}
