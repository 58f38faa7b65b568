/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See library.h. */
#include "library.h"
#include "which.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_file(char *path, size_t size, const char *directory, const char *below, const char *name)
{
	int n = snprintf(path, size, "%s%s/%s", directory, below, name);

	return n > 0 && (size_t)n < size && access(path, R_OK) == 0;
}

static bool is_library(char *path, size_t size, const char *directory, const char *below)
{
	return is_file(path, size, directory, below, LIBRARY_NAME) ||
	       is_file(path, size, directory, below, LIBRARY_SONAME);
}

/* In this order: the build tree, beside the directory of this program, where it was to be installed. */
bool library_find(char *path, size_t size, const char *name, const char *installed)
{
	char own[PATH_MAX];
	char *slash;

	which_find_self(own, name);
	slash = strrchr(own, '/');
	if (slash) {
		*slash = '\0';
		if (is_library(path, size, own, ""))
			return true;
		slash = strrchr(own, '/');
		if (slash) {
			*slash = '\0';
			if (is_library(path, size, own, "/lib"))
				return true;
		}
	}
	return is_library(path, size, installed, "");
}

bool library_find_operators(char *path, size_t size, const char *library)
{
	const char *slash = strrchr(library, '/');
	int n = snprintf(path, size, "%.*s%s", slash ? (int)(slash + 1 - library) : 0, library, OPERATORS_NAME);

	return n > 0 && (size_t)n < size && access(path, R_OK) == 0;
}

char *library_preload_list(const char *library, const char *operators)
{
	const char *others = getenv("LD_PRELOAD");
	char *list;

	/* The loader splits LD_PRELOAD at both. */
	if (strpbrk(library, " :"))
		return NULL;
	if (asprintf(&list, "%s%s%s%s%s", library, operators ? ":" : "", operators ? operators : "",
	             others && *others ? ":" : "", others ? others : "") < 0)
		return NULL;
	return list;
}
