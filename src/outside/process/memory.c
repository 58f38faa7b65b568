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

int memory_write(pid_t pid, uint64_t address, const void *from, size_t size)
{
	char path[32];
	ssize_t n;
	int fd, saved;

	snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = pwrite(fd, from, size, (off_t)address);
	saved = n < 0 ? errno : EFAULT;
	close(fd);
	return n == (ssize_t)size ? 0 : -saved;
}
