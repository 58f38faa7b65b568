/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frees what must not be freed: wild twice | stack | inside | low */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	_Alignas(16) char local[64];
	char *volatile p = malloc(100);
	void *volatile victim = p;

	memset(local, 0x55, sizeof local);
	if (argc > 1 && strcmp(argv[1], "twice") == 0)
		free(p);
	if (argc > 1 && strcmp(argv[1], "stack") == 0)
		victim = local + 32;
	if (argc > 1 && strcmp(argv[1], "inside") == 0)
		victim = p + 16;
	if (argc > 1 && strcmp(argv[1], "low") == 0)
		victim = (void *)(uintptr_t)0x18;
	free(victim);
	return 0;
}
