/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blocks that cross the border between what the tracker sees and what it does
 * not, for dynamic programs with the wrap archive in them; good C all of it.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* getline() resizes our block inside libc. */
static void unseen_resize(void)
{
	FILE *f = tmpfile();
	size_t size = 16;
	char *line = malloc(size);

	if (!f || !line)
		exit(1);
	for (int i = 0; i < 3000; i++)
		fputc('x', f);
	rewind(f);
	if (getline(&line, &size, f) != 3000)
		exit(1);
	free(line);
	fclose(f);
}

/* libc's blocks are resized here. */
static int resize(void)
{
	for (int i = 0; i < 10; i++) {
		char *block = realloc(strdup("libc's own"), 300);

		if (!block || strcmp(block, "libc's own") != 0)
			return 1;
		free(block);
		free(reallocarray(strdup("libc's own"), 20, 20));
	}
	return 0;
}

int main(int argc, char **argv)
{
	void *blocks[64];

	if (argc > 1 && strcmp(argv[1], "resize") == 0)
		return resize();
	for (int i = 0; i < 20; i++)
		unseen_resize();
	/* Whoever gets those addresses now is a new tenant. */
	for (int i = 0; i < 64; i++)
		blocks[i] = malloc(16);
	for (int i = 0; i < 64; i++)
		free(blocks[i]);
	for (int i = 0; i < 10; i++)
		free(strdup("libc's own"));
	blocks[0] = malloc(1234);
	return blocks[0] == NULL;
}
