/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What processes do, one way a run:
 *
 *     processes fork | vfork | exec N | spawn | quick_exit | _exit | _Exit | daemon FILE
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void *keep[1000];

static void allocate(int count)
{
	for (int i = 0; i < count; i++)
		keep[i] = malloc(10 + (size_t)i);
}

static int status_of(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

/* A child that works on and exits in the ordinary way, FINI and all. */
static int do_fork(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		allocate(1000);
		exit(7);
	}
	return status_of(pid);
}

/* A forked child that becomes another traced program, with our descriptors. */
static int do_spawn(char *self)
{
	char *argv[] = {self, (char *)"nothing", NULL};
	pid_t pid;

	if (posix_spawn(&pid, self, NULL, NULL, argv, environ) != 0)
		return 98;
	return status_of(pid);
}

static int do_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(8);
	allocate(10);
	return status_of(pid);
}

/* Through N images of itself. */
static int do_exec(char *self, int times)
{
	char count[16];

	allocate(5);
	if (times == 0)
		return 9;
	snprintf(count, sizeof count, "%d", times - 1);
	execl(self, self, "exec", count, (char *)NULL);
	return 97;
}

/* Forks twice, closes everything, and opens a file of its own under each low number and 1022. */
static int do_daemon(const char *file)
{
	if (fork() != 0)
		return 0;
	setsid();
	if (fork() != 0)
		_exit(0);
	for (int fd = 0; fd < 5000; fd++)
		close(fd);
	for (int fd = 0; fd < 8; fd++) {
		if (open(file, O_WRONLY | O_CREAT | O_APPEND, 0600) < 0)
			_exit(1);
	}
	dup2(3, 1022);
	allocate(100);
	if (write(1022, "daemon\n", 7) != 7)
		_exit(1);
	exit(0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "nothing";

	allocate(3);
	if (strcmp(what, "fork") == 0)
		return do_fork();
	if (strcmp(what, "vfork") == 0)
		return do_vfork();
	if (strcmp(what, "spawn") == 0)
		return do_spawn(argv[0]);
	if (strcmp(what, "exec") == 0)
		return do_exec(argv[0], atoi(argv[2]));
	if (strcmp(what, "quick_exit") == 0)
		quick_exit(4);
	if (strcmp(what, "_exit") == 0)
		_exit(5);
	if (strcmp(what, "_Exit") == 0)
		_Exit(6);
	if (strcmp(what, "daemon") == 0)
		return do_daemon(argv[2]);
	return 0;
}
