/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For UNWIND=fp. Each allocates a size of its own, by which its record is found: 20001
 * behind three calls, 20002 in a function whose frame has a size known only when it runs,
 * 20003 in a signal handler, 20004 in one on an alternate stack. From 21000 on: with
 * a frame pointer that is none.
 */
#include <alloca.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE      ((uintptr_t)sysconf(_SC_PAGESIZE))
#define ALT_STACK (64 << 10)
#define STAY()    __asm__ volatile("" ::: "memory")

void *volatile kept;

__attribute__((noinline)) void inner(size_t size)
{
	kept = malloc(size);
	STAY();
}

__attribute__((noinline)) void middle(size_t size)
{
	inner(size);
	STAY();
}

__attribute__((noinline)) void with_room(size_t size)
{
	volatile char *room = alloca(size % 1000);

	room[0] = 1;
	middle(size);
	room[1] = room[0];
}

__attribute__((noinline)) void handler(int number)
{
	middle(number == SIGUSR1 ? 20003 : 20004);
	STAY();
}

__attribute__((noinline)) void raises(int number)
{
	raise(number);
	STAY();
}

__attribute__((noinline)) static void handle(void)
{
	stack_t stack = {.ss_sp = malloc(ALT_STACK), .ss_size = ALT_STACK};
	struct sigaction action = {.sa_handler = handler};

	sigaction(SIGUSR1, &action, NULL);
	raises(SIGUSR1);
	sigaltstack(&stack, NULL);
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR2, &action, NULL);
	raises(SIGUSR2);
}

/* ---- frame pointers that are none ---- */

void *malloc_with(uintptr_t fp, size_t size);

#if defined __x86_64__
__asm__(".text\n"
        ".type malloc_with, @function\n"
        "malloc_with:\n"
        "	.cfi_startproc\n"
        "	pushq %rbp\n"
        "	.cfi_def_cfa_offset 16\n"
        "	.cfi_offset %rbp, -16\n"
        "	movq %rdi, %rbp\n"
        "	movq %rsi, %rdi\n"
        "	call *malloc@GOTPCREL(%rip)\n"
        "	popq %rbp\n"
        "	.cfi_def_cfa_offset 8\n"
        "	ret\n"
        "	.cfi_endproc\n"
        ".size malloc_with, . - malloc_with\n");
#elif defined __aarch64__
__asm__(".text\n"
        ".type malloc_with, %function\n"
        "malloc_with:\n"
        "	.cfi_startproc\n"
        "	stp x29, x30, [sp, #-16]!\n"
        "	.cfi_def_cfa_offset 16\n"
        "	.cfi_offset 29, -16\n"
        "	.cfi_offset 30, -8\n"
        "	mov x29, x0\n"
        "	mov x0, x1\n"
        "	bl malloc\n"
        "	ldp x29, x30, [sp], #16\n"
        "	.cfi_def_cfa_offset 0\n"
        "	ret\n"
        "	.cfi_endproc\n"
        ".size malloc_with, . - malloc_with\n");
#else
void *malloc_with(uintptr_t fp, size_t size)
{
	(void)fp;
	return malloc(size);
}
#endif

static void *mapped(size_t pages, int protection)
{
	void *p = mmap(NULL, pages * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		exit(1);
	return p;
}

struct record {
	const void *fp;
	uintptr_t pc;
};

static uintptr_t address(const volatile void *p)
{
	return (uintptr_t)p;
}

int main(void)
{
	const uintptr_t code = address(__builtin_return_address(0));
	struct record *heap = calloc(2, sizeof *heap), stack[4];
	char *gone = mapped(2, PROT_READ), *hole = mapped(2, PROT_READ | PROT_WRITE), *closed = mapped(1, PROT_NONE);
	int data = 0;

	middle(20001);
	with_room(20002);
	handle();

	munmap(gone, 2 * PAGE);
	mprotect(hole + PAGE, PAGE, PROT_NONE);
	/* In circles, with return addresses that are some: of one record, of two, on the heap and on the stack. */
	heap[0] = (struct record){&heap[1], code};
	heap[1] = (struct record){&heap[0], code};
	stack[0] = (struct record){&stack[0], code};
	stack[1] = (struct record){&stack[2], code};
	stack[2] = (struct record){&stack[1], code};
	/* With a return address that is none. */
	stack[3] = (struct record){(char *)&stack[3] + 64, address(&data)};

	const uintptr_t values[] = {
		0,
		1,
		7,
		UINTPTR_MAX,
		UINTPTR_MAX - 7,
		UINTPTR_MAX - 15,
		UINTPTR_MAX / 2 + 1,
		(uintptr_t)1 << 47,
		address(gone),
		address(hole) + PAGE - 8,
		address(hole) + PAGE - 16,
		address(closed),
		address(heap),
		address(&heap[1]),
		address(stack),
		address(&stack[1]),
		address(&stack[2]),
		address(&stack[3]),
		address(stack) + 1,
		address(stack) + 4,
		address(stack) & ~(PAGE - 1),
		address(stack) - 64 * PAGE,
		address(main),
		address(&kept),
		code,
	};
	size_t count = sizeof values / sizeof *values;

	for (size_t i = 0; i < count; i++)
		kept = malloc_with(values[i], 21000 + i);
	/* Anywhere on the stack, which is full of return addresses. */
	for (uintptr_t at = address(&data); at < address(&data) + 4096; at++, count++)
		free(malloc_with(at, 21000 + count));
	printf("%zu\n", count);
	return 0;
}
