/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See output.h. Whose a trace is, a POSIX record lock tells: it is kept over
 * exec, as the trace is, and not inherited over fork, as the trace must not
 * be. A lock goes away when the program closes descriptor 1022; what the
 * launcher puts into LOG_MALLOC_OWNER stays.
 */
#include "output.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "sys.h"
#include "text.h"
#include "trace_format.h"
#include "warn.h"

int lm_output_claim(int fd)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LM_TRACE_LOCK_START, .l_len = LM_TRACE_LOCK_LEN};
	int saved = errno;
	/* What can't be locked at all is nobody else's. */
	int taken = fcntl(fd, F_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES);

	errno = saved;
	return taken ? -1 : 0;
}

/* Did the launcher open FD's file for a process with another pid? OWNER is PID:DEVICE:INODE. */
static int taken_by_owner(int fd, const char *owner)
{
	char file[64], pid[32];
	struct lm_text file_text = {file, file + sizeof file - 1};
	struct lm_text pid_text = {pid, pid + sizeof pid - 1};
	const char *colon = owner ? __builtin_strchr(owner, ':') : NULL;
	struct stat status;
	size_t length;

	if (!colon || fstat(fd, &status) != 0)
		return 0;
	lm_text_char(&file_text, ':');
	lm_text_unsigned(&file_text, status.st_dev);
	lm_text_char(&file_text, ':');
	lm_text_unsigned(&file_text, status.st_ino);
	*file_text.at = '\0';
	if (__builtin_strcmp(colon, file) != 0)
		return 0;
	lm_text_unsigned(&pid_text, (uint64_t)lm_sys(SYS_getpid));
	length = (size_t)(pid_text.at - pid);
	return length != (size_t)(colon - owner) || __builtin_memcmp(owner, pid, length) != 0;
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

/* %p is the process id, %% a percent sign. */
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

/* In a directory where everybody can create names, a link may be somebody's trap. */
static int follow_flag(const char *path)
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
	return stat(directory, &status) == 0 && status.st_mode & S_IWOTH ? O_NOFOLLOW : 0;
}

/* Was FD's trace begun by this very process, before it called exec? */
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

static int open_file(struct lm_output *output, const char *pattern)
{
	struct stat status;
	int error = expand(output->path, sizeof output->path, pattern);
	int fd;

	if (error)
		return complain(pattern, -error);
	/* What is no regular file is written to as it is, a FIFO when its reader comes. */
	if (stat(output->path, &status) == 0 && !S_ISREG(status.st_mode))
		fd = lm_sys_open(output->path, O_WRONLY | O_CLOEXEC | O_NOCTTY, 0);
	else
		fd = lm_sys_open(output->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | follow_flag(output->path),
		                 0600);
	if (fd < 0)
		return complain(output->path, -fd);
	if (lm_output_claim(fd) != 0) {
		lm_sys_close(fd);
		return 0;
	}
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
		if (begun_by_us(fd))
			lm_sys(SYS_lseek, fd, 0L, SEEK_END);
		else
			lm_sys(SYS_ftruncate, fd, 0L);
	}
	output->fd = fd;
	output->owned = 1;
	return 0;
}

int lm_output_open(struct lm_output *output, const struct lm_config *config)
{
	long mode = lm_sys(SYS_fcntl, LM_TRACE_FD, F_GETFL);
	int saved = errno, result = 0;

	output->fd = -1;
	output->owned = 0;
	if (mode >= 0 && (mode & O_ACCMODE) != O_RDONLY) {
		if (!taken_by_owner(LM_TRACE_FD, config->owner) && lm_output_claim(LM_TRACE_FD) == 0)
			output->fd = LM_TRACE_FD;
	} else if (config->output) {
		result = open_file(output, config->output);
	}
	errno = saved;
	return result;
}
