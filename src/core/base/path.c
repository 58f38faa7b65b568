/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See path.h. */
#include "path.h"

#include <fcntl.h>
#include <sys/auxv.h>

#include "sys.h"
#include "text.h"

/* What the kernel appends to the name of a file that was removed meanwhile. */
#define DELETED " (deleted)"

int lm_path_exe(char *path, size_t size)
{
	const char *name;
	long n = lm_sys(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, size - 1);

	if (n > 0) {
		size_t length = (size_t)n;

		if (length > sizeof DELETED &&
		    __builtin_memcmp(path + length - (sizeof DELETED - 1), DELETED, sizeof DELETED - 1) == 0)
			length -= sizeof DELETED - 1;
		path[length] = '\0';
		return 0;
	}
	/* Without /proc, the name that exec was given has to do. */
	name = (const char *)getauxval(AT_EXECFN);
	return name ? lm_path_absolute(path, size, name) : -1;
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
