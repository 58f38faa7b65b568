/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Leaves malloc and free again and again, wherever they are at, by a longjmp
 * out of a signal handler; then allocates in peace:
 *
 *     leaving JUMPS CALLS BLOCKS  leaves JUMPS times and more often, until CALLS blocks of 40 bytes were allocated and
 *                                 released in between, and prints how many they were; then BLOCKS of 41 bytes
 *
 * A signal comes later where the last one came before a single block was through: how
 * long a first event takes depends on the machine. This is the only thread, so nothing
 * is worth waiting for: the kernel kills the program (SIGSYS) where it pauses.
 *
 * No libc's allocator is made for that. With -DALLOCATOR and -shared this is
 * one that is, to be preloaded: an addition hands out a block, and none is used twice.
 */
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
#if __has_include(<linux/seccomp.h>)
#include <linux/filter.h>
#include <linux/seccomp.h>
#endif

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

/* From here on. A kernel without such filters lets all pauses pass. */
static void forbid_pauses(void)
{
#if defined SECCOMP_RET_KILL_PROCESS && defined SYS_nanosleep
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_nanosleep, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_yield, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof filter / sizeof *filter, filter};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#endif
}

static void ring_in(unsigned microseconds)
{
	const struct itimerval once = {.it_value = {microseconds / 1000000, microseconds % 1000000}};

	setitimer(ITIMER_REAL, &once, NULL);
}

/* Until a signal comes after MICROSECONDS. CALLS counts the blocks that are through. */
static void allocate_until_left(unsigned microseconds, volatile unsigned long *calls)
{
	if (sigsetjmp(landing, 1) != 0)
		return;
	ring_in(microseconds);
	for (;;) {
		free(realloc(malloc(40), 42));
		++*calls;
	}
}

int main(int argc, char **argv)
{
	unsigned long jumps = argc > 1 ? strtoul(argv[1], NULL, 10) : 0,
		      least = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	int blocks = argc > 3 ? atoi(argv[3]) : 0;
	volatile unsigned long calls = 0;
	unsigned patience = 0;

	signal(SIGALRM, leave);
	forbid_pauses();
	for (unsigned jump = 0; jump < jumps || calls < least; jump++) {
		unsigned long before = calls;

		allocate_until_left(100 + jump % 300 + patience, &calls);
		patience = calls == before ? 2 * patience + 100 : patience / 2;
	}
	for (int i = 0; i < blocks; i++)
		free(malloc(41));
	/* Allocates nothing: the last event is a free. */
	dprintf(STDOUT_FILENO, "%lu\n", calls);
	return 0;
}

#endif
