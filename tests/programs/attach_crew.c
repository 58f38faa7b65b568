/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs until SIGTERM, for log-malloc to attach to and detach from. Threads allocate, and look at what they wrote;
 * others wait in system calls, which must not end before their time; the main thread takes a timer's signals on another
 * stack. Prints "whole" in the end if all was as it should be.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 3, SLOTS = 64, ALTERNATE = 65536 };

static atomic_int over, wrong;
static volatile sig_atomic_t ticks;
static int silent[2]; /* a pipe that nobody writes to until the end */

static void end(int signal)
{
	(void)signal;
	over = 1;
}

static void tick(int signal)
{
	(void)signal;
	ticks++;
}

/* The error number is the thread's own, whatever is done to it from outside. */
static void complain(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	wrong = 1;
}

static void *work(void *argument)
{
	unsigned char *slots[SLOTS] = {NULL}, mark = (unsigned char)(size_t)argument;
	unsigned x = mark + 1;

	for (unsigned n = 0; !over; n++) {
		unsigned slot = (x = x * 1664525 + 1013904223) >> 8 & (SLOTS - 1), size = 16 + (x >> 16 & 511);

		if (slots[slot] && slots[slot][15] != mark)
			complain("a block has another content");
		free(slots[slot]);
		slots[slot] = x & 1 ? malloc(size) : calloc(1, size);
		memset(slots[slot], mark, 16);
		errno = EXDEV;
		if ((n & 63) == 0)
			usleep(200);
		else if (errno != EXDEV)
			complain("errno changed");
	}
	for (int i = 0; i < SLOTS; i++)
		free(slots[i]);
	return NULL;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Each waits for a fifth of a second. */
static void *sleep_in_calls(void *argument)
{
	struct timespec time = {.tv_nsec = 200000000};

	(void)argument;
	while (!over) {
		double since = seconds();
		struct timeval again = {.tv_usec = 200000};
		fd_set set;

		if (nanosleep(&time, NULL) != 0)
			complain("nanosleep");
		if (poll(NULL, 0, 200) != 0)
			complain("poll");
		FD_ZERO(&set);
		FD_SET(silent[0], &set);
		if (select(silent[0] + 1, &set, NULL, NULL, &again) < 0)
			complain("select");
		if (!over && seconds() - since < 0.59)
			complain("a system call ended too early");
	}
	return NULL;
}

static void *read_silence(void *argument)
{
	char byte;

	(void)argument;
	if (read(silent[0], &byte, 1) != 1 || !over)
		complain("read");
	return NULL;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *wait_for_lock(void *argument)
{
	(void)argument;
	if (pthread_mutex_lock(&lock) != 0 || !over)
		complain("pthread_mutex_lock");
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void take_signals(void)
{
	static char stack[ALTERNATE];
	const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
	struct sigaction ticking = {.sa_handler = tick, .sa_flags = SA_ONSTACK | SA_RESTART},
			 ending = {.sa_handler = end};
	const struct itimerval timer = {{.tv_usec = 5000}, {.tv_usec = 5000}};

	sigaltstack(&alternate, NULL);
	sigaction(SIGALRM, &ticking, NULL);
	sigaction(SIGTERM, &ending, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

int main(void)
{
	void *(*const jobs[])(void *) = {work, work, work, sleep_in_calls, read_silence, wait_for_lock};
	enum { JOBS = sizeof jobs / sizeof *jobs };
	pthread_t threads[JOBS];
	sigset_t all;

	if (pipe(silent) != 0)
		return 2;
	pthread_mutex_lock(&lock);
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	for (size_t i = 0; i < JOBS; i++)
		pthread_create(&threads[i], NULL, jobs[i], (void *)i);
	pthread_sigmask(SIG_UNBLOCK, &all, NULL);
	take_signals();
	puts("ready");
	fflush(stdout);
	while (!over)
		pause();
	pthread_mutex_unlock(&lock);
	if (write(silent[1], "x", 1) != 1)
		return 2;
	for (size_t i = 0; i < JOBS; i++)
		pthread_join(threads[i], NULL);
	puts(wrong || !ticks ? "broken" : "whole");
	return wrong;
}
