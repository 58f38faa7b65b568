/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where objects and their debug information are looked for. */
#ifndef LM_READER_SEARCH_H
#define LM_READER_SEARCH_H

#include "diag.h"

#include <elfutils/libdwfl.h>
#include <stdbool.h>

/* What users choose; zeros for what is usual. */
struct search_options {
	const char *sysroot; /* absolute paths of the trace begin there; can be NULL */
	const char
		*debug_dir; /* directories of debug information to be looked at first, with ':' between; can be NULL */
	bool debuginfod;    /* ask the servers that DEBUGINFOD_URLS names */
};

struct search {
	int root;      /* the sysroot; -1: none */
	char *sysroot; /* its path; NULL: none */
	bool debuginfod;
	char *debug_path; /* what libdwfl calls a debuginfo path */
	Dwfl_Callbacks callbacks;
};

/* OPTIONS can be NULL. DIAG hears of directories that cannot be used. 0 or -errno. */
int search_init(struct search *search, const struct search_options *options, const struct diag *diag);

/* A regular file of the trace's machine. A descriptor, -errno, or -ENOEXEC: it is something else. */
int search_open(const struct search *search, const char *path);

/* Where that file is here, allocated with malloc(); NULL without memory. */
char *search_path(const struct search *search, const char *path);

/*
 * A file with the debug information of what has that BUILD_ID (hexadecimal
 * digits), by the directories of debug information and then the servers. A descriptor, or -errno.
 */
int search_open_build_id(const struct search *search, const char *build_id);

void search_free(struct search *search);

#endif
