/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What writing costs on this machine: BYTES bytes into a new FILE by write(2)
 * calls of 256 KiB, and nothing else. The floor under a trace of that length.
 * Usage: rawwrite FILE BYTES
 */
#include <fcntl.h>
#include <string.h>

#include "measure.h"

static char piece[256 * 1024];

int main(int argc, char **argv)
{
	uint64_t start, bytes;
	int fd;

	if (argc != 3) {
		fputs("Usage: rawwrite FILE BYTES\n", stderr);
		return 2;
	}
	bytes = number(argv[2], 1, UINT64_MAX);
	memset(piece, 'x', sizeof piece);
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		perror(argv[1]);
		return 2;
	}
	start = now_ns();
	for (uint64_t left = bytes; left;) {
		ssize_t n = write(fd, piece, left < sizeof piece ? left : sizeof piece);

		if (n <= 0) {
			perror(argv[1]);
			return 2;
		}
		left -= (uint64_t)n;
	}
	report(now_ns() - start, bytes, 0);
	return 0;
}
