/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every way in which a block can be reached from a root, or not, over no other block or one: by pointers to the start
 * of a block and into its inside. The cases are those that memcheck's manual numbers from 1 to 9. All blocks have 40
 * bytes.
 */
#include "stay.h"

struct node {
	void *to;
	char rest[128];
};

static void *volatile roots[10];

static struct node *make(void *to)
{
	struct node *node = calloc(1, sizeof *node);

	node->to = to;
	return node;
}

static void *inside(void *node)
{
	return (char *)node + 5;
}

/* Three blocks are definitely lost and two of them indirectly, six possibly; four can be reached. */
static __attribute__((noinline)) void work(void)
{
	roots[1] = make(NULL);
	roots[2] = make(make(NULL));
	make(NULL);
	make(make(NULL));
	roots[5] = inside(make(NULL));
	roots[6] = make(inside(make(NULL)));
	roots[7] = inside(make(make(NULL)));
	roots[8] = inside(make(inside(make(NULL))));
	make(inside(make(NULL)));
}

int main(void)
{
	work();
	stay();
	return 0;
}
