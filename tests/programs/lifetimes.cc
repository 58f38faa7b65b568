/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allocations at odd times of a process's life and in odd places of its stacks.
 * Each has a size of its own, by which its record is found:
 *
 *     lifetimes order        20001 before all constructors, 20002 in one, 20003 in main, 20004 and 20005 in
 *                            destructors of a thread's data, 20006 in atexit(), 20007 in a static object's
 *                            destructor, 20008 behind the tracker's own destructor, if it is linked in
 *     lifetimes coroutines   21001 and 21002 by turns on stacks of their own, 21003 in main after they are unmapped
 *     lifetimes jumps        22001 under frames that longjmp() leaves, 22002 behind, 22003 under those that an
 *                            exception leaves, 22004 behind
 *     lifetimes handler SIZE 23001 in a signal handler on a stack of SIZE bytes more than the kernel needs
 *     lifetimes thread       24001 in threads with the smallest stack there is
 */
#include <climits>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <pthread.h>
#include <stdexcept>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define ROUNDS 50

static bool in_order;

/* The compiler must not think it away. */
static void *allocate(size_t size)
{
	void *volatile p = malloc(size);

	return p;
}

/* ---- order --------------------------------------------------------------------- */

static void *first, *constructed;

static void before_all(int, char **argv, char **)
{
	in_order = argv[1] && strcmp(argv[1], "order") == 0;
	if (in_order)
		first = allocate(20001);
}

__attribute__((section(".preinit_array"), used)) static void (*before)(int, char **, char **) = before_all;

__attribute__((constructor)) static void construct()
{
	if (in_order)
		constructed = allocate(20002);
}

static void destruct_last()
{
	if (in_order)
		allocate(20008);
}

/* What a priority below the tracker's comes to; the compiler keeps those for itself. */
__attribute__((section(".fini_array.00050"), used)) static void (*behind)() = destruct_last;

static struct last_words {
	~last_words()
	{
		if (in_order)
			allocate(20007);
	}
} last_words;

static void at_exit()
{
	allocate(20006);
}

struct thread_words {
	bool said = false;
	~thread_words()
	{
		if (said)
			allocate(20004);
	}
};

static thread_local thread_words thread_words;

static void destroy_key(void *)
{
	allocate(20005);
}

static pthread_key_t key;

static void *leaves_data(void *)
{
	thread_words.said = true;
	pthread_setspecific(key, &key);
	return nullptr;
}

static int order()
{
	pthread_t thread;

	allocate(20003);
	pthread_key_create(&key, destroy_key);
	if (pthread_create(&thread, nullptr, leaves_data, nullptr) != 0)
		return 1;
	pthread_join(thread, nullptr);
	free(first);
	free(constructed);
	return atexit(at_exit);
}

/* ---- coroutines ------------------------------------------------------------------ */

#define STACK (size_t)(64 << 10)

static ucontext_t in_main, contexts[2];

extern "C" {
void even();
void odd();
void deeper(int depth, int self);
}

static void turn(int self)
{
	allocate(self ? 21002 : 21001);
	swapcontext(&contexts[self], &contexts[!self]);
}

void deeper(int depth, int self)
{
	volatile char frame[100];

	frame[0] = 0;
	if (depth)
		deeper(depth - 1, self);
	else
		turn(self);
	frame[1] = frame[0];
}

void even()
{
	for (int i = 0; i < ROUNDS; i++)
		deeper(i % 5, 0);
}

void odd()
{
	for (int i = 0; i < ROUNDS; i++)
		deeper(i % 7, 1);
}

static bool make_context(ucontext_t *context, void (*function)())
{
	void *stack = mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED || getcontext(context) != 0)
		return false;
	context->uc_stack.ss_sp = stack;
	context->uc_stack.ss_size = STACK;
	context->uc_link = &in_main;
	makecontext(context, function, 0);
	return true;
}

static int coroutines()
{
	for (int round = 0; round < 3; round++) {
		if (!make_context(&contexts[0], even) || !make_context(&contexts[1], odd))
			return 1;
		swapcontext(&in_main, &contexts[0]);
		/* Nothing may look at what it remembers of them. */
		for (int i = 0; i < 2; i++)
			munmap(contexts[i].uc_stack.ss_sp, STACK);
		allocate(21003);
	}
	return 0;
}

/* ---- jumps ----------------------------------------------------------------------- */

static jmp_buf landing;

extern "C" void dive(int depth, int how)
{
	if (depth)
		dive(depth - 1, how);
	allocate(how ? 22003 : 22001);
	if (how)
		throw std::runtime_error("expected");
	longjmp(landing, 1);
}

extern "C" void lands()
{
	allocate(22002);
}

extern "C" void catches(int depth)
{
	try {
		dive(depth, 1);
	} catch (const std::exception &) {
		allocate(22004);
	}
}

static int jumps()
{
	for (volatile int i = 0; i < ROUNDS; i++) {
		if (setjmp(landing) == 0)
			dive(i % 9, 0);
		lands();
		catches(i % 9);
	}
	return 0;
}

/* ---- small stacks ------------------------------------------------------------------ */

static void uses_all()
{
	void *volatile p = malloc(23001);

	p = realloc(p, 40000);
	free(p);
	p = calloc(3, 1000);
	free(p);
	if (posix_memalign((void **)&p, 64, 100) == 0)
		free(p);
}

static void handle(int)
{
	uses_all();
}

static int handler(long more)
{
	long page = sysconf(_SC_PAGESIZE), size = sysconf(_SC_MINSIGSTKSZ) + more,
	     room = (size + page - 1) / page * page;
	/* A page that nobody may touch lies below. */
	char *map = (char *)mmap(nullptr, (size_t)(room + page), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sigaction action = {};
	stack_t stack = {};

	if (map == MAP_FAILED || mprotect(map + page, (size_t)room, PROT_READ | PROT_WRITE) != 0)
		return 1;
	stack.ss_sp = map + page;
	stack.ss_size = (size_t)size;
	action.sa_handler = handle;
	action.sa_flags = SA_ONSTACK;
	if (sigaltstack(&stack, nullptr) != 0 || sigaction(SIGUSR1, &action, nullptr) != 0)
		return 1;
	for (int i = 0; i < 5; i++)
		raise(SIGUSR1);
	return 0;
}

static void *in_thread(void *)
{
	allocate(24001);
	uses_all();
	return nullptr;
}

static int small_threads()
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	if (pthread_attr_setstacksize(&attributes, (size_t)sysconf(_SC_THREAD_STACK_MIN)) != 0)
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		if (pthread_create(&thread, &attributes, in_thread, nullptr) != 0)
			return 1;
		pthread_join(thread, nullptr);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "order") == 0)
		return order();
	if (strcmp(what, "coroutines") == 0)
		return coroutines();
	if (strcmp(what, "jumps") == 0)
		return jumps();
	if (strcmp(what, "handler") == 0)
		return handler(argc > 2 ? strtol(argv[2], nullptr, 10) : 0);
	if (strcmp(what, "thread") == 0)
		return small_threads();
	return 2;
}
