/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Forks two processes, which write titles over their command line and each leak a block: "srv: writer" 1000 bytes, and
 * "srv: reader of NAME" 100. Leaks 10 bytes itself, and then has the command line that it was given.
 *
 *     titled NAME
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile block;

static void entitle(char **argv, const char *title)
{
	char *end = argv[1] + strlen(argv[1]);
	size_t room = (size_t)(end - argv[0]);

	memset(argv[0], 0, room);
	memcpy(argv[0], title, strlen(title) < room ? strlen(title) : room);
}

static __attribute__((noinline)) void be_child(char **argv, const char *title, size_t size)
{
	if (fork() != 0)
		return;
	entitle(argv, title);
	block = malloc(size);
	exit(0);
}

int main(int argc, char **argv)
{
	char reader[64];

	if (argc != 2)
		return 2;
	snprintf(reader, sizeof reader, "srv: reader of %.20s", argv[1]);
	be_child(argv, "srv: writer", 1000);
	be_child(argv, reader, 100);
	block = malloc(10);
	while (wait(NULL) > 0)
		continue;
	return 0;
}
