/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One thread walks over the loader's list and takes a lock of the program's own for each object, while the loader
 * holds its lock. The other threads allocate under the program's lock, from code of the program and from code that is
 * made at run time and lies in no object.
 *
 *     loader_lock
 */
#define _GNU_SOURCE
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { WALKS = 3000, ROUNDS = 20000, ALLOCATORS = 2, PAGE = 4096, CALLS = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile int stop;
static volatile size_t seen;

static int visit(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	seen += size + info->dlpi_phnum;
	pthread_mutex_unlock(&lock);
	return 0;
}

static void *walk(void *unused)
{
	for (int i = 0; i < WALKS && !stop; i++)
		dl_iterate_phdr(visit, NULL);
	return unused;
}

/* ---- code that lies in no object: it keeps a frame pointer, and calls its second argument with the first ---- */

#if defined __x86_64__
/* push %rbp; mov %rsp,%rbp; call *%rsi; pop %rbp; ret */
static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd6, 0x5d, 0xc3};
#elif defined __aarch64__
/* stp x29, x30, [sp, #-16]!; mov x29, sp; blr x1; ldp x29, x30, [sp], #16; ret */
static const unsigned char code[] = {0xfd, 0x7b, 0xbf, 0xa9, 0xfd, 0x03, 0x00, 0x91, 0x20, 0x00,
                                     0x3f, 0xd6, 0xfd, 0x7b, 0xc1, 0xa8, 0xc0, 0x03, 0x5f, 0xd6};
#else
static const unsigned char code[] = {0};
#endif

typedef void *caller(size_t size, void *(*function)(size_t));

static void *directly(size_t size, void *(*function)(size_t))
{
	return function(size);
}

/* The I-th of CALLS copies of the code, each of which has a return address of its own. */
static caller *made(unsigned char *room, unsigned i)
{
	caller *result;
	void *at = room + i * (PAGE / CALLS);

	if (sizeof code == 1)
		return directly;
	memcpy(&result, &at, sizeof result);
	return result;
}

static unsigned char *make_code(void)
{
	unsigned char *room = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		exit(2);
	for (unsigned i = 0; i < CALLS; i++)
		memcpy(room + i * (PAGE / CALLS), code, sizeof code);
	__builtin___clear_cache((char *)room, (char *)room + PAGE);
	return room;
}

static void *allocate(void *room)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		free(made(room, i % CALLS)(22, malloc));
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

int main(void)
{
	pthread_t walker, allocators[ALLOCATORS];
	unsigned char *room = make_code();

	pthread_create(&walker, NULL, walk, NULL);
	for (int i = 0; i < ALLOCATORS; i++)
		pthread_create(&allocators[i], NULL, allocate, room);
	for (int i = 0; i < ALLOCATORS; i++)
		pthread_join(allocators[i], NULL);
	stop = 1;
	pthread_join(walker, NULL);
	return seen == 0;
}
