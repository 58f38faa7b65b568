/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allocates the same in each run, so that a full trace of one run is the truth about a sampled trace of another one:
 *
 *     estimated THREADS ROUNDS
 *
 * Each function below is a backtrace of its own. Each call asks for one size, so that it is known by how much estimates
 * have to vary. All threads do the same. First they allocate for a moment, then they
 * allocate and keep, so that the peak is where all have done that, whatever their order was. Then they release three of
 * four blocks. The first thread starts some that live briefly, one after another.
 */
#include <cstdlib>
#include <cstring>
#include <list>
#include <malloc.h>
#include <pthread.h>

namespace
{

constexpr int most_threads = 16, brief_threads = 6;
constexpr size_t mebibyte = 1 << 20;

pthread_barrier_t barrier;
int rounds;

/* Pointers, not vectors: what a vector needs itself would be allocated at random places. */
struct kept {
	void **blocks;
	size_t count;
};

void keep(kept &kept, void *block)
{
	kept.blocks[kept.count++] = block;
}

/* The compiler must neither remove a call nor put a function into another one. */
#define SITE __attribute__((noinline)) void

/* ---- kept ------------------------------------------------------------------------ */

SITE keep_empty(kept &k)
{
	for (int i = 0; i < 100; i++)
		keep(k, malloc(0));
}

SITE keep_tiny(kept &k)
{
	for (int i = 0; i < 1500; i++)
		keep(k, malloc(8));
}

SITE keep_small(kept &k)
{
	for (int i = 0; i < 400; i++)
		keep(k, malloc(100));
}

SITE keep_cleared(kept &k)
{
	for (int i = 0; i < 100; i++)
		keep(k, calloc(25, 40));
}

SITE keep_grown(kept &k)
{
	for (int i = 0; i < 40; i++) {
		void *volatile block = malloc(60);

		block = realloc(block, 5000);
		keep(k, realloc(block, 9000));
	}
}

SITE keep_shrunk(kept &k)
{
	for (int i = 0; i < 40; i++) {
		void *volatile block = malloc(20000);

		keep(k, realloc(block, 700));
	}
}

SITE keep_aligned(kept &k)
{
	for (int i = 0; i < 15; i++) {
		void *block = nullptr;

		if (posix_memalign(&block, 4096, 7000) == 0)
			keep(k, block);
		keep(k, memalign(64, 3000));
		keep(k, aligned_alloc(256, 2048));
	}
}

SITE keep_new(kept &k)
{
	for (int i = 0; i < 300; i++)
		keep(k, operator new(200));
}

SITE leak_arrays()
{
	for (int i = 0; i < 40; i++)
		*static_cast<void *volatile *>(operator new[](6000)) = nullptr;
}

/* Many sizes from one function. */
SITE keep_mixed(kept &k)
{
	for (int i = 0; i < 20; i++) {
		keep(k, malloc(1));
		keep(k, malloc(40));
		keep(k, malloc(333));
		keep(k, malloc(1024));
		keep(k, malloc(3000));
		keep(k, malloc(8193));
		keep(k, malloc(20000));
		keep(k, malloc(65536));
	}
}

SITE keep_copies(kept &k)
{
	for (int i = 0; i < 100; i++)
		keep(k, strdup("a string whose copy is allocated by the C library"));
}

SITE keep_large(kept &k)
{
	for (int i = 0; i < 3; i++)
		keep(k, malloc(300007));
}

/* They are in each sample. As they come last, they are the end of the way up to the peak. */
SITE keep_huge(kept &k)
{
	keep(k, malloc(24 * mebibyte));
}

/* ---- for a moment ------------------------------------------------------------------ */

SITE pass_small()
{
	for (int i = 0; i < 1000; i++) {
		void *volatile block = malloc(150);

		free(block);
	}
}

SITE pass_large()
{
	for (int i = 0; i < 30; i++) {
		void *volatile block = calloc(1, 40000);

		free(block);
	}
}

SITE pass_list()
{
	for (int i = 0; i < 10; i++)
		std::list<int> numbers(100, i);
}

/* ---- threads ----------------------------------------------------------------------- */

SITE pass_briefly()
{
	for (int i = 0; i < 40; i++) {
		void *volatile block = malloc(900);

		free(block);
	}
}

SITE leak_briefly()
{
	for (int i = 0; i < 10; i++)
		*static_cast<void *volatile *>(malloc(500)) = nullptr;
}

void *live_briefly(void *argument)
{
	pass_briefly();
	leak_briefly();
	return argument;
}

/* One after another, so that the next one has the stack of the last one. */
void start_brief_threads()
{
	for (int i = 0; i < brief_threads * rounds; i++) {
		pthread_t thread;

		if (pthread_create(&thread, nullptr, live_briefly, nullptr) == 0)
			pthread_join(thread, nullptr);
	}
}

void meet()
{
	pthread_barrier_wait(&barrier);
}

void pass()
{
	pass_small();
	pass_large();
	pass_list();
}

void keep_all(kept &k, kept &objects)
{
	keep_empty(k);
	keep_tiny(k);
	keep_small(k);
	keep_cleared(k);
	keep_grown(k);
	keep_shrunk(k);
	keep_aligned(k);
	keep_new(objects);
	leak_arrays();
	keep_mixed(k);
	keep_copies(k);
	keep_large(k);
}

bool is_released(size_t i)
{
	return i % 4 != 0;
}

void release(const kept &blocks, const kept &objects)
{
	for (size_t i = 0; i < blocks.count; i++) {
		if (is_released(i))
			free(blocks.blocks[i]);
	}
	for (size_t i = 0; i < objects.count; i++) {
		if (is_released(i))
			operator delete(objects.blocks[i]);
	}
}

kept make_kept(size_t most)
{
	kept k = {static_cast<void **>(malloc(size_t(rounds) * most * sizeof(void *))), 0};

	if (!k.blocks)
		abort();
	return k;
}

void *work(void *argument)
{
	kept blocks = make_kept(4000), objects = make_kept(300);

	for (int i = 0; i < rounds; i++)
		pass();
	meet();
	for (int i = 0; i < rounds; i++)
		keep_all(blocks, objects);
	meet();
	keep_huge(blocks);
	meet();
	release(blocks, objects);
	free(blocks.blocks);
	free(objects.blocks);
	meet();
	return argument;
}

} // namespace

int main(int argc, char **argv)
{
	const int threads = argc > 1 ? atoi(argv[1]) : 1;
	pthread_t ids[most_threads];

	rounds = argc > 2 ? atoi(argv[2]) : 1;
	if (threads < 1 || threads > most_threads || rounds < 1)
		return 2;
	pthread_barrier_init(&barrier, nullptr, unsigned(threads));
	for (int i = 0; i < threads - 1; i++)
		pthread_create(&ids[i], nullptr, work, nullptr);
	work(nullptr);
	for (int i = 0; i < threads - 1; i++)
		pthread_join(ids[i], nullptr);
	start_brief_threads();
	return 0;
}
