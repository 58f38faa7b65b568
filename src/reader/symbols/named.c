/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See named.h. */
#include "named.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

/* Opens DIR/PATH, which is a file of the trace's machine or of this one. 0 or -errno; -ENOENT without DIR. */
static int open_in(const struct named *named, const struct search *search, const char *dir, bool here,
                   struct object *object)
{
	char path[PATH_MAX];

	if (!dir || snprintf(path, sizeof path, "%s/%s", dir, named->path) >= (int)sizeof path)
		return -ENOENT;
	return here ? object_open_here(object, path, named->path, named->build_id, search)
	            : object_open_there(object, path, named->build_id, search);
}

/* The error that says more: about a file that is there. */
static int worse(int error, int other)
{
	return error == -ENOENT || error == -ENOTDIR ? other : error;
}

static int open_relative(const struct named *named, const struct search *search, struct object *object)
{
	int error = -ENOENT;

	if (search->sysroot)
		error = open_in(named, search, "", false, object);
	if (error)
		error = worse(error, open_in(named, search, named->dir, false, object));
	if (error)
		error = worse(error, open_in(named, search, named->beside, true, object));
	if (error)
		error = worse(error, object_open_here(object, named->path, named->path, named->build_id, search));
	return error;
}

int named_open(const struct named *named, const struct search *search, struct exes *exes, struct object *object,
               struct exe **exe)
{
	int error;

	*exe = exes_find(exes, named->path, named->build_id);
	if (*exe)
		return 0;
	if (named->path[0] == '/')
		error = object_open_there(object, named->path, named->build_id, search);
	else
		error = open_relative(named, search, object);
	if (error && object_open_elsewhere(object, named->path, named->build_id, search) == 0)
		return 0;
	if (error && named->is_program)
		*exe = exes_only(exes, named->build_id);
	return *exe ? 0 : error;
}
