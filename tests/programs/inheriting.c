/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A child of fork releases and resizes blocks that its trace does not have: its parent allocated them. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 2000 };

static void *volatile blocks[BLOCKS];

static void release(void)
{
	for (int i = 0; i < BLOCKS; i++) {
		void *volatile other = malloc(50);

		if (i % 3 == 0)
			free(blocks[i]);
		else if (i % 3 == 1)
			blocks[i] = realloc(blocks[i], 300 + (size_t)i % 11);
		free(other);
	}
}

int main(void)
{
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = malloc(100 + (size_t)i % 37);
	/* Too large for a packed record. */
	blocks[0] = realloc(blocks[0], 20 << 20);
	if (fork() == 0) {
		release();
		_exit(0);
	}
	wait(NULL);
	return 0;
}
