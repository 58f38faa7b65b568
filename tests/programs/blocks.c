/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Leaks ten blocks of SIZE bytes, and ten more when another process has done as
 * much:
 *
 *     blocks SIZE [MINE THEIRS]
 *
 * It makes the file MINE in between, and waits for the file THEIRS.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void leak(size_t size)
{
	for (int i = 0; i < 10; i++)
		*(volatile char *)malloc(size) = 1;
}

static int meet(const char *mine, const char *theirs)
{
	int fd = open(mine, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	close(fd);
	for (int i = 0; i < 10000 && access(theirs, F_OK) != 0; i++)
		usleep(1000);
	return access(theirs, F_OK);
}

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? (size_t)atoi(argv[1]) : 1;

	leak(size);
	if (argc < 4)
		return 0;
	if (meet(argv[2], argv[3]) != 0)
		return 1;
	leak(size);
	return 0;
}
