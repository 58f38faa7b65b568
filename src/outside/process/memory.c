/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See memory.h. */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

size_t memory_read(pid_t pid, uint64_t address, void *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		struct iovec here = {(char *)to + done, size - done};
		/* An address of the other process: it is never followed here. */
		struct iovec there = {(void *)(uintptr_t)(address + done), size - done};
		ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

int memory_read_string(pid_t pid, uint64_t address, char *to, size_t size)
{
	size_t n = memory_read(pid, address, to, size);

	if (memchr(to, '\0', n))
		return 0;
	return n < size ? -EFAULT : -ENAMETOOLONG;
}

int memory_open(pid_t pid)
{
	char path[32];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int memory_put(int fd, uint64_t address, const void *from, size_t size)
{
	ssize_t n = pwrite(fd, from, size, (off_t)address);

	if (n == (ssize_t)size)
		return 0;
	return n < 0 ? -errno : -EFAULT;
}

int memory_write(pid_t pid, uint64_t address, const void *from, size_t size)
{
	int fd = memory_open(pid), error;

	if (fd < 0)
		return fd;
	error = memory_put(fd, address, from, size);
	close(fd);
	return error;
}
