/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lost blocks that point to each other: circles, circles behind a block, trees, and blocks that several others point
 * to. All blocks have 136 bytes. One block of each group is definitely lost, unless no other one points to it.
 */
#include "stay.h"

struct node {
	struct node *left, *right;
	char rest[120];
};

static struct node *make(struct node *left, struct node *right)
{
	struct node *node = calloc(1, sizeof *node);

	node->left = left;
	node->right = right;
	return node;
}

static struct node *make_tree(int depth)
{
	return depth ? make(make_tree(depth - 1), make_tree(depth - 1)) : NULL;
}

static struct node *make_circle(int length)
{
	struct node *last = make(NULL, NULL), *first = last;

	while (--length)
		first = make(first, NULL);
	last->left = first;
	return first;
}

/* 14 blocks are definitely lost, 35 indirectly, and none possibly; 7 can be reached. */
static struct node *volatile kept;

static __attribute__((noinline)) void work(void)
{
	struct node *shared = make(NULL, NULL), *circle;

	make_circle(1);              /* 1 + 0 */
	make_circle(2);              /* 1 + 1 */
	make_circle(7);              /* 1 + 6 */
	make(make_circle(3), NULL);  /* 1 + 3 */
	make_tree(4);                /* 1 + 14 */
	make(shared, NULL);          /* 1 + 1 */
	make(shared, shared);        /* 1 + 0 */
	circle = make_circle(4);     /* 0 + 4, from two: */
	make(circle, NULL);          /* 1 + 0 */
	make(NULL, circle->left);    /* 1 + 0 */
	make(make_tree(3), NULL);    /* 1 + 7 */
	kept = make_tree(3);         /* 7 */
	circle = make_circle(2);     /* 0 + 2: */
	make_tree(1)->left = circle; /* 1 + 0 */
}

int main(void)
{
	work();
	stay();
	return 0;
}
