/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Eight threads that allocate, resize and release each other's blocks for a
 * long time, while the program forks, starts short threads, loads and unloads
 * a library, and, if asked to, turns tracing off and on.
 *
 *     soak SECONDS [toggle]       20 or more
 *
 * It keeps to memory that it can tell from the tracker's: one heap, of one
 * piece. Prints what was resident beside that heap, and ends with 1 if that
 * grew, if a child failed, or if the tracker's count is not the program's.
 */
#define LOG_MALLOC_WEAK
#include <dlfcn.h>
#include <limits.h>
#include <log-malloc2.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
#define SLOTS   1024
#define BURST   16
#define LIBRARY "libutil.so.1"

/* Above the heap's own ups and downs, which is none of it; below what a leak of a few bytes a round comes to. */
#define GROWTH_MAX_KIB 512

static void *slots[SLOTS];
static int64_t ledger[THREADS + 1]; /* requested bytes, by thread */
static int over;

/* No stdio: it would allocate. */
static void say(int to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(int to, const char *fmt, ...)
{
	char line[200];
	va_list args;
	int length;

	va_start(args, fmt);
	length = vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	if (write(to, line, (size_t)length) != length)
		_exit(2);
}

static void sleep_ms(long ms)
{
	const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&time, NULL);
}

/* ---- work ---------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}

/* The size stands in the block, for whoever takes it over. */
static void *labelled(void *p, size_t size, int64_t *balance)
{
	if (!p)
		abort();
	*(size_t *)p = size;
	*balance += (int64_t)size;
	return p;
}

static void *allocate(uint64_t random, int64_t *balance)
{
	size_t size = sizeof(size_t) + random % (random >> 50 & 31 ? 400 : 60000);
	void *p = NULL;

	switch (random >> 32 & 3) {
	case 0:
		p = calloc(1, size);
		break;
	case 1:
		if (posix_memalign(&p, 64, size) != 0)
			abort();
		break;
	default:
		p = malloc(size);
	}
	return labelled(p, size, balance);
}

static void *resize(void *p, uint64_t random, int64_t *balance)
{
	size_t size = sizeof(size_t) + random % 3000;

	*balance -= *(int64_t *)p;
	return labelled(realloc(p, size), size, balance);
}

static void release(void *p, int64_t *balance)
{
	if (p)
		*balance -= *(int64_t *)p;
	free(p);
}

static void step(uint64_t random, int64_t *balance)
{
	void **slot = &slots[random >> 20 & (SLOTS - 1)];
	void *p = __atomic_exchange_n(slot, NULL, __ATOMIC_ACQ_REL);

	if (!p)
		p = allocate(random, balance);
	else if (random & 1)
		p = resize(p, random, balance);
	else
		release(p, balance), p = NULL;
	release(__atomic_exchange_n(slot, p, __ATOMIC_ACQ_REL), balance);
}

static void *work(void *argument)
{
	uint64_t number = (uintptr_t)argument, random = (number + 1) * 0x9e3779b97f4a7c15u;
	int64_t balance = 0;

	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		for (int i = 0; i < BURST; i++)
			step(next_random(&random), &balance);
		sleep_ms(4);
	}
	ledger[number] = balance;
	return NULL;
}

static void *work_shortly(void *argument)
{
	int64_t balance = 0;

	for (uint64_t i = 0, random = (uintptr_t)argument | 1; i < BURST; i++)
		step(next_random(&random), &balance);
	__atomic_fetch_add(&ledger[THREADS], balance, __ATOMIC_RELAXED);
	return NULL;
}

static pthread_barrier_t all_are_there;

static void *meet(void *argument)
{
	pthread_barrier_wait(&all_are_there);
	return argument;
}

/* ---- what goes on beside it ------------------------------------------------------ */

static pthread_t start(void *(*function)(void *), uintptr_t argument)
{
	pthread_attr_t attributes;
	pthread_t thread;

	/* Small enough for libc to keep them all for the next one. */
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 128 << 10);
	if (pthread_create(&thread, &attributes, function, (void *)argument) != 0)
		abort();
	return thread;
}

static void fork_once(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int64_t balance = 0;

		/* All slots are the child's own now; other threads' blocks in flight are lost to it. */
		for (uint64_t i = 0, random = 4711; i < BURST; i++)
			step(next_random(&random), &balance);
		_exit(17);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 17) {
		say(STDERR_FILENO, "soak: a child failed\n");
		_exit(1);
	}
}

static void load_once(void)
{
	void *library = dlopen(LIBRARY, RTLD_NOW);

	if (library)
		dlclose(library);
}

static void toggle(unsigned round)
{
	if (round % 4 == 3)
		log_malloc_trace_enable();
	else if (round % 4 == 1)
		log_malloc_trace_disable();
}

/* Resident memory that is not the program's heap, in KiB. */
static long resident_beside_heap(void)
{
	static char line[PATH_MAX + 200];
	FILE *maps = fopen("/proc/self/smaps", "re");
	long total = 0, kib;
	int in_heap = 0;
	unsigned long from;

	if (!maps)
		return 0;
	while (fgets(line, sizeof line, maps)) {
		if (sscanf(line, "%lx-", &from) == 1 && strchr(line, '-') < strchr(line, ' '))
			in_heap = strstr(line, "[heap]") != NULL;
		else if (!in_heap && sscanf(line, "Rss: %ld", &kib) == 1)
			total += kib;
	}
	fclose(maps);
	return total;
}

static long stir(time_t until, int toggles)
{
	long most = 0;

	for (unsigned round = 0; time(NULL) < until; round++) {
		fork_once();
		load_once();
		pthread_join(start(work_shortly, 2 * round + 1), NULL);
		if (toggles)
			toggle(round);
		if (round % 64 == 0) {
			long now = resident_beside_heap();

			most = now > most ? now : most;
		}
		sleep_ms(5);
	}
	return most;
}

/* All that libc keeps of a thread is there before it is counted. */
static void warm_up(void)
{
	pthread_t threads[THREADS + 2];

	pthread_barrier_init(&all_are_there, NULL, THREADS + 2);
	for (uintptr_t i = 0; i < THREADS + 2; i++)
		threads[i] = start(meet, i);
	for (int i = 0; i < THREADS + 2; i++)
		pthread_join(threads[i], NULL);
	/* The loader's two tables of objects have their size then. */
	for (int i = 0; i < 4; i++)
		load_once();
	resident_beside_heap();
}

int main(int argc, char **argv)
{
	long seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 0, early, late;
	int toggles = argc > 2 && strcmp(argv[2], "toggle") == 0;
	pthread_t threads[THREADS];
	int64_t expected = 0;
	time_t begin;
	size_t before;

	/* In the first quarter of it the ring has been filled. */
	if (seconds < 20)
		return 2;
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_MMAP_MAX, 0);
	warm_up();
	before = log_malloc_get_usage();
	begin = time(NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		threads[i] = start(work, i);
	early = stir(begin + seconds / 4, toggles);
	late = stir(begin + seconds, toggles);
	__atomic_store_n(&over, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i <= THREADS; i++)
		expected += ledger[i];
	say(STDOUT_FILENO, "resident beside the heap, KiB: %ld at most in the first quarter, then %ld\n", early, late);
	say(STDOUT_FILENO, "bytes in use: %zu, of them the threads' %ld\n", log_malloc_get_usage(), (long)expected);
	if (late > early + GROWTH_MAX_KIB)
		say(STDERR_FILENO, "soak: memory beside the heap grew\n");
	else if (before && log_malloc_get_usage() != before + (size_t)expected) /* 0: not traced */
		say(STDERR_FILENO, "soak: the tracker counted %ld bytes\n", (long)(log_malloc_get_usage() - before));
	else
		return 0;
	return 1;
}
