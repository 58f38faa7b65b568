/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allocates, has a bus error or a SIGBUS of its own, cuts the file JOURNAL, and
 * allocates on. The exit status is 0 if everything came as it has to without
 * a tracker.
 *
 *     cut_journal JOURNAL SIZE default | before | later | alternate | ignore | fork
 *
 * default: no handler; a SIGBUS that is sent kills a child
 * before, later: a handler that is set before the first event, or after many
 * alternate: one that runs on an alternate stack
 * ignore: SIGBUS is ignored, and is sent
 * fork: as before, in a child of fork
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf behind_fault;
static volatile sig_atomic_t faults;
static char *volatile mapping;
static char stack[65536];

static void handle(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_addr != mapping)
		_exit(90);
	faults++;
	siglongjmp(behind_fault, 1);
}

static void set_handler(int flags)
{
	const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
	const struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | flags};

	if (sigaltstack(&alternate, NULL) != 0 || sigaction(SIGBUS, &action, NULL) != 0)
		_exit(98);
}

static void allocate(int count)
{
	for (int i = 0; i < count; i++)
		free(malloc(77));
}

/* Touches a page of a file that is not there any more. */
static void have_bus_error(void)
{
	char name[] = "own-XXXXXX";
	int fd = mkstemp(name);

	if (fd < 0 || unlink(name) != 0 || ftruncate(fd, 4096) != 0)
		_exit(98);
	mapping = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapping == MAP_FAILED || ftruncate(fd, 0) != 0)
		_exit(98);
	if (sigsetjmp(behind_fault, 1) == 0)
		*mapping = 1;
	if (faults != 1)
		_exit(91);
}

static int child_dies_of(void (*what)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		what();
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

static void send(void)
{
	kill(getpid(), SIGBUS);
}

static void act(const char *how)
{
	if (strcmp(how, "later") == 0)
		set_handler(0);
	/* Enough to be written out. */
	allocate(20000);
	if (strcmp(how, "default") == 0) {
		if (!child_dies_of(send) || !child_dies_of(have_bus_error))
			_exit(92);
	} else if (strcmp(how, "ignore") == 0) {
		send();
	} else {
		have_bus_error();
	}
}

int main(int argc, char **argv)
{
	const char *how;

	if (argc != 4)
		return 98;
	how = argv[3];
	if (strcmp(how, "before") == 0 || strcmp(how, "fork") == 0)
		set_handler(0);
	else if (strcmp(how, "alternate") == 0)
		set_handler(SA_ONSTACK);
	else if (strcmp(how, "ignore") == 0)
		signal(SIGBUS, SIG_IGN);
	allocate(20000);
	if (strcmp(how, "fork") == 0) {
		int status;
		pid_t child = fork();

		if (child == 0) {
			act(how);
			_exit(faults != 1);
		}
		if (waitpid(child, &status, 0) != child || status != 0)
			return 93;
	}
	act(how);
	if (truncate(argv[1], atol(argv[2])) != 0)
		return 94;
	allocate(200000);
	return 0;
}
