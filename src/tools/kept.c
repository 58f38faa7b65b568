/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See kept.h. */
#include "kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

static int next_of(unsigned *found, const char *trace, enum lm_trigger_kind kind, char name[PATH_MAX])
{
	char suffix[32];
	int fd;

	for (unsigned number = 1; number <= LM_TRIGGER_FILES_MAX; number++) {
		if (*found >> number & 1)
			continue;
		lm_trigger_suffix(suffix, kind, number);
		if (snprintf(name, PATH_MAX, "%s.%s", trace, suffix) >= PATH_MAX)
			return -1;
		fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
		/* The tracker takes the first number that is free, so behind it there is none of this run's. */
		if (fd < 0 && errno == ENOENT)
			return -1;
		*found |= 1U << number;
		if (fd >= 0)
			return fd;
	}
	return -1;
}

int kept_next(struct kept *kept, const char *trace, char name[PATH_MAX])
{
	for (int kind = 0; kind < LM_TRIGGER_KINDS; kind++) {
		int fd = next_of(&kept->found[kind], trace, (enum lm_trigger_kind)kind, name);

		if (fd >= 0)
			return fd;
	}
	return -1;
}
