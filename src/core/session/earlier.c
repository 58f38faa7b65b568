/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See earlier.h. */
#include "earlier.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "sys.h"
#include "text.h"
#include "trace_format.h"
#include "trace_name.h"
#include "warn.h"

/* The last line of an older file, its newline, and the blanks that fill it up in a packed trace. */
#define END_MAX ((int64_t)sizeof "# " LM_TRACE_CONTINUED + 8)

static const char beginning[] = "# " LM_TRACE_PID " ";
static const char ending[] = "# " LM_TRACE_CONTINUED;
static const char compressed[] = "\x28\xb5\x2f\xfd";

/* Reads up to ROOM bytes at FROM. Returns how many there are. */
static size_t read_at(int fd, int64_t from, char *to, size_t room)
{
	long n = lm_sys_seek(fd, from, SEEK_SET) < 0 ? -1 : lm_sys(SYS_read, fd, to, room);

	return n > 0 ? (size_t)n : 0;
}

static int begins_with(int fd, const char *text, size_t length)
{
	char first[sizeof beginning];

	return read_at(fd, 0, first, length) == length && __builtin_memcmp(first, text, length) == 0;
}

static int ends_continued(int fd, int64_t size)
{
	const size_t length = sizeof ending - 1;
	char last[END_MAX];
	size_t n = read_at(fd, size > END_MAX ? size - END_MAX : 0, last, sizeof last);

	if (!n || last[--n] != '\n')
		return 0;
	while (n && last[n - 1] == ' ')
		n--;
	return n >= length && __builtin_memcmp(last + n - length, ending, length) == 0;
}

/* Does the name of the trace that NAME is an older file of ask for compression? The last dot is LM_TRACE_OLD's. */
static int is_of_compressed(const char *name)
{
	const size_t length = sizeof LM_TRACE_ZSTD - 1;
	const char *end = NULL;

	for (const char *at = name; *at; at++)
		end = *at == '.' ? at : end;
	return end && (size_t)(end - name) > length && __builtin_memcmp(end - length, LM_TRACE_ZSTD, length) == 0;
}

static int is_older(int fd, const char *name, int64_t size)
{
	if (begins_with(fd, compressed, sizeof compressed - 1))
		return is_of_compressed(name);
	return begins_with(fd, beginning, sizeof beginning - 1) && ends_continued(fd, size);
}

/* The next file may not be finished, and have no byte yet. */
static int is_left(int fd, const char *name, int64_t size)
{
	(void)name;
	return !size || begins_with(fd, beginning, sizeof beginning - 1);
}

/* Removes the file NAME if it is ours and IS_KNOWN says so. As lm_earlier_remove(). */
static int remove_known(const char *name, int (*is_known)(int fd, const char *name, int64_t size))
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	int fd = lm_sys_open(name, flags, 0), is_ours;
	struct stat status;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd == -ELOOP ? -EPERM : fd;
	is_ours = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
	          is_known(fd, name, (int64_t)status.st_size);
	lm_sys_close(fd);
	return is_ours ? (int)lm_sys(SYS_unlinkat, AT_FDCWD, name, 0) : -EPERM;
}

int lm_earlier_remove(const char *name)
{
	return remove_known(name, is_older);
}

/* NAME: PATH, SUFFIX, and NUMBER unless that is 0. 0: it is too long. */
static int make_name(char name[PATH_MAX], const char *path, const char *suffix, unsigned number)
{
	struct lm_text text = {name, name + PATH_MAX - 1};

	lm_text_string(&text, path);
	lm_text_string(&text, suffix);
	if (number)
		lm_text_unsigned(&text, number);
	*text.at = '\0';
	return text.at < text.end;
}

/* Not on the stack, which may be small. */
struct room {
	char name[PATH_MAX], line[LM_WARN_MAX];
};

static void tell(struct room *room)
{
	struct lm_text text = lm_warn_begin(room->line, sizeof room->line);

	lm_text_string(&text, room->name);
	lm_text_string(&text,
	               " is in the way of the trace's older files, and is not removed: it is no older file of a trace");
	lm_warn_end(room->line, &text);
}

/* A kill while the names moved on has left one number free. */
void lm_earlier_remove_all(const char *path, unsigned keep)
{
	struct room *room = lm_sys_map(sizeof *room);
	unsigned missing = 0;

	if (!room)
		return;
	if (make_name(room->name, path, LM_TRACE_NEXT, 0))
		remove_known(room->name, keep ? is_left : is_older);
	for (unsigned number = 1; make_name(room->name, path, LM_TRACE_OLD, number); number++) {
		struct stat status;

		missing = lstat(room->name, &status) == 0 ? 0 : missing + 1;
		if (missing > 1 && number > keep)
			break;
		if (lm_earlier_remove(room->name) == -EPERM && number <= keep)
			tell(room);
	}
	lm_sys_unmap(room, sizeof *room);
}
