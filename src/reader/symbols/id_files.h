/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ELF files of the user's debug directories by their build-id, whatever their names. */
#ifndef LM_READER_ID_FILES_H
#define LM_READER_ID_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct id_file;

struct id_files {
	struct id_file *list; /* an id_files of zeros is valid and was not made yet */
	size_t count, room;
	bool made;
};

/*
 * The path of a regular file with BUILD_ID (hexadecimal digits) in one of the DIRECTORIES, of which an empty one or the
 * end is the last. NULL if there is none. Directories below them are not looked into. Each directory is read once.
 */
const char *id_files_find(struct id_files *files, const char *directories, const char *build_id);

void id_files_free(struct id_files *files);

#endif
