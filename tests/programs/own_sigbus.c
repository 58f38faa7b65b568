/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program with a use for SIGBUS of its own, traced through a ring, which has
 * one for SIGBUS as well:
 *
 *     own_sigbus HOW WHEN [JOURNAL]
 *
 * HOW: handler (of one argument), siginfo, stack (on an alternate stack), jump
 * (leaves by siglongjmp), once (SA_RESETHAND; the handler mends nothing),
 * chain (goes on to what was set before), restore (sets again what was set before),
 * ignore or default. WHEN: early (before the first allocation) or late (when
 * there is a ring).
 *
 * Prints what its handler saw of a signal that was sent, of one that was sent
 * while the thread blocked it, and of a fault in a mapping of its own; then a
 * child of fork does the same. If there is a JOURNAL, both cut it at last, and
 * go on.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, STATUS = 5 };

static const char *how;
static struct sigaction before;
static char alternate[64 << 10], *mapping;
static volatile sig_atomic_t handled, is_right;
static sigjmp_buf landing;

static void mend(void)
{
	if (mmap(mapping, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != mapping)
		_exit(96);
}

static void handle(int number)
{
	handled++;
	is_right = number == SIGBUS;
	mend();
}

/* As crash handlers do it. */
static void chain(int number, siginfo_t *info, void *context)
{
	printf("chained, %s\n", is_right ? "right" : "wrong");
	fflush(stdout);
	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(number, info, context);
		return;
	}
	signal(number, before.sa_handler);
	if (info->si_code <= 0)
		raise(number);
}

static void handle_information(int number, siginfo_t *info, void *context)
{
	const char *here = (const char *)&number;

	handled++;
	is_right = number == SIGBUS && context &&
	           (info->si_code > 0 ? info->si_addr == mapping + 8 : info->si_pid == getpid());
	if (strcmp(how, "stack") == 0)
		is_right &= here > alternate && here < alternate + sizeof alternate;
	if (strcmp(how, "once") == 0)
		return;
	if (strcmp(how, "chain") == 0) {
		chain(number, info, context);
		return;
	}
	mend();
	if (strcmp(how, "jump") == 0)
		siglongjmp(landing, 1);
}

static void set_handler(void)
{
	const stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
	struct sigaction action = {.sa_sigaction = handle_information, .sa_flags = SA_SIGINFO};

	if (strcmp(how, "handler") == 0)
		action = (struct sigaction){.sa_handler = handle};
	if (strcmp(how, "ignore") == 0)
		action = (struct sigaction){.sa_handler = SIG_IGN};
	if (strcmp(how, "stack") == 0)
		action.sa_flags |= SA_ONSTACK;
	if (strcmp(how, "once") == 0)
		action.sa_flags |= (int)SA_RESETHAND;
	if (sigaltstack(&stack, NULL) != 0 || (strcmp(how, "default") != 0 && sigaction(SIGBUS, &action, &before) != 0))
		_exit(96);
}

static void allocate(void)
{
	for (int i = 0; i < 20000; i++) {
		char *volatile p = malloc(100);

		*p = 1;
		free(p);
	}
}

/* Of a file that has no bytes there. */
static void map_nothing(void)
{
	char name[] = "nothing.XXXXXX";
	int fd = mkstemp(name);

	mapping = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || mapping == MAP_FAILED || unlink(name) != 0)
		_exit(96);
	close(fd);
}

static void tell(const char *what)
{
	printf("%s: handled %d, %s\n", what, (int)handled, is_right ? "right" : "wrong");
	fflush(stdout);
	handled = is_right = 0;
}

static void raise_and_fault(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	map_nothing();
	if (sigsetjmp(landing, 1) == 0)
		kill(getpid(), SIGBUS);
	tell("sent");
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGBUS);
	allocate();
	if (sigsetjmp(landing, 1) == 0)
		sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	tell("blocked");
	map_nothing();
	if (sigsetjmp(landing, 1) == 0)
		((volatile char *)mapping)[8] = 1;
	tell("fault");
}

static void cut(const char *journal)
{
	if (truncate(journal, 0) != 0)
		return;
	allocate();
	allocate();
}

static int status_of(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A followed child has a journal of its own. */
static void be_child(const char *trace)
{
	char journal[256];

	allocate();
	raise_and_fault();
	snprintf(journal, sizeof journal, "%.200s.%d.journal", trace, (int)getpid());
	cut(journal);
	exit(STATUS);
}

int main(int argc, char **argv)
{
	char trace[200] = "";
	pid_t child;

	if (argc < 3)
		return 2;
	how = argv[1];
	if (argc > 3)
		snprintf(trace, sizeof trace, "%.*s", (int)(strlen(argv[3]) - strlen(".journal")), argv[3]);
	if (strcmp(argv[2], "early") == 0)
		set_handler();
	allocate();
	if (strcmp(argv[2], "early") != 0)
		set_handler();
	allocate();
	if (strcmp(how, "restore") == 0)
		sigaction(SIGBUS, &before, NULL);
	child = fork();
	if (child == 0)
		be_child(trace);
	printf("child: %d\n", status_of(child));
	fflush(stdout);
	raise_and_fault();
	if (argc > 3)
		cut(argv[3]);
	return STATUS;
}
