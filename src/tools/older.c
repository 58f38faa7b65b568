/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See older.h. */
#include "older.h"
#include "trace_name.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

void older_name(char name[PATH_MAX], const char *path, unsigned number)
{
	if (snprintf(name, PATH_MAX, "%s" LM_TRACE_OLD "%u", path, number) >= PATH_MAX)
		*name = '\0';
}

static bool is_there(const char *path, unsigned number)
{
	char name[PATH_MAX];
	struct stat st;

	older_name(name, path, number);
	return stat(name, &st) == 0 && S_ISREG(st.st_mode);
}

unsigned older_last(const char *path)
{
	unsigned last = 0;

	while (is_there(path, last + 1) || is_there(path, last + 2))
		last++;
	return last;
}
