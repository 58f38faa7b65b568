/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints all that a program can see of the allocation family, without
 * addresses: the output has to be the same traced and untraced.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *reallocarray(void *p, size_t count, size_t size);

/* Volatile: the compiler knows what many of these calls would return. */
static volatile size_t huge = SIZE_MAX, one = 1, zero = 0;

/* ALIGN is what was asked for: more of it is chance, and so is the size behind a large alignment. */
static void show_aligned(const char *what, void *p, size_t align)
{
	int error = errno;

	printf("%s: %s, ", what, p ? "block" : "NULL");
	if (align > 4096)
		printf("usable %s", malloc_usable_size(p) >= 10 ? "enough" : "too little");
	else
		printf("usable %zu", malloc_usable_size(p));
	printf(", %s, errno %d\n", (uintptr_t)p % align ? "misaligned" : "aligned", error);
	errno = 0;
}

static void show(const char *what, void *p)
{
	show_aligned(what, p, _Alignof(max_align_t));
}

static void sizes(void)
{
	static const size_t some[] = {0, 1, 8, 15, 16, 24, 25, 40, 100, 1000, 1032, 4096, 65535, 65536, 131072, 200000};
	char what[64];

	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
		void *p;

		snprintf(what, sizeof what, "malloc(%zu)", some[i]);
		show(what, p = malloc(some[i]));
		p = realloc(p, some[i] * 2 + 1);
		snprintf(what, sizeof what, "realloc(%zu)", some[i] * 2 + 1);
		show(what, p);
		free(p);
		snprintf(what, sizeof what, "calloc(3, %zu)", some[i]);
		show(what, p = calloc(3, some[i]));
		for (size_t k = 0; k < 3 * some[i]; k++) {
			if (((char *)p)[k])
				puts("not zero!");
		}
		free(p);
	}
}

static void aligned(void)
{
	static const size_t alignments[] = {8, 16, 64, 4096};
	char what[64];
	void *p = NULL;

	for (size_t i = 0; i < 4; i++) {
		size_t align = alignments[i];

		snprintf(what, sizeof what, "memalign(%zu, 100)", align);
		show_aligned(what, memalign(align, 100), align);
		snprintf(what, sizeof what, "aligned_alloc(%zu, 8192)", align);
		show_aligned(what, aligned_alloc(align, 8192), align);
		snprintf(what, sizeof what, "posix_memalign(%zu, 100)", align);
		printf("%d ", posix_memalign(&p, align, 100));
		show_aligned(what, p, align);
	}
	show_aligned("memalign(1<<20, 10)", memalign((size_t)1 << 20, 10), (size_t)1 << 20);
	show_aligned("aligned_alloc(4096, 4096)", aligned_alloc(4096, 4096), 4096);
	show_aligned("valloc(10)", valloc(10), 4096);
	show_aligned("pvalloc(10)", pvalloc(10), 4096);
}

static void failures(void)
{
	void *p = (void *)&p;
	/* Volatile: after a realloc that fails, the block is still there. */
	void *volatile block = malloc(100);

	strcpy(block, "kept");
	errno = 0;
	show("malloc(SIZE_MAX)", malloc(huge));
	show("calloc(SIZE_MAX, 2)", calloc(huge, 2));
	show("calloc(SIZE_MAX, SIZE_MAX)", calloc(huge, huge));
	show("realloc(SIZE_MAX)", realloc(block, huge));
	show("reallocarray overflow", reallocarray(block, huge, 2));
	show("memalign(SIZE_MAX)", memalign(64, huge));
	show("aligned_alloc(3, 10)", aligned_alloc(3 * one, 10));
	show("aligned_alloc(SIZE_MAX)", aligned_alloc(64, huge));
	show("valloc(SIZE_MAX)", valloc(huge));
	show("pvalloc(SIZE_MAX)", pvalloc(huge));
	printf("posix_memalign(3): %d", posix_memalign(&p, 3 * one, 10));
	printf(" %d", posix_memalign(&p, zero, 10));
	printf(" %d", posix_memalign(&p, 4 * one, 10));
	printf(" %d", posix_memalign(&p, 64, huge));
	printf(", pointer %s, errno %d\n", p == (void *)&p ? "untouched" : "changed", errno);
	printf("the block is %s, usable %zu\n", (char *)block, malloc_usable_size(block));
	free(block);
}

static void corners(void)
{
	void *p;

	errno = 0;
	show("realloc(NULL, 10)", p = realloc(NULL, 10));
	errno = 77;
	show("realloc(p, 0)", realloc(p, zero));
	show("realloc(NULL, 0)", p = realloc(NULL, zero));
	free(p);
	show("reallocarray(NULL, 3, 5)", p = reallocarray(NULL, 3, 5));
	show("reallocarray(p, 100, 50)", p = reallocarray(p, 100, 50));
	errno = 78;
	show("reallocarray(p, 0, 5)", reallocarray(p, zero, 5));
	errno = 79;
	free(malloc(10));
	free(malloc(1000000));
	free(NULL);
	printf("errno after free: %d\n", errno);
	errno = 80;
	p = malloc(10);
	p = realloc(p, 2000000);
	free(calloc(1, 3000000));
	printf("errno after success: %d\n", errno);
	free(p);
}

static void contents(void)
{
	size_t size = 10;
	unsigned char *p = malloc(size);

	memset(p, 7, size);
	while (size < 5000000) {
		size_t wrong = 0;

		p = realloc(p, size * 3);
		for (size_t i = 0; i < size; i++)
			wrong += p[i] != 7;
		printf("%zu bytes moved, %zu wrong\n", size, wrong);
		memset(p, 7, size * 3);
		size *= 3;
	}
	free(p);
	/* libc's own block, given to our free and realloc. */
	p = (unsigned char *)strdup("from libc");
	p = realloc(p, 1000);
	puts((char *)p);
	free(p);
	free(strdup("again"));
}

int main(void)
{
	int fd;

	/* The tracker opens things, and asks the loader for names: neither may show. */
	printf("first descriptor: %d\n", fd = open("/dev/null", O_RDONLY));
	close(fd);
	printf("dlerror: %s\n", dlerror() ? "something" : "nothing");
	sizes();
	aligned();
	failures();
	corners();
	contents();
	return 0;
}
