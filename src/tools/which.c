/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See which.h. */
#include "which.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int which_runnable(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

int which_find(char *found, const char *name)
{
	const char *path = getenv("PATH");
	int worst = ENOENT;

	if (!*name)
		return ENOENT;
	if (strchr(name, '/'))
		return snprintf(found, PATH_MAX, "%s", name) < PATH_MAX ? which_runnable(found) : ENAMETOOLONG;
	if (!path)
		path = "/bin:/usr/bin";
	for (;;) {
		size_t len = strcspn(path, ":");
		int n = snprintf(found, PATH_MAX, "%.*s/%s", len ? (int)len : 1, len ? path : ".", name);
		int error = n < PATH_MAX ? which_runnable(found) : ENAMETOOLONG;

		if (!error)
			return 0;
		/* "Permission denied" explains more than "not found". */
		if (error == EACCES)
			worst = EACCES;
		if (!path[len])
			return worst;
		path += len + 1;
	}
}

void which_find_self(char own[PATH_MAX], const char *name)
{
	ssize_t n = readlink("/proc/self/exe", own, PATH_MAX - 1);
	char called[PATH_MAX];

	own[n > 0 ? n : 0] = '\0';
	/* Without /proc, the program is looked for as the shell found it. */
	if (n <= 0 && (which_find(called, name) != 0 || !realpath(called, own)))
		own[0] = '\0';
}
