/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See registers.h. A 64-bit machine may run a 32-bit process, whose registers are another set. Where a machine is not
 * known, its stack pointer is not: then all of the stacks counts as in use.
 */
#include "registers.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NONE = -1 };

/* Where the words of two registers lie in a set. */
struct places {
	int sp, tp;
};

#if defined(__x86_64__)
static const struct places places_64 = {.sp = 19, .tp = 21}, places_32 = {.sp = 15, .tp = NONE};
#elif defined(__i386__)
static const struct places places_64 = {NONE, NONE}, places_32 = {.sp = 15, .tp = NONE};
#elif defined(__aarch64__)
static const struct places places_64 = {.sp = 31, .tp = NONE}, places_32 = {.sp = 13, .tp = NONE};
#elif defined(__arm__)
static const struct places places_64 = {NONE, NONE}, places_32 = {.sp = 13, .tp = NONE};
#elif defined(__riscv)
static const struct places places_64 = {.sp = 2, .tp = 4}, places_32 = {.sp = 2, .tp = 4};
#elif defined(__powerpc__)
static const struct places places_64 = {.sp = 1, .tp = 13}, places_32 = {.sp = 1, .tp = 2};
#elif defined(__s390x__)
static const struct places places_64 = {.sp = 17, .tp = NONE}, places_32 = {NONE, NONE};
#elif defined(__loongarch__)
static const struct places places_64 = {.sp = 3, .tp = 2}, places_32 = {NONE, NONE};
#else
static const struct places places_64 = {NONE, NONE}, places_32 = {NONE, NONE};
#endif

unsigned registers_word(pid_t pid)
{
	unsigned char start[EI_NIDENT] = {0};
	char path[32];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return sizeof(void *);
	if (read(fd, start, sizeof start) != (ssize_t)sizeof start || memcmp(start, ELFMAG, SELFMAG) != 0)
		start[EI_CLASS] = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
	close(fd);
	return start[EI_CLASS] == ELFCLASS32 ? 4 : 8;
}

/* The thread pointer of a 32-bit thread of x86 is the base of the segment that its register GS selects. */
#if defined(__x86_64__) || defined(__i386__)
static uint64_t other_tp(const struct registers_thread *thread, unsigned word)
{
	enum { GET_THREAD_AREA = 25, GS = 10 };
	struct {
		unsigned number, base, limit, flags;
	} segment;

	if (word != 4 || thread->count <= GS ||
	    ptrace((enum __ptrace_request)GET_THREAD_AREA, thread->tid, (void *)(uintptr_t)(thread->registers[GS] >> 3),
	           &segment) != 0)
		return 0;
	return segment.base;
}
#elif defined(__aarch64__)
static uint64_t other_tp(const struct registers_thread *thread, unsigned word)
{
	enum { ARM_TLS = 0x401 };
	uint64_t tp = 0;
	struct iovec to = {&tp, word};

	return ptrace(PTRACE_GETREGSET, thread->tid, (void *)(uintptr_t)ARM_TLS, &to) == 0 ? tp : 0;
}
#else
static uint64_t other_tp(const struct registers_thread *thread, unsigned word)
{
	(void)thread, (void)word;
	return 0;
}
#endif

void registers_read(struct registers_thread *thread, const struct stop_thread *stopped, unsigned word)
{
	const struct stop_registers *registers = &stopped->registers;
	const struct places *places = word == 8 ? &places_64 : &places_32;

	*thread = (struct registers_thread){.tid = stopped->tid, .count = registers->size / word};
	for (size_t i = 0; i < thread->count; i++)
		thread->registers[i] = word == 8 ? registers->words64[i] : registers->words32[i];
	if (places->sp != NONE && (size_t)places->sp < thread->count)
		thread->sp = thread->registers[places->sp];
	if (places->tp != NONE && (size_t)places->tp < thread->count)
		thread->tp = thread->registers[places->tp];
	else
		thread->tp = other_tp(thread, word);
}
