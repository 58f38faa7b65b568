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

/* Is the last line the one that says so? In a packed trace, blanks can stand in front of its newline. */
static bool ends_continued(int fd, off_t size)
{
	static const char line[] = "\n# " LM_TRACE_CONTINUED;
	char end[sizeof line + LM_PACKED_WORD];
	const off_t room = sizeof end - 1;
	ssize_t n = pread(fd, end, (size_t)room, size > room ? size - room : 0);
	size_t len = n > 0 ? (size_t)n : 0;
	const char *found = memmem(end, len, line, sizeof line - 1);

	end[len] = '\0';
	return found && strspn(found + sizeof line - 1, " ") == strlen(found + sizeof line - 1) - 1 &&
	       end[len - 1] == '\n';
}

int next_file_open(int fd, const char *name)
{
	struct stat file, named;

	if (fstat(fd, &file) != 0 || stat(name, &named) != 0 || !S_ISREG(file.st_mode) || !S_ISREG(named.st_mode) ||
	    (file.st_dev == named.st_dev && file.st_ino == named.st_ino) || !ends_continued(fd, file.st_size))
		return -1;
	return open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}
