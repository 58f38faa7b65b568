/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See path.h. */
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "arena.h"
#include "atomic.h"
#include "sys.h"
#include "text.h"

/* What the kernel appends to the name of a file that was removed meanwhile. */
#define DELETED " (deleted)"

/* When a process's first thread has ended, which "self" means, the others have the file still. */
#define SELF_EXE   "/proc/self/exe"
#define THREAD_EXE "/proc/thread-self/exe"

/* Does NAME lead to the program's file? */
static int leads_to_exe(const char *name)
{
	struct stat exe, named;
	int saved = errno, result;

	result = (stat(SELF_EXE, &exe) == 0 || stat(THREAD_EXE, &exe) == 0) && stat(name, &named) == 0 &&
	         S_ISREG(named.st_mode) && exe.st_dev == named.st_dev && exe.st_ino == named.st_ino;
	errno = saved;
	return result;
}

static int begins_with(const char *name, const char *start)
{
	return __builtin_strncmp(name, start, __builtin_strlen(start)) == 0;
}

static const char *last_part(const char *path)
{
	const char *slash = __builtin_strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * Is NAME another name of the program, whose file is at PATH, as a symbolic link is? Names of descriptors, which
 * fexecve() makes, mean nothing later. A name without a slash was looked for on the PATH.
 */
static int is_other_name(const char *name, const char *path)
{
	return name && __builtin_strchr(name, '/') && !begins_with(name, "/proc/") && !begins_with(name, "/dev/fd/") &&
	       __builtin_strcmp(last_part(name), last_part(path)) != 0 && leads_to_exe(name);
}

/* Where the kernel says that the program's file is. 0, or -1 without /proc. */
static int find_file(char *path, size_t size)
{
	long n = lm_sys(SYS_readlinkat, AT_FDCWD, SELF_EXE, path, size - 1);
	size_t length;

	if (n <= 0)
		n = lm_sys(SYS_readlinkat, AT_FDCWD, THREAD_EXE, path, size - 1);
	if (n <= 0)
		return -1;
	length = (size_t)n;
	if (length > sizeof DELETED &&
	    __builtin_memcmp(path + length - (sizeof DELETED - 1), DELETED, sizeof DELETED - 1) == 0)
		length -= sizeof DELETED - 1;
	path[length] = '\0';
	return 0;
}

/* argv[0], which libc does not know yet at the first allocations of a static program. 0, or -1. */
static int read_called(char *name, size_t size)
{
	int fd = lm_sys_open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0);
	long n;

	if (fd < 0)
		return -1;
	n = lm_sys_read_full(fd, name, size - 1);
	lm_sys_close(fd);
	name[n > 0 ? n : 0] = '\0';
	return n > 0 ? 0 : -1;
}

/* PATH becomes the absolute NAME if that is another name of the program at PATH. 1, or 0: PATH is as it was. */
static int use_other_name(char *path, size_t size, const char *name)
{
	if (!is_other_name(name, path))
		return 0;
	if (lm_path_absolute(path, size, name) == 0)
		return 1;
	find_file(path, size);
	return 0;
}

/*
 * The kernel has the name that exec was given. For a script that is the script's
 * name, and the interpreter's is argv[0]. Both are compared with the file that runs:
 * a program can be started under any name, and the file can have been replaced.
 */
static int find_exe(char *path, size_t size)
{
	const char *given = (const char *)getauxval(AT_EXECFN);
	char *called;

	if (find_file(path, size) != 0)
		return given ? lm_path_absolute(path, size, given) : -1;
	if (use_other_name(path, size, given) || (given && leads_to_exe(given)))
		return 0;
	called = lm_sys_map(PATH_MAX);
	if (!called)
		return 0;
	if (read_called(called, PATH_MAX) == 0)
		use_other_name(path, size, called);
	lm_sys_unmap(called, PATH_MAX);
	return 0;
}

/* Found out once: a relative name means something else after the process has changed its directory. */
static const char *found;

void lm_path_forget(void)
{
	found = NULL;
}

int lm_path_exe(char *path, size_t size)
{
	const char *kept = lm_load_acquire(&found);
	struct lm_text text = {path, path + size - 1};

	if (!kept) {
		if (find_exe(path, size) != 0)
			return -1;
		lm_store_release(&found, (const char *)lm_arena_string(path));
		return 0;
	}
	lm_text_string(&text, kept);
	*text.at = '\0';
	return text.at < text.end ? 0 : -1;
}

int lm_path_cwd(char *path, size_t size)
{
	long n = lm_sys(SYS_getcwd, path, size);

	return n > 0 && path[0] == '/' ? 0 : -1;
}

int lm_path_absolute(char *path, size_t size, const char *name)
{
	struct lm_text text = {path, path + size - 1};

	if (name[0] != '/') {
		if (lm_path_cwd(path, size) != 0)
			return -1;
		text.at += __builtin_strlen(path);
		lm_text_char(&text, '/');
		if (name[0] == '.' && name[1] == '/')
			name += 2;
	}
	lm_text_string(&text, name);
	*text.at = '\0';
	return text.at < text.end ? 0 : -1;
}
