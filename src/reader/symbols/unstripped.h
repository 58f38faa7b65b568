/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds a program's own unstripped file, as build directories and directories of debug information have it. */
#ifndef LM_READER_UNSTRIPPED_H
#define LM_READER_UNSTRIPPED_H

#include "search.h"

/*
 * Looks in the user's debug directories for a regular file with the name or the whole path that PATH is, with or
 * without
 * ".debug" behind it, for one below ".build-id", and for one of any name. It needs to have BUILD_ID (hexadecimal
 * digits; NULL matches all), and debug information or, unless WITH_DEBUG, symbols. A descriptor, with *FOUND the path,
 * to be freed; or -errno, with *FOUND NULL or as it was.
 */
int unstripped_open(const struct search *search, const char *path, const char *build_id, bool with_debug, char **found);

#endif
