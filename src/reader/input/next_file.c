/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See next_file.h. */
#include "next_file.h"
#include "packed.h"
#include "trace_format.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Is the last line the one that says so? In a packed trace, it begins at the beginning of a word, and blanks can stand
 * in front of its newline.
 */
static bool ends_continued(int fd, off_t size)
{
	static const char line[] = "# " LM_TRACE_CONTINUED;
	char end[1 + sizeof line + LM_PACKED_WORD + 1];
	const off_t room = sizeof end - 1, from = size > room ? size - room : 0;
	ssize_t n = pread(fd, end, (size_t)room, from);
	size_t len = n > 0 ? (size_t)n : 0, at;
	const char *found = memmem(end, len, line, sizeof line - 1);

	if (!found)
		return false;
	at = (size_t)(found - end);
	end[len] = '\0';
	if (at + sizeof line - 1 + strspn(found + sizeof line - 1, " ") + 1 != len || end[len - 1] != '\n')
		return false;
	return (at && found[-1] == '\n') || (from + (off_t)at) % LM_PACKED_WORD == 0;
}

int next_file_open(int fd, const char *name)
{
	struct stat file, named;

	if (fstat(fd, &file) != 0 || stat(name, &named) != 0 || !S_ISREG(file.st_mode) || !S_ISREG(named.st_mode) ||
	    (file.st_dev == named.st_dev && file.st_ino == named.st_ino) || !ends_continued(fd, file.st_size))
		return -1;
	return open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}
