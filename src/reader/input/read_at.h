/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads from a place in a file, whatever its position is. */
#ifndef LM_READER_READ_AT_H
#define LM_READER_READ_AT_H

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

/* Reads exactly LEN bytes. 0 or -errno; -ENODATA if the file is too short. */
static inline int read_at(int fd, void *to, size_t len, off_t from)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, (char *)to + done, len - done, from + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		done += (size_t)n;
	}
	return 0;
}

#endif
