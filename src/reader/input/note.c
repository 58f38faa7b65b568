/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See note.h. */
#include "note.h"
#include "trace_format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/xattr.h>

int note_read(struct note *note, int fd)
{
	char value[64], *at = value;
	ssize_t n = fgetxattr(fd, LM_TRACE_NOTE, value, sizeof value - 1);

	*note = (struct note){.lost = 0};
	if (n < 0)
		return -errno;
	value[n] = '\0';
	note->lost = strtoumax(at, &at, 10);
	note->is_least = *at == '+';
	note->ended = (int)strtol(at + note->is_least, NULL, 10);
	return 0;
}
