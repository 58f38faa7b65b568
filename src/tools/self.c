/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See self.h. */
#include "self.h"
#include "identity.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t read_start(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, buffer, size);
	close(fd);
	return n > 0 ? (size_t)n : 0;
}

uint64_t self_identity(void)
{
	char status[LM_IDENTITY_STAT_MAX], boot[LM_IDENTITY_BOOT_MAX];
	size_t status_length = read_start(LM_IDENTITY_STAT, status, sizeof status);
	size_t boot_length = read_start(LM_IDENTITY_BOOT, boot, sizeof boot);
	struct stat st;
	uint64_t namespace = stat(LM_IDENTITY_NAMESPACE, &st) == 0 ? (uint64_t)st.st_ino : 0;

	return lm_identity_make(status, status_length, namespace, boot, boot_length);
}
