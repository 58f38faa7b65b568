/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program that runs out of memory, by its own limit on its address space. What it prints
 * has to be the same whether it is traced or not.
 *
 *     scarce large    one block that is too large, by each function
 *     scarce small    small blocks until there are no more, then all are released, and again
 *     scarce threads  the same in four threads at once
 *     scarce none     not a page more than there is when main() begins
 *     scarce FUNCTION [release]  so little that a block of FUNCTION's fits, and nothing else; the block is
 *                     released when there is memory again
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define ROOM ((size_t)64 << 20)

static size_t address_space(void)
{
	unsigned long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "re");

	if (!statm || fscanf(statm, "%lu", &pages) != 1)
		exit(2);
	fclose(statm);
	return (size_t)pages << 12;
}

static void limit(size_t more)
{
	struct rlimit limit = {.rlim_cur = address_space() + more, .rlim_max = RLIM_INFINITY};

	if (setrlimit(RLIMIT_AS, &limit) != 0)
		exit(2);
}

static void show(const char *what, void *p)
{
	printf("%s: %s, errno %d\n", what, p ? "a block" : "none", p ? 0 : errno);
	free(p);
}

static int large(void)
{
	void *p = malloc(1000), *moved;

	limit(ROOM);
	show("malloc", malloc(2 * ROOM));
	show("calloc", calloc(2, ROOM));
	show("aligned_alloc", aligned_alloc(4096, 2 * ROOM));
	show("memalign", memalign(64, 2 * ROOM));
	memset(p, 7, 1000);
	moved = realloc(p, 2 * ROOM);
	printf("realloc: %s, errno %d, the old block %s\n", moved ? "a block" : "none", errno,
	       ((char *)p)[999] == 7 ? "stays" : "is gone");
	show("reallocarray", reallocarray(NULL, 2, ROOM));
	printf("posix_memalign: %d\n", posix_memalign(&moved, 64, 2 * ROOM));
	show("malloc, after that", malloc(1000));
	free(p);
	return 0;
}

struct node {
	struct node *next;
	char rest[1000];
};

/* Returns how many there were. */
static size_t exhaust(void)
{
	struct node *list = NULL, *node;
	size_t count = 0;

	while ((node = malloc(sizeof *node))) {
		memset(node->rest, 1, sizeof node->rest);
		node->next = list;
		list = node;
		count++;
	}
	while ((node = list)) {
		list = node->next;
		free(node);
	}
	return count;
}

static int small(void)
{
	limit(ROOM);
	for (int i = 0; i < 3; i++)
		printf("enough: %d, errno %d\n", exhaust() > ROOM / 2 / sizeof(struct node), errno);
	return 0;
}

static pthread_barrier_t all_are_there;

static void *exhaust_in_thread(void *argument)
{
	(void)argument;
	pthread_barrier_wait(&all_are_there);
	exhaust();
	return NULL;
}

static int threads(void)
{
	pthread_t threads[4];

	pthread_barrier_init(&all_are_there, NULL, 5);
	for (int i = 0; i < 4; i++) {
		if (pthread_create(&threads[i], NULL, exhaust_in_thread, NULL) != 0)
			return 2;
	}
	limit(ROOM);
	pthread_barrier_wait(&all_are_there);
	/* Who got how much is chance. */
	for (int i = 0; i < 4; i++)
		printf("joined: %d\n", pthread_join(threads[i], NULL));
	return 0;
}

static int none(void)
{
	void *p = malloc(100);

	limit(0);
	/* What libc has of its heap already is all there is. */
	for (int i = 0; i < 3; i++)
		exhaust();
	show("malloc", malloc((size_t)1 << 20));
	p = realloc(p, 200);
	show("realloc", p);
	return 0;
}

#define ALONE ((size_t)32 << 20)

/* A block that takes what is there: SIZE bytes, by the function NAME. KNOWN is a block that can be resized. */
static void *alone(const char *name, size_t size, void *known)
{
	void *p = NULL;

	if (strcmp(name, "malloc") == 0)
		return malloc(size);
	if (strcmp(name, "calloc") == 0)
		return calloc(2, size / 2);
	if (strcmp(name, "realloc") == 0)
		return realloc(known, size);
	if (strcmp(name, "reallocarray") == 0)
		return reallocarray(known, 2, size / 2);
	if (strcmp(name, "memalign") == 0)
		return memalign(64, size);
	if (strcmp(name, "aligned_alloc") == 0)
		return aligned_alloc(64, size);
	if (strcmp(name, "posix_memalign") == 0)
		return posix_memalign(&p, 64, size) == 0 ? p : NULL;
	return strcmp(name, "valloc") == 0 ? valloc(size) : NULL;
}

static int one(const char *name, int is_released)
{
	void *known = malloc(100), *p;
	char *room = mmap(NULL, ALONE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		return 2;
	limit(0);
	munmap(room, ALONE);
	p = alone(name, ALONE - (64 << 10), known);
	if (!p)
		return 3;
	limit(ROOM);
	if (is_released)
		free(p);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	/* Its buffer before there is a limit. */
	printf("%s\n", what);
	if (strcmp(what, "large") == 0)
		return large();
	if (strcmp(what, "small") == 0)
		return small();
	if (strcmp(what, "threads") == 0)
		return threads();
	if (strcmp(what, "none") == 0)
		return none();
	return one(what, argc > 2);
}
