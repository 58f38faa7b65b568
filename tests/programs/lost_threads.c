/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blocks whose only pointer is in a place that belongs to a thread, none of which is lost; and blocks that only threads
 * which have ended pointed to, of which all are.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "stay.h"

/* Those that can be reached have 40 bytes, those that are lost 56. */
enum { KEPT = 40, LOST = 56, MAPPED = 16 << 10 };

static pthread_barrier_t all_have_blocks;
static pthread_key_t key;
static __thread void *volatile own;
static ucontext_t caller, coroutine;

static void wait_for_all(void)
{
	forget();
	pthread_barrier_wait(&all_have_blocks);
	for (;;)
		pause();
}

static void *in_local_storage(void *unused)
{
	own = malloc(KEPT);
	wait_for_all();
	return unused;
}

static void *in_specific(void *unused)
{
	pthread_setspecific(key, malloc(KEPT));
	wait_for_all();
	return unused;
}

static void *on_stack(void *unused)
{
	void *volatile block = malloc(KEPT);

	wait_for_all();
	return block ? unused : NULL;
}

/* Passes P to nobody, and keeps it in a register that functions preserve. */
static void *in_register(void *unused)
{
#if defined(__x86_64__)
	register void *block __asm__("r12") = malloc(KEPT);
#elif defined(__aarch64__)
	register void *block __asm__("x19") = malloc(KEPT);
#else
	void *volatile block = malloc(KEPT);
#endif

	forget();
	pthread_barrier_wait(&all_have_blocks);
	for (;;)
		__asm__ volatile("" : "+r"(block));
	return unused;
}

static void *ends(void *unused)
{
	void *volatile blocks[50];

	for (int i = 0; i < 50; i++)
		blocks[i] = calloc(1, LOST);
	return blocks[0] ? unused : NULL;
}

static void *ends_with_result(void *unused)
{
	(void)unused;
	return malloc(KEPT);
}

static void on_other_stack(void)
{
	void *volatile block = malloc(KEPT);

	swapcontext(&coroutine, &caller);
	free(block);
}

/* The stack is a block, whose address is in STACK alone; another coroutine's is a mapping. */
static void *as_coroutine(void *unused)
{
	char *volatile stack = malloc(64 << 10);

	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stack;
	coroutine.uc_stack.ss_size = 64 << 10;
	coroutine.uc_link = &caller;
	makecontext(&coroutine, on_other_stack, 0);
	swapcontext(&caller, &coroutine);
	wait_for_all();
	return unused;
}

static __attribute__((noinline)) void use_mapping(void)
{
	void **mapping = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void **shared = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	mapping[0] = malloc(KEPT);
	mapping[MAPPED / sizeof *mapping - 1] = malloc(KEPT);
	shared[7] = malloc(KEPT);
	mprotect(shared + MAPPED / sizeof *shared / 2, MAPPED / 2, PROT_NONE);
}

/* What was released has pointers left, in the main heap and in that of a thread. */
static __attribute__((noinline)) void leave_pointers(size_t size)
{
	void **released = malloc(size);

	for (size_t i = 4; i < 12; i++)
		released[i] = calloc(1, LOST);
	free(released);
}

static void *leaves_pointers(void *unused)
{
	leave_pointers(2000);
	leave_pointers(200);
	return unused;
}

static void run(void *function(void *), int detach)
{
	pthread_t thread;

	pthread_create(&thread, NULL, function, NULL);
	if (detach)
		pthread_detach(thread);
	else
		pthread_join(thread, NULL);
	forget();
}

static __attribute__((noinline)) void start(void *function(void *))
{
	pthread_t thread;

	pthread_create(&thread, NULL, function, NULL);
}

int main(void)
{
	void *(*const functions[])(void *) = {in_local_storage, in_specific, on_stack, in_register, as_coroutine};
	const unsigned count = sizeof functions / sizeof *functions;

	pthread_key_create(&key, NULL);
	pthread_barrier_init(&all_have_blocks, NULL, count + 1);
	use_mapping();
	leave_pointers(3000);
	leave_pointers(100);
	run(leaves_pointers, 0);
	run(ends, 0);
	run(ends, 1);
	usleep(50000);
	start(ends_with_result);
	usleep(50000);
	for (unsigned i = 0; i < count; i++)
		start(functions[i]);
	pthread_barrier_wait(&all_have_blocks);
	own = malloc(KEPT);
	stay();
	_exit(0);
}
