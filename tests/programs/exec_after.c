/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allocates a little, runs a command without the tracker, and executes itself,
 * which allocates a lot:
 *
 *     exec_after COMMAND
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(const char *command)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		unsetenv("LD_PRELOAD");
		unsetenv("LOG_MALLOC_OUTPUT");
		execl("/bin/bash", "bash", "-c", command, (char *)NULL);
		_exit(98);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 98;
	if (strcmp(argv[1], "") == 0) {
		for (int i = 0; i < 1000; i++)
			free(malloc(100));
		return 0;
	}
	free(malloc(100));
	if (run(argv[1]) != 0)
		return 97;
	execl("/proc/self/exe", argv[0], "", (char *)NULL);
	return 96;
}
