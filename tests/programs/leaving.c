/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Leaves malloc and free again and again, wherever they are at, by a longjmp
 * out of a signal handler; then allocates in peace:
 *
 *     leaving JUMPS BLOCKS        BLOCKS of 41 bytes; each is released
 *
 * No libc's allocator is made for that. With -DALLOCATOR and -shared this is
 * one that is, to be preloaded: an addition hands out a block, and none is used twice.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

#ifdef ALLOCATOR

#define ROOM ((size_t)4 << 30)

struct block {
	_Alignas(16) size_t size;
};

size_t malloc_usable_size(void *p)
{
	return p ? ((struct block *)p - 1)->size : 0;
}

static char *room;

/* Nobody may leave this half-way: before there is a handler, since the loader need not have called malloc. */
__attribute__((constructor)) static void get_room(void)
{
	if (!room)
		room = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

void *malloc(size_t size)
{
	static size_t used;
	size_t at = __atomic_fetch_add(&used, ((size + 15) & ~(size_t)15) + sizeof(struct block), __ATOMIC_RELAXED);
	struct block *block;

	get_room();
	if (room == MAP_FAILED || at > ROOM || size > ROOM - at)
		return NULL;
	block = (struct block *)(room + at);
	block->size = size;
	return block + 1;
}

void free(void *p)
{
	(void)p;
}

void *calloc(size_t count, size_t size)
{
	return malloc(count * size);
}

void *realloc(void *p, size_t size)
{
	void *moved = malloc(size);

	return moved && p ? memcpy(moved, p, size < malloc_usable_size(p) ? size : malloc_usable_size(p)) : moved;
}

#else

static sigjmp_buf landing;

static void leave(int number)
{
	(void)number;
	siglongjmp(landing, 1);
}

static void ring_in(int microseconds)
{
	const struct itimerval once = {.it_value = {0, microseconds}};

	setitimer(ITIMER_REAL, &once, NULL);
}

int main(int argc, char **argv)
{
	int jumps = argc > 1 ? atoi(argv[1]) : 0, blocks = argc > 2 ? atoi(argv[2]) : 0;

	signal(SIGALRM, leave);
	for (volatile int i = 0; i < jumps; i++) {
		if (sigsetjmp(landing, 1) != 0)
			continue;
		ring_in(100 + i % 300);
		for (;;)
			free(malloc(40));
	}
	for (int i = 0; i < blocks; i++)
		free(malloc(41));
	return 0;
}

#endif
