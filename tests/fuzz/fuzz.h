/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the fuzz targets share. A target is one file, fuzz_NAME.c, with its first inputs in corpus/NAME. */
#ifndef LM_FUZZ_H
#define LM_FUZZ_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A promise of the reader that has to hold whatever the input. */
#define fuzz_assert(promise) ((promise) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #promise))

static inline void fuzz_broken(const char *file, int line, const char *promise)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, promise);
	abort();
}

/* A copy of exactly that size, so that a read behind its end is seen. */
static inline void *fuzz_copy(const void *data, size_t len)
{
	void *copy = malloc(len ? len : 1);

	fuzz_assert(copy);
	if (len)
		memcpy(copy, data, len);
	return copy;
}

enum { FUZZ_PATH_MAX = 64, FUZZ_PIPE = 1 << 20 };

static inline void fuzz_write(int fd, const uint8_t *data, size_t len)
{
	fuzz_assert(len == 0 || write(fd, data, len) == (ssize_t)len);
}

/* A file with that content, and a path to it. */
static inline int fuzz_file(const uint8_t *data, size_t len, char path[FUZZ_PATH_MAX])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	fuzz_assert(fd >= 0);
	fuzz_write(fd, data, len);
	snprintf(path, FUZZ_PATH_MAX, "/proc/self/fd/%d", fd);
	return fd;
}

/* Standard input is a pipe with that content, as much of it as fits. */
static inline void fuzz_stream(const uint8_t *data, size_t len)
{
	int ends[2];

	fuzz_assert(pipe(ends) == 0);
	/* All is written before it is read. Every user may have a pipe of that size, and the seeds are smaller. */
	fuzz_assert(fcntl(ends[1], F_SETPIPE_SZ, (int)FUZZ_PIPE) >= (int)FUZZ_PIPE);
	fuzz_write(ends[1], data, len < FUZZ_PIPE ? len : FUZZ_PIPE);
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
}

#endif
