/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allocates on stacks other than the thread's own: stacks reused | switched
 * reused: three coroutines of the first thread and three of another one allocate 333 bytes each, in between on a
 *         smaller stack that lies inside of the place of one that was unmapped. There is nothing above it.
 * switched: a thread calls work() three times in turn on a stack below its own, where that allocates 1111 bytes, and on
 *           one above, where it allocates 2222.
 * Exit status 77: not on this machine.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined __x86_64__

enum { SIZE = 0x10000 };

/* Calls BODY on the stack that ends at TOP, and returns when that calls leave(). The frame there has no caller. */
extern void switch_to(void *top, void (*body)(void));
extern void leave(void) __attribute__((noreturn));
__thread void *switched_from __attribute__((tls_model("initial-exec")));

__asm__(".text\n"
        ".globl switch_to\n.type switch_to,@function\nswitch_to:\n.cfi_startproc\n"
        "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
        "mov switched_from@gottpoff(%rip),%rax\nmov %rsp,%fs:(%rax)\n"
        "mov %rdi,%rsp\nxor %ebp,%ebp\njmp outermost\n"
        ".cfi_endproc\n.size switch_to,.-switch_to\n"
        "outermost:\n.cfi_startproc\ncall *%rsi\nud2\n.cfi_endproc\n"
        ".globl leave\n.type leave,@function\nleave:\n.cfi_startproc\n"
        "mov switched_from@gottpoff(%rip),%rax\nmov %fs:(%rax),%rsp\n"
        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n"
        ".cfi_endproc\n.size leave,.-leave\n");

static void *map(void *at, size_t size)
{
	void *p = mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

__attribute__((noinline)) static void use(int depth)
{
	volatile char room[5000];

	room[0] = 1;
	if (depth)
		use(depth - 1);
	else if (!malloc(333))
		abort();
	room[1] = room[0];
}

static void large(void)
{
	use(8);
	leave();
}

static void small(void)
{
	use(0);
	leave();
}

static void *reuse(void *unused)
{
	for (int i = 0; i < 3; i++) {
		char *stack = map(NULL, SIZE);

		switch_to(stack + SIZE - 64, large);
		munmap(stack, SIZE);
		stack = map(stack + SIZE / 2, SIZE / 4);
		switch_to(stack + SIZE / 4, small);
		munmap(stack, SIZE / 4);
	}
	return unused;
}

static int reused(void)
{
	pthread_t thread;

	reuse(NULL);
	return pthread_create(&thread, NULL, reuse, NULL) != 0 || pthread_join(thread, NULL) != 0;
}

/* Calls FUNCTION with ARGUMENT on the stack that ends at TOP. */
extern void call_on(void (*function)(size_t), size_t argument, void *top);

__asm__(".text\n.globl call_on\n.type call_on,@function\ncall_on:\n.cfi_startproc\n"
        "push %rbp\n.cfi_def_cfa_offset 16\n.cfi_offset %rbp,-16\n"
        "mov %rsp,%rbp\n.cfi_def_cfa_register %rbp\n"
        "mov %rdi,%rax\nmov %rsi,%rdi\nmov %rdx,%rsp\ncall *%rax\n"
        "mov %rbp,%rsp\npop %rbp\n.cfi_def_cfa %rsp,8\nret\n.cfi_endproc\n.size call_on,.-call_on\n");

/* Or a call at the end of a function would leave its frame. */
#define STAY() __asm__ volatile("" ::: "memory")

static char *lowest, *middle, *highest;

__attribute__((noinline)) static void work(size_t size)
{
	if (!malloc(size))
		abort();
	STAY();
}

__attribute__((noinline)) static void caller(char *stack, size_t size)
{
	call_on(work, size, stack + SIZE);
	STAY();
}

__attribute__((noinline)) static void *switching(void *unused)
{
	for (int i = 0; i < 3; i++) {
		caller(lowest, 1111);
		caller(highest, 2222);
	}
	STAY();
	return unused;
}

static int switched(void)
{
	char *room = mmap(NULL, (size_t)8 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attributes;
	pthread_t thread;

	if (room == MAP_FAILED)
		return 2;
	lowest = map(room, SIZE);
	middle = map(room + (size_t)2 * SIZE, SIZE);
	highest = map(room + (size_t)5 * SIZE, SIZE);
	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, middle, SIZE);
	return pthread_create(&thread, &attributes, switching, NULL) != 0 || pthread_join(thread, NULL) != 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "switched") == 0)
		return switched();
	if (argc == 2 && strcmp(argv[1], "reused") == 0)
		return reused();
	fprintf(stderr, "usage: stacks reused | switched\n");
	return 2;
}

#else

int main(void)
{
	return 77;
}

#endif
