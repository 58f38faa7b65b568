/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See rings.h. */
#include "rings.h"

#include <check.h>
#include <sys/mman.h>
#include <unistd.h>

unsigned char *ring_mapped_twice(size_t size)
{
	int fd = memfd_create("ring", 0);
	unsigned char *ring = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	ck_assert(ring != MAP_FAILED);
	for (size_t i = 0; i < 2; i++)
		ck_assert(mmap(ring + i * size, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) !=
		          MAP_FAILED);
	close(fd);
	return ring;
}
