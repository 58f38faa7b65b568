/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loop that the figures are about: at a given call depth, each step
 * releases a block of a window of live ones and allocates another (or, with
 * -g, grows one by realloc). Only the steps are timed: what a tracer does at
 * the start and at the end of a process stays out.
 *
 * The way down is a binary tree of calls, so that consecutive stacks share
 * most of their frames and many stacks are distinct, as in real programs;
 * -l says how many steps are done at a leaf before the stack changes.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"

#define THREADS_MAX 64

struct worker {
	pthread_t thread;
	void **window;
	size_t *sizes;
	uint64_t left;
	uint64_t start, end;
	uint32_t random;
};

static struct {
	uint64_t threads, steps, window, min, max, depth, per_leaf, grow;
} options = {.threads = 1, .steps = 1000000, .window = 1000, .min = 16, .max = 256, .depth = 12, .per_leaf = 1};

static pthread_barrier_t barrier;

/* Behind a call: the caller's frame has to be there while the call runs. */
#define NO_TAIL_CALL() __asm__ volatile("" ::: "memory")

static size_t some_size(struct worker *worker)
{
	return options.min + next_random(&worker->random) % (options.max - options.min + 1);
}

static void *checked(void *block)
{
	if (!block)
		abort();
	return block;
}

__attribute__((noinline)) static void exchange(struct worker *worker, uint64_t steps)
{
	while (steps--) {
		size_t slot = next_random(&worker->random) % options.window;

		free(worker->window[slot]);
		worker->window[slot] = checked(malloc(some_size(worker)));
	}
	NO_TAIL_CALL();
}

/* As a vector grows: by half of what it has, then it starts anew. */
__attribute__((noinline)) static void grow(struct worker *worker, uint64_t steps)
{
	while (steps--) {
		size_t slot = next_random(&worker->random) % options.window;
		size_t size = worker->sizes[slot] + worker->sizes[slot] / 2;

		if (size > options.grow)
			size = some_size(worker);
		worker->window[slot] = checked(realloc(worker->window[slot], size));
		worker->sizes[slot] = size;
	}
	NO_TAIL_CALL();
}

/* LEVEL calls more, then the steps of one leaf. Two calls, as two places in the code. */
__attribute__((noinline)) static void descend(struct worker *worker, uint64_t level)
{
	if (level > 1) {
		descend(worker, level - 1);
		NO_TAIL_CALL();
		if (worker->left)
			descend(worker, level - 1);
	} else {
		uint64_t steps = options.per_leaf && options.per_leaf < worker->left ? options.per_leaf : worker->left;

		worker->left -= steps;
		if (options.grow)
			grow(worker, steps);
		else
			exchange(worker, steps);
	}
	NO_TAIL_CALL();
}

__attribute__((noinline)) static void *work(void *argument)
{
	struct worker *worker = argument;

	worker->window = checked(calloc(options.window, sizeof *worker->window));
	worker->sizes = checked(calloc(options.window, sizeof *worker->sizes));
	for (size_t slot = 0; slot < options.window; slot++) {
		worker->sizes[slot] = some_size(worker);
		worker->window[slot] = checked(malloc(worker->sizes[slot]));
	}
	pthread_barrier_wait(&barrier);
	worker->start = now_ns();
	while (worker->left)
		descend(worker, options.depth - 1);
	worker->end = now_ns();
	for (size_t slot = 0; slot < options.window; slot++)
		free(worker->window[slot]);
	free(worker->sizes);
	free(worker->window);
	return NULL;
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "t:n:w:s:S:d:l:g:")) != -1) {
		switch (c) {
		case 't':
			options.threads = number(optarg, 1, THREADS_MAX);
			break;
		case 'n':
			options.steps = number(optarg, 1, UINT64_MAX);
			break;
		case 'w':
			options.window = number(optarg, 1, 1u << 30);
			break;
		case 's':
			options.min = number(optarg, 2, 1u << 30);
			break;
		case 'S':
			options.max = number(optarg, 2, 1u << 30);
			break;
		case 'd':
			options.depth = number(optarg, 2, 1000);
			break;
		case 'l':
			options.per_leaf = number(optarg, 0, UINT64_MAX);
			break;
		case 'g':
			options.grow = number(optarg, 0, 1u << 30);
			break;
		default:
			fputs("Usage: loop [-t THREADS] [-n STEPS] [-w WINDOW] [-s MIN] [-S MAX] [-d DEPTH] [-l "
			      "PER-LEAF]\n"
			      "            [-g LARGEST]\n"
			      "Steps of all threads together; sizes in bytes; -l 0: one stack for all steps;\n"
			      "-g: a step is a realloc that grows a block, up to LARGEST\n",
			      stderr);
			exit(2);
		}
	}
	if (options.max < options.min || (options.grow && options.grow < options.max)) {
		fputs("loop: MIN, MAX and LARGEST have to ascend\n", stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	static struct worker workers[THREADS_MAX];
	uint64_t start = UINT64_MAX, end = 0;

	parse(argc, argv);
	if (pthread_barrier_init(&barrier, NULL, (unsigned)options.threads) != 0)
		return 2;
	for (size_t i = 0; i < options.threads; i++) {
		workers[i].left = options.steps / options.threads + (i < options.steps % options.threads);
		workers[i].random = 2463534242u + (uint32_t)i;
	}
	for (size_t i = 1; i < options.threads; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			return 2;
	work(&workers[0]);
	NO_TAIL_CALL();
	for (size_t i = 1; i < options.threads; i++)
		pthread_join(workers[i].thread, NULL);
	for (size_t i = 0; i < options.threads; i++) {
		start = workers[i].start < start ? workers[i].start : start;
		end = workers[i].end > end ? workers[i].end : end;
	}
	report(end - start, options.steps, 0);
	return 0;
}
