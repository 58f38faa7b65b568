/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See earlier.h. */
#include "earlier.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "journal.h"
#include "settings.h"
#include "sys.h"
#include "text.h"
#include "trace_format.h"
#include "trace_head.h"
#include "trace_name.h"
#include "warn.h"

/* The last line of an older file, its newline, and the blanks that fill it up in a packed trace. */
#define END_MAX ((int64_t)sizeof "# " LM_TRACE_CONTINUED + 8)

static const char ending[] = "# " LM_TRACE_CONTINUED;

/* Not on the stack, which may be small. */
struct room {
	char name[PATH_MAX], line[LM_WARN_MAX];
};

/* ---- what a file is ---- */

/* A file that may be a trace's. */
struct found {
	int fd;
	int64_t size;
	const char *path; /* of the trace */
	char *head;       /* HEAD_SIZE bytes that the file begins with */
	size_t head_size;
};

/* Reads up to ROOM bytes at FROM. Returns how many there are. */
static size_t read_at(int fd, int64_t from, char *to, size_t room)
{
	long n = lm_sys_seek(fd, from, SEEK_SET) < 0 ? -1 : lm_sys(SYS_read, fd, to, room);

	return n > 0 ? (size_t)n : 0;
}

static int ends_continued(const struct found *found)
{
	const size_t length = sizeof ending - 1;
	char last[END_MAX];
	size_t n = read_at(found->fd, found->size > END_MAX ? found->size - END_MAX : 0, last, sizeof last);

	if (!n || last[--n] != '\n')
		return 0;
	while (n && last[n - 1] == ' ')
		n--;
	return n >= length && __builtin_memcmp(last + n - length, ending, length) == 0;
}

static int is_compressed(const struct found *found)
{
	return lm_trace_head_is_compressed(found->head, found->head_size, found->path);
}

static int is_sampled(const struct found *found)
{
	return lm_trace_head_is_sampled(found->head, found->head_size) || is_compressed(found);
}

static int is_continued(const struct found *found)
{
	return is_compressed(found) || (lm_trace_head_is_trace(found->head, found->head_size) && ends_continued(found));
}

static int is_older(const struct found *found)
{
	return is_sampled(found) || is_continued(found);
}

/* All files together have to stay within the bound, also where the limit was a greater one before, or there was none.
 */
static int is_small(const struct found *found)
{
	return (uint64_t)found->size <= lm_settings.limit;
}

static int is_former(const struct found *found)
{
	return is_small(found) && is_sampled(found);
}

static int is_too_large(const struct found *found)
{
	return !is_small(found) && is_older(found);
}

/* The next file may not be finished, and have no byte yet. */
static int is_left(const struct found *found)
{
	return !found->size || lm_trace_head_is_trace(found->head, found->head_size);
}

static int is_ours(struct found *found)
{
	struct stat status;

	if (fstat(found->fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid())
		return 0;
	found->size = (int64_t)status.st_size;
	return 1;
}

/* Is the file that FD is open on ours, and what IS_KNOWN says? PATH: the trace's. */
static int is_file(int fd, const char *path, int (*is_known)(const struct found *found))
{
	struct found found = {.fd = fd, .path = path, .head = lm_sys_map(LM_TRACE_HEAD)};
	int result;

	if (!found.head)
		return 0;
	result = is_ours(&found);
	if (result) {
		found.head_size = read_at(fd, 0, found.head, LM_TRACE_HEAD);
		result = is_known(&found);
	}
	lm_sys_unmap(found.head, LM_TRACE_HEAD);
	return result;
}

/* The same of the file NAME. 1; 0: it is not there; -EPERM: it is another one; or -errno. */
static int is_named(const char *name, const char *path, int (*is_known)(const struct found *found))
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	int fd = lm_sys_open(name, flags, 0), result;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd == -ELOOP ? -EPERM : fd;
	result = is_file(fd, path, is_known) ? 1 : -EPERM;
	lm_sys_close(fd);
	return result;
}

/* ---- names ---- */

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

static int is_there(const char *name)
{
	struct stat status;

	return lstat(name, &status) == 0;
}

/* ---- the trace of an earlier run ---- */

/* Does PATH lead to the file that FD is open on, and no other name? */
static int is_only_name(int fd, const char *path)
{
	struct stat file, named;

	return fstat(fd, &file) == 0 && file.st_nlink == 1 && lstat(path, &named) == 0 && file.st_dev == named.st_dev &&
	       file.st_ino == named.st_ino;
}

int lm_earlier_put_aside(int fd, const char *path)
{
	struct room *room;
	int result;

	result = is_only_name(fd, path) && is_file(fd, path, is_former);
	lm_sys_seek(fd, 0, SEEK_SET);
	room = result ? lm_sys_map(sizeof *room) : NULL;
	if (!room)
		return 0;
	result = make_name(room->name, path, LM_JOURNAL_SUFFIX, 0) && !is_there(room->name) &&
	         make_name(room->name, path, LM_TRACE_FORMER, 0) && !is_there(room->name) &&
	         lm_sys(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, room->name, 0) == 0;
	lm_sys_unmap(room, sizeof *room);
	return result;
}

int lm_earlier_is_put_aside(const char *name, const char *path)
{
	return is_named(name, path, is_former) == 1;
}

/* ---- its older files ---- */

/* Removes the file NAME if it IS_KNOWN. As lm_earlier_remove(). */
static int remove_known(const char *name, const char *path, int (*is_known)(const struct found *found))
{
	int result = is_named(name, path, is_known);

	return result == 1 ? (int)lm_sys(SYS_unlinkat, AT_FDCWD, name, 0) : result;
}

int lm_earlier_remove(const char *name, const char *path)
{
	return remove_known(name, path, is_older);
}

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
		remove_known(room->name, path, keep ? is_left : is_continued);
	for (unsigned number = 1; make_name(room->name, path, LM_TRACE_OLD, number); number++) {
		missing = is_there(room->name) ? 0 : missing + 1;
		if (missing > 1 && number > keep)
			break;
		if (number > keep)
			remove_known(room->name, path, keep ? is_older : is_continued);
		else if (is_named(room->name, path, is_older) == -EPERM)
			tell(room);
		else
			remove_known(room->name, path, is_too_large);
	}
	lm_sys_unmap(room, sizeof *room);
}
