/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Forks in every way while other threads allocate; each child allocates and
 * releases at once, also what it has from its parent:
 *
 *     forking HOW TIMES THREADS
 *
 * HOW is fork, clone, handler (out of a signal handler, wherever that
 * hits), clone-handler (the same by clone; without THREADS), tree (children
 * fork, too, TIMES deep), vfork (and exec) or visit (vfork in new threads, where
 * the child is the first to allocate, and goes on allocating). The exit status
 * is 0 if each child ended as it should.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 64, STATUS = 7, PATIENCE = 30, THREADS_MAX = 8, CALLS_A_FORK = 1000 };

static void *inherited[BLOCKS];
static volatile sig_atomic_t ended_wrong, handled, wanted, over, forks;

/* For each fork a number of calls, not as many as a slow machine leaves time for: a test reads all of them. */
static void *allocate(void *unused)
{
	unsigned seed = 1;
	void *blocks[BLOCKS] = {NULL};
	int calls = 0, seen = 0;

	(void)unused;
	while (!over) {
		if (seen != forks) {
			seen = forks;
			calls = 0;
		}
		if (calls++ >= CALLS_A_FORK) {
			usleep(50);
			continue;
		}
		unsigned i = (seed = seed * 1103515245 + 12345) >> 16 & (BLOCKS - 1);

		if (seed & 1 << 25) {
			free(blocks[i]);
			blocks[i] = malloc(seed >> 20);
		} else {
			blocks[i] = realloc(blocks[i], 1 + (seed >> 18));
		}
	}
	return NULL;
}

static void *nothing(void *unused)
{
	return unused;
}

/* What a child does: all that the tracker could be in the middle of. */
static void work(void)
{
	pthread_t thread;
	void *blocks[BLOCKS];

	alarm(PATIENCE);
	for (int i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(100 + (size_t)i);
		inherited[i] = i % 2 ? realloc(inherited[i], 500) : (free(inherited[i]), NULL);
	}
	for (int i = 0; i < BLOCKS; i += 2)
		free(blocks[i]);
	if (pthread_create(&thread, NULL, nothing, NULL) == 0)
		pthread_join(thread, NULL);
}

static void expect(pid_t pid, int expected)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == expected)
		return;
	ended_wrong = 1;
	dprintf(STDERR_FILENO, "a child ended with 0x%x\n", (unsigned)status);
}

static pid_t fork_as(const char *how)
{
	forks = forks + 1;
	if (strcmp(how, "clone") == 0)
		return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	return fork();
}

static const char *handler_forks_as;

static void fork_once(const char *how)
{
	pid_t pid = fork_as(how);

	if (pid == 0) {
		/* Where fork() did not tell libc, only what needs no lock of libc's. */
		if (strcmp(how, "fork") == 0)
			work();
		else
			free(malloc(10));
		_exit(STATUS);
	}
	expect(pid, STATUS);
}

/* Once, and a little later each time: the interrupted code has to get on. */
static void arm(void)
{
	const struct itimerval once = {.it_value = {0, 200 + handled % 100}};

	setitimer(ITIMER_REAL, &once, NULL);
}

/* The child returns into whatever the signal interrupted. */
static void fork_in_handler(int number)
{
	pid_t pid;

	(void)number;
	pid = fork_as(handler_forks_as);
	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(PATIENCE);
		handled = -1;
		return;
	}
	expect(pid, STATUS);
	handled++;
	if (handled < wanted)
		arm();
}

static void fork_in_handlers(const char *how, int times)
{
	/*
	 * fork() takes the allocator's locks, so a handler must not interrupt an allocator that holds one. From here
	 * on, glibc's has a block of this size for the thread itself, and needs no lock for it.
	 */
	free(malloc(1000));
	handler_forks_as = how;
	wanted = times;
	signal(SIGALRM, fork_in_handler);
	arm();
	while (handled >= 0 && handled < times) {
		void *volatile p = malloc(1000);

		free(p);
	}
	if (handled < 0) {
		for (int i = 0; i < 1000; i++)
			free(malloc(2000));
		_exit(STATUS);
	}
	signal(SIGALRM, SIG_IGN);
}

static void fork_deep(int times)
{
	pid_t pid;

	for (int i = 0; i < 2000; i++)
		free(malloc(50));
	if (times == 0)
		return;
	pid = fork();
	if (pid == 0) {
		fork_deep(times - 1);
		exit(ended_wrong ? 1 : STATUS);
	}
	expect(pid, STATUS);
}

static void vfork_and_exec(const char *self)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl(self, self, "nothing", "0", "0", (char *)NULL);
		_exit(99);
	}
	expect(pid, 0);
}

static void *be_visited(void *unused)
{
	pid_t pid = vfork();

	if (pid == 0) {
		for (int i = 0; i < BLOCKS; i++)
			free(malloc(60));
		_exit(STATUS);
	}
	expect(pid, STATUS);
	for (int i = 0; i < BLOCKS; i++)
		free(malloc(70));
	return unused;
}

/* The first one's memory is what the second one would be given. */
static void visit(void)
{
	pthread_t thread[2];

	for (int i = 0; i < 2; i++) {
		if (pthread_create(&thread[i], NULL, be_visited, NULL) != 0)
			_exit(2);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "nothing";
	int times = argc > 2 ? atoi(argv[2]) : 0, threads = argc > 3 ? atoi(argv[3]) : 0;
	pthread_t list[THREADS_MAX];
	sigset_t alarms;

	for (int i = 0; i < BLOCKS; i++)
		inherited[i] = malloc(40 + (size_t)i);
	/* The handler is for the thread that knows what to do then. */
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarms, NULL);
	for (int i = 0; i < threads && i < THREADS_MAX; i++) {
		if (pthread_create(&list[i], NULL, allocate, NULL) != 0)
			return 2;
	}
	pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
	if (strcmp(how, "handler") == 0)
		fork_in_handlers("fork", times);
	else if (strcmp(how, "clone-handler") == 0)
		fork_in_handlers("clone", times);
	else if (strcmp(how, "tree") == 0)
		fork_deep(times);
	for (int i = 0; i < times && strcmp(how, "vfork") == 0; i++)
		vfork_and_exec(argv[0]);
	for (int i = 0; i < times && strcmp(how, "visit") == 0; i++)
		visit();
	for (int i = 0; i < times && strstr("fork clone", how); i++)
		fork_once(how);
	over = 1;
	for (int i = 0; i < threads && i < THREADS_MAX; i++)
		pthread_join(list[i], NULL);
	return ended_wrong;
}
