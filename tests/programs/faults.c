/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allocates before and after something happens to its trace, and counts on its
 * standard output what it got:
 *
 *     faults COUNT [COMMAND]
 */
#include <stdio.h>
#include <stdlib.h>

static int allocate(int count)
{
	int got = 0;

	for (int i = 0; i < count; i++) {
		void *volatile p = malloc(100);

		got += p != NULL;
		free(p);
	}
	return got;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0, got = allocate(count);

	if (argc > 2 && system(argv[2]) != 0)
		return 1;
	got += allocate(count);
	printf("%d\n", got);
	return 5;
}
