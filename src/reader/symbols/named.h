/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens an object that a trace names, wherever its file is on this machine. */
#ifndef LM_READER_NAMED_H
#define LM_READER_NAMED_H

#include "exes.h"
#include "object.h"
#include "search.h"

#include <stdbool.h>

struct named {
	const char *path;     /* as the trace has it, absolute or relative */
	const char *build_id; /* hexadecimal digits; NULL if the trace tells none */
	const char *dir;      /* where the process had relative paths begin; NULL if unknown */
	const char *beside;   /* the directory of the trace; NULL if it has none */
	bool is_program;      /* and not one of its libraries */
};

/*
 * Opens the object: what the user gave with --exe; or else the file at its path; or else what debug directories and
 * servers have of it. A relative path begins in the sysroot, in DIR, beside the trace or in the current directory.
 * EXE is set if the object is one of EXES, which owns it; then OBJECT is not used. 0 or -errno, as object_open_there().
 */
int named_open(const struct named *named, const struct search *search, struct exes *exes, struct object *object,
               struct exe **exe);

#endif
