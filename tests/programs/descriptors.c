/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Does something to the trace's descriptor, then allocates on, then writes
 * "mine" to a file of its own that must hold nothing else:
 *
 *     descriptors close | all | reuse | range | limit | nothing FILE
 *     descriptors chroot FILE DIRECTORY
 *
 * Or only prints which descriptors are open:
 *
 *     descriptors list
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *keep[200];

static int list(void)
{
	free(malloc(1));
	for (int fd = 3; fd < 65536; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d\n", fd);
	}
	return 0;
}

int main(int argc, char **argv)
{
	int fd;

	if (argc > 1 && strcmp(argv[1], "list") == 0)
		return list();
	fd = open(argc > 2 ? argv[2] : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	for (int i = 0; i < 100; i++)
		keep[i] = malloc(50);
	if (argc > 1 && strcmp(argv[1], "close") == 0)
		close(1022);
	if (argc > 1 && strcmp(argv[1], "reuse") == 0)
		dup2(fd, 1022);
	if (argc > 1 && strcmp(argv[1], "all") == 0) {
		for (int other = 3; other < 20000; other++) {
			if (other != fd)
				close(other);
		}
		for (int other = 4; other < 100; other++)
			dup2(fd, other);
		dup2(fd, 1022);
		for (int other = 4000; other < 4200; other++)
			dup2(fd, other);
	}
	if (argc > 1 && strcmp(argv[1], "range") == 0 && syscall(SYS_close_range, fd + 1, ~0u, 0) != 0)
		return 77;
	if (argc > 1 && strcmp(argv[1], "limit") == 0) {
		const struct rlimit limit = {16, 16};

		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			return 77;
		for (int other = fd + 1; other < 20000; other++)
			close(other);
	}
	if (argc > 3 && strcmp(argv[1], "chroot") == 0) {
		if (chroot(argv[3]) != 0 || chdir("/") != 0)
			return 77;
		for (int other = fd + 1; other < 20000; other++)
			close(other);
	}
	for (int i = 100; i < 200; i++)
		keep[i] = malloc(60);
	if (write(fd, "mine", 4) != 4)
		return 1;
	return 0;
}
