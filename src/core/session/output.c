/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See output.h. A POSIX record lock tells which process owns a trace. Like the
 * trace, the lock is kept over exec and not inherited by a child of fork. The
 * process loses the lock if it closes descriptor 1022. LOG_MALLOC_OWNER, which
 * the launcher sets, still tells the owner then.
 */
#include "output.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "arena.h"
#include "descriptor.h"
#include "path.h"
#include "sys.h"
#include "text.h"
#include "trace_format.h"
#include "warn.h"

int lm_output_claim(int fd)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LM_TRACE_LOCK_START, .l_len = LM_TRACE_LOCK_LEN};
	int saved = errno;
	/* A file that can't be locked at all (a pipe) is not taken by another process. */
	int taken = fcntl(fd, F_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES);

	errno = saved;
	return taken ? -1 : 0;
}

enum owner { OWNER_UNKNOWN, OWNER_US, OWNER_OTHER };

/* For which process did the launcher open FD's file? OWNER is PID:DEVICE:INODE. */
static enum owner find_owner(int fd, const char *owner)
{
	char file[64], pid[32];
	struct lm_text file_text = {file, file + sizeof file - 1};
	struct lm_text pid_text = {pid, pid + sizeof pid - 1};
	const char *colon = owner ? __builtin_strchr(owner, ':') : NULL;
	struct stat status;
	size_t length;

	if (!colon || fstat(fd, &status) != 0)
		return OWNER_UNKNOWN;
	lm_text_char(&file_text, ':');
	lm_text_unsigned(&file_text, status.st_dev);
	lm_text_char(&file_text, ':');
	lm_text_unsigned(&file_text, status.st_ino);
	*file_text.at = '\0';
	if (__builtin_strcmp(colon, file) != 0)
		return OWNER_UNKNOWN;
	lm_text_unsigned(&pid_text, (uint64_t)lm_sys(SYS_getpid));
	length = (size_t)(pid_text.at - pid);
	return length == (size_t)(colon - owner) && __builtin_memcmp(owner, pid, length) == 0 ? OWNER_US : OWNER_OTHER;
}

static int has_content(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
}

static int complain(const char *path, int error)
{
	char buffer[LM_WARN_MAX];
	struct lm_text text = {buffer, buffer + sizeof buffer - 1};

	lm_text_string(&text, "cannot open the trace ");
	lm_text_path_line(&text, path);
	*text.at = '\0';
	lm_warn(buffer, error);
	return -error;
}

/* Replaces %p by the process id, and %% by a percent sign. 0, or -ENAMETOOLONG. */
static int expand(char *path, size_t size, const char *pattern)
{
	struct lm_text text = {path, path + size - 1};

	for (; *pattern; pattern++) {
		if (pattern[0] == '%' && pattern[1] == 'p') {
			lm_text_unsigned(&text, (uint64_t)lm_sys(SYS_getpid));
			pattern++;
		} else {
			lm_text_char(&text, *pattern);
			pattern += pattern[0] == '%' && pattern[1] == '%';
		}
	}
	*text.at = '\0';
	return text.at < text.end ? 0 : -ENAMETOOLONG;
}

/*
 * Is PATH in a directory where every user can create files? Then another user may have put a symbolic link there, to
 * make us overwrite a file of ours.
 */
static int is_shared(const char *path)
{
	char directory[PATH_MAX];
	const char *slash = __builtin_strrchr(path, '/');
	struct lm_text text = {directory, directory + sizeof directory - 1};
	struct stat status;

	if (!slash)
		lm_text_char(&text, '.');
	else
		lm_text_bytes(&text, path, slash == path ? 1 : (size_t)(slash - path));
	*text.at = '\0';
	return stat(directory, &status) == 0 && status.st_mode & S_IWOTH;
}

/*
 * A path that exists and is no regular file is only opened for writing; for a FIFO, that waits until it has a reader.
 * Returns the descriptor, or -errno.
 */
static int open_path(const char *path)
{
	int shared = is_shared(path), nofollow = shared ? O_NOFOLLOW : 0, fd;
	struct stat status;

	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
		return lm_sys_open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | nofollow, 0);
	fd = lm_sys_open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | nofollow, 0600);
	/* Another user may also have put a regular file there, to read what we write. */
	if (fd >= 0 && shared && fstat(fd, &status) == 0 && status.st_uid != geteuid()) {
		lm_sys_close(fd);
		return -EEXIST;
	}
	return fd;
}

/* Did this process begin FD's trace, before it called exec? */
static int begun_by_us(int fd)
{
	char found[64] = "", ours[64];
	struct lm_text text = {ours, ours + sizeof ours - 1};
	long n = lm_sys_pread(fd, found, sizeof found, 0);

	lm_text_string(&text, "# " LM_TRACE_PID " ");
	lm_text_unsigned(&text, (uint64_t)lm_sys(SYS_getpid));
	lm_text_char(&text, '\n');
	return n >= text.at - ours && __builtin_memcmp(found, ours, (size_t)(text.at - ours)) == 0;
}

/* OWNER: LOG_MALLOC_OWNER. A file with another process's trace is left alone: that is no error, and there is no FD. */
static int open_file(struct lm_output *output, const char *pattern, const char *owner)
{
	struct stat status;
	int error = expand(output->path, sizeof output->path, pattern);
	int fd;

	if (error)
		return complain(pattern, -error);
	fd = open_path(output->path);
	if (fd < 0)
		return complain(output->path, -fd);
	if (find_owner(fd, owner) == OWNER_OTHER || lm_output_claim(fd) != 0) {
		lm_sys_close(fd);
		return 0;
	}
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
		output->is_continued = begun_by_us(fd);
		if (output->is_continued)
			lm_sys(SYS_lseek, fd, 0L, SEEK_END);
		else
			lm_sys(SYS_ftruncate, fd, 0L);
	}
	output->fd = fd;
	output->owned = 1;
	return 0;
}

/* ---- children ---- */

/* PATH as a part of a pattern. */
static void put_literally(struct lm_text *text, const char *path)
{
	for (; *path; path++) {
		if (*path == '%')
			lm_text_char(text, '%');
		lm_text_char(text, *path);
	}
}

/* PATTERN as an absolute path, since a process may change its directory. */
static void put_absolute(struct lm_text *text, char *cwd, const char *pattern)
{
	if (pattern[0] != '/' && lm_path_cwd(cwd, PATH_MAX) == 0) {
		put_literally(text, cwd);
		lm_text_char(text, '/');
	}
	lm_text_string(text, pattern);
}

static int has_pid(const char *pattern)
{
	for (; *pattern; pattern++) {
		if (pattern[0] == '%' && pattern[1] == 'p')
			return 1;
		pattern += pattern[0] == '%' && pattern[1] == '%';
	}
	return 0;
}

const char *lm_output_childrens(const struct lm_config *config)
{
	/* Not on the stack, which may be small. */
	struct {
		char cwd[PATH_MAX], pattern[2 * PATH_MAX];
	} *room = lm_sys_map(sizeof *room);
	const char *name = config->output ? config->output : lm_descriptor_path(LM_TRACE_FD);
	struct lm_text text;
	const char *kept;

	if (!room || !name) {
		if (room)
			lm_sys_unmap(room, sizeof *room);
		return NULL;
	}
	text = (struct lm_text){room->pattern, room->pattern + sizeof room->pattern - 1};
	if (config->output)
		put_absolute(&text, room->cwd, name);
	else
		put_literally(&text, name);
	*text.at = '\0';
	if (!has_pid(room->pattern))
		lm_text_string(&text, ".%p");
	*text.at = '\0';
	kept = lm_arena_string(room->pattern);
	lm_sys_unmap(room, sizeof *room);
	return kept;
}

int lm_output_open_childs(struct lm_output *output, const char *childrens)
{
	int saved = errno, result;

	output->fd = -1;
	output->owned = 0;
	output->is_childs = 1;
	result = open_file(output, childrens, NULL);
	errno = saved;
	return result;
}

/* ---- any process ---- */

static int open_any(struct lm_output *output, const struct lm_config *config)
{
	long mode = lm_sys(SYS_fcntl, LM_TRACE_FD, F_GETFL);
	int has_descriptor = mode >= 0 && (mode & O_ACCMODE) != O_RDONLY, result;
	enum owner owner = has_descriptor ? find_owner(LM_TRACE_FD, config->owner) : OWNER_UNKNOWN;
	const char *childrens;

	if (has_descriptor && owner != OWNER_OTHER && lm_output_claim(LM_TRACE_FD) == 0) {
		output->fd = LM_TRACE_FD;
		output->is_continued = owner == OWNER_US && has_content(LM_TRACE_FD);
		return 0;
	}
	if (!has_descriptor && config->output) {
		result = open_file(output, config->output, config->owner);
		if (result != 0 || output->fd >= 0)
			return result;
	}
	if (!config->follow || (!has_descriptor && !config->output))
		return 0;
	childrens = lm_output_childrens(config);
	return childrens ? lm_output_open_childs(output, childrens) : 0;
}

int lm_output_open(struct lm_output *output, const struct lm_config *config)
{
	int saved = errno, result = 0;

	output->fd = -1;
	output->owned = 0;
	/* A process that gained privileges must not write or create files at the wish of the user who started it. */
	if (!getauxval(AT_SECURE))
		result = open_any(output, config);
	errno = saved;
	return result;
}
