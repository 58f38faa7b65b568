/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Backtraces from odd places. Each allocates a size of its own, by which its
 * record is found: 10001 in a signal handler on an alternate stack, 10002 deep
 * in recursion, 10003 while an exception passes through, 10004 after it, 10005
 * in a thread with a small stack, 10006 in a function that realigns its stack.
 */
#include <csignal>
#include <cstdlib>
#include <pthread.h>
#include <stdexcept>

static void *keep[10];

extern "C" {
[[gnu::noinline]] void handler(int);
[[gnu::noinline]] void recurse(int depth);
[[gnu::noinline]] void *small_stack(void *);
[[gnu::noinline]] void realigned();
}

void handler(int)
{
	keep[1] = malloc(10001);
}

void recurse(int depth)
{
	volatile char frame[200];

	frame[0] = 0;
	if (depth == 0)
		keep[2] = malloc(10002);
	else
		recurse(depth - 1);
	frame[1] = frame[0];
}

struct allocates_when_it_goes {
	~allocates_when_it_goes()
	{
		keep[3] = malloc(10003);
	}
};

static void throws()
{
	allocates_when_it_goes passenger;

	throw std::runtime_error("expected");
}

void *small_stack(void *)
{
	keep[5] = malloc(10005);
	return nullptr;
}

void realigned()
{
	alignas(64) volatile char vector[64];

	vector[0] = 1;
	keep[6] = malloc(10006);
	vector[1] = vector[0];
}

int main()
{
	stack_t alternate = {};
	struct sigaction action = {};
	pthread_attr_t attributes;
	pthread_t thread;

	alternate.ss_size = 16384;
	alternate.ss_sp = malloc(alternate.ss_size);
	sigaltstack(&alternate, nullptr);
	action.sa_handler = handler;
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR1, &action, nullptr);
	raise(SIGUSR1);
	recurse(300);
	try {
		throws();
	} catch (const std::exception &) {
		keep[4] = malloc(10004);
	}
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 16384);
	if (pthread_create(&thread, &attributes, small_stack, nullptr) == 0)
		pthread_join(thread, nullptr);
	realigned();
	return 0;
}
