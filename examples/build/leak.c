/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the examples for build systems build. Each word is kept, and forgotten for the next one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *volatile last;

static void remember(const char *word)
{
	size_t size = strlen(word) + 1;
	char *copy = malloc(size);

	if (copy)
		last = memcpy(copy, word, size);
}

int main(void)
{
	remember("quick");
	remember("brown");
	remember("fox");
	last = NULL;
	puts("3 words");
	return 0;
}
