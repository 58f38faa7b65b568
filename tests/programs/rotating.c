/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes many more events than a file of its trace may have. THREADS threads allocate blocks of 3000 to 3499 bytes into
 * slots that all share, so that most are released by another thread than the one that allocated them. The addresses of
 * those that are live at the end are printed with their sizes.
 *
 *     rotating THREADS ROUNDS [MODE]
 *
 * MODE:  leak     one thread also allocates a block of 2000 bytes in each 50th round, which nobody releases
 *        fork     two children do the same behind it, and it waits for them
 *        exec     then the program executes itself, without MODE
 *        late     then a child is forked, the rounds come once more, and the child executes /bin/true
 *        off      the signal USR2 comes at a third of the rounds, and again at two thirds
 *        queue    each thread begins when the one before has ended
 *        loud     more than a file can have is live between a third and two thirds of the rounds
 *        hoard    the same, but ten of these blocks stay
 *        full     the same, and meanwhile the file disk/filler leaves no room on the disk of the trace disk/t
 *        maps     behind it, the process gets a long memory map
 *        lose     behind it, the file that is called t is removed
 *        forever  without an end
 *        stay     then the program says so, and waits to be killed
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOTS = 64, MANY = 8000 };

static struct slot {
	_Atomic(unsigned char *) block;
} slots[SLOTS];

static void *many[MANY];
static int rounds;
static const char *mode = "";

static int is_mode(const char *name)
{
	return strcmp(mode, name) == 0;
}

/* The block says its size itself. */
static unsigned char *filled(unsigned char *block, unsigned short size)
{
	if (!block)
		abort();
	memset(block, size & 0xff, size);
	memcpy(block, &size, sizeof size);
	return block;
}

static unsigned short size_of(const unsigned char *block)
{
	unsigned short size;

	memcpy(&size, block, sizeof size);
	return size;
}

static __attribute__((noinline)) void *leaked(void)
{
	return malloc(2000);
}

static void hold_many(int hold)
{
	for (int i = 0; i < MANY; i++) {
		if (hold)
			many[i] = malloc(1500);
		else if (i < MANY - 10 || is_mode("loud"))
			free(many[i]);
	}
}

static void fill_disk(void)
{
	static const char zeros[4096];
	int fd = open("disk/filler", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		abort();
	while (write(fd, zeros, sizeof zeros) > 0)
		;
	close(fd);
}

static off_t size_of_trace(void)
{
	struct stat status;

	if (stat("disk/t", &status) != 0)
		abort();
	return status.st_size;
}

/* Behind it, the trace goes on: the tracker tries that every 100 ms, if there is an event. */
static void make_room(void)
{
	const off_t size = size_of_trace();

	unlink("disk/filler");
	while (size_of_trace() == size)
		free(malloc(1500));
}

/* What only the first thread does. */
static void do_mode(int round)
{
	void *volatile kept;

	if (is_mode("leak") && round % 50 == 0)
		kept = leaked();
	if (is_mode("off") && (round == rounds / 3 || round == 2 * rounds / 3))
		raise(SIGUSR2);
	if (is_mode("full") && round == rounds / 3)
		fill_disk();
	if ((is_mode("loud") || is_mode("hoard") || is_mode("full")) &&
	    (round == rounds / 3 || round == 2 * rounds / 3))
		hold_many(round == rounds / 3);
	if (is_mode("full") && round == 2 * rounds / 3)
		make_room();
	(void)kept;
}

static void do_round(unsigned *random)
{
	struct slot *slot;
	unsigned char *before;
	unsigned short size;

	*random = *random * 1103515245 + 12345;
	slot = &slots[*random >> 16 & (SLOTS - 1)];
	size = (unsigned short)(3000 + (*random >> 8) % 500);
	before = atomic_exchange(&slot->block, NULL);
	if (before && *random & 128)
		before = filled(realloc(before, size), size);
	else {
		free(before);
		before = filled(*random & 64 ? malloc(size) : calloc(1, size), size);
	}
	free(atomic_exchange(&slot->block, before));
}

/* About 20 KB of text. Neighbours that are alike would be one mapping. */
static void make_maps(void)
{
	const size_t count = 400, page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, count * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; at != MAP_FAILED && i < count; i += 2) {
		if (mprotect(at + i * page, page, PROT_READ | PROT_WRITE) != 0)
			abort();
	}
}

static void *work(void *argument)
{
	unsigned number = (unsigned)(size_t)argument, random = number * 7919 + 1;

	for (int i = 0; i < rounds || is_mode("forever"); i++) {
		if (number == 0)
			do_mode(i);
		do_round(&random);
	}
	return argument;
}

static void work_all(int threads)
{
	pthread_t ids[64];

	for (int i = 1; i < threads; i++) {
		pthread_create(&ids[i], NULL, work, (void *)(size_t)i);
		if (is_mode("queue"))
			pthread_join(ids[i], NULL);
	}
	work(NULL);
	for (int i = 1; i < threads && !is_mode("queue"); i++)
		pthread_join(ids[i], NULL);
}

/* Without stdio, which allocates. */
static void print(const unsigned char *block)
{
	char line[64];
	int length = snprintf(line, sizeof line, "%p %d\n", (const void *)block, size_of(block));

	if (write(1, line, (size_t)length) != length)
		abort();
}

/* A child that executes /bin/true when END is closed. */
static void fork_late(int *end)
{
	int ends[2];
	char byte;

	if (pipe(ends) != 0)
		abort();
	*end = ends[1];
	if (fork() == 0) {
		close(ends[1]);
		if (read(ends[0], &byte, 1) == 0)
			execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
}

int main(int argc, char **argv)
{
	char *again[] = {argv[0], argc > 1 ? argv[1] : NULL, argc > 2 ? argv[2] : NULL, NULL};
	int threads = argc > 1 ? atoi(argv[1]) : 1, is_child = 0, late;

	rounds = argc > 2 ? atoi(argv[2]) : 1000;
	mode = argc > 3 ? argv[3] : "";
	work_all(threads);
	if (is_mode("late")) {
		fork_late(&late);
		work_all(threads);
		close(late);
		wait(NULL);
	}
	for (int i = 0; is_mode("fork") && i < 2 && !is_child; i++) {
		is_child = fork() == 0;
		if (is_child)
			work_all(threads);
	}
	while (!is_child && is_mode("fork") && wait(NULL) > 0)
		;
	if (is_mode("maps"))
		make_maps();
	if (is_mode("lose") && unlink("t") != 0)
		abort();
	if (is_mode("exec"))
		execv(argv[0], again);
	if (is_mode("stay") && write(1, "staying\n", 8) == 8)
		pause();
	for (int i = 0; !is_child && i < SLOTS; i++) {
		if (slots[i].block)
			print(slots[i].block);
	}
	return 0;
}
