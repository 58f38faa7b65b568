/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds objects and their debug information on disk. */
#ifndef LM_READER_SEARCH_H
#define LM_READER_SEARCH_H

#include "diag.h"
#include "id_files.h"

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stddef.h>

/* Options of the user; zeros are the defaults. */
struct search_options {
	const char *sysroot; /* the root of the trace's paths; can be NULL */
	char *debug_dir;     /* debug directories to search first, separated by ':'; allocated, or NULL */
	bool debuginfod;     /* ask the servers that DEBUGINFOD_URLS names */
	const char **exes;   /* the programs and libraries that the trace came from (exes.h); allocated, or NULL */
	size_t exe_count, exe_room;
};

struct search {
	int root;      /* a descriptor of the sysroot; -1 if there is none */
	char *sysroot; /* its path; NULL if there is none */
	bool debuginfod;
	char *debug_path;       /* what libdwfl calls a debuginfo path */
	struct id_files *files; /* of the user's debug directories */
	Dwfl_Callbacks callbacks;
};

/* Add to OPTIONS, which are freed below. DIR can be several, separated by ':'. EXE has to stay valid. 0 or -ENOMEM. */
int search_add_debug_dir(struct search_options *options, const char *dir);
int search_add_exe(struct search_options *options, const char *exe);

void search_options_free(struct search_options *options);

/* OPTIONS can be NULL. DIAG is told of directories that can't be used. 0 or -errno. */
int search_init(struct search *search, const struct search_options *options, const struct diag *diag);

/* Opens a file by its path in the trace. A descriptor; -ENOEXEC if it is no regular file; or another -errno. */
int search_open(const struct search *search, const char *path);

/* The same by its path on this machine. */
int search_open_here(const char *path);

/* The path of that file on this machine, allocated with malloc(). NULL if there is no memory. */
char *search_path(const struct search *search, const char *path);

/*
 * Opens the debug information of the object with that BUILD_ID (hexadecimal digits).
 * Looks in the debug directories, then asks the servers. A descriptor or -errno.
 */
int search_open_build_id(const struct search *search, const char *build_id);

void search_free(struct search *search);

#endif
