/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For log-malloc to attach to. At each line of standard input, allocates in all ways that lead to the allocator: by a
 * call, by pointers taken before (in a table, on the heap, on the stack), by dlsym(), and in a library that is loaded
 * only then. Each block has a size of its own, 1001 to 1006 bytes, and is not released.
 *
 *     attach_later LIBRARY
 *
 * LIBRARY has a function "allocate" that asks for 1006 bytes.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

struct functions {
	void *(*allocate)(size_t);
	void (*release)(void *);
};

struct functions table = {malloc, free};

static void *keep[64];

static void allocate_in_library(const char *path, int n)
{
	void *library = dlopen(path, RTLD_NOW), *(*allocate)(void);

	if (!library)
		exit(2);
	*(void **)&allocate = dlsym(library, "allocate");
	keep[n] = allocate();
}

static void allocate_all(const struct functions *heap, const struct functions *stack, const char *library)
{
	static int n;
	void *(*found)(size_t);

	*(void **)&found = dlsym(RTLD_DEFAULT, "malloc");
	keep[n++] = malloc(1001);
	keep[n++] = table.allocate(1002);
	keep[n++] = heap->allocate(1003);
	keep[n++] = stack->allocate(1004);
	keep[n++] = found(1005);
	allocate_in_library(library, n++);
}

int main(int argc, char **argv)
{
	struct functions *heap = malloc(sizeof *heap), stack;
	volatile struct functions *on_stack = &stack;
	char line[64];

	if (argc < 2 || !heap)
		return 2;
	*heap = table;
	*on_stack = table;
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		allocate_all(heap, (const struct functions *)on_stack, argv[1]);
		puts("done");
		fflush(stdout);
	}
	return 0;
}
