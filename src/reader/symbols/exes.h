/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The programs and libraries that the user gave with --exe: those that the trace came from. */
#ifndef LM_READER_EXES_H
#define LM_READER_EXES_H

#include "build_id.h"
#include "diag.h"
#include "object.h"
#include "search.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exe {
	const char *path;
	char build_id[BUILD_ID_DIGITS_MAX + 1]; /* "" if it has none */
	bool used;
	bool refused; /* it was told that this is another build than the trace's */
	bool broken;  /* it could not be opened */
	struct object object;
};

struct exes {
	struct exe *list;
	size_t count;
	const struct search *search;
	const struct diag *diag;
};

/*
 * Takes the files of OPTIONS, which can be NULL. 0, -ENOMEM, or -EINVAL if one of them is no whole ELF program or
 * library, which DIAG is told. SEARCH and DIAG have to stay valid.
 */
int exes_open(struct exes *exes, const struct search_options *options, const struct search *search,
              const struct diag *diag);

/*
 * The file that is the object at PATH of the trace: the one with BUILD_ID, or of the same name if BUILD_ID is NULL.
 * NULL if there is none. A file of that name with another build-id is told.
 */
struct exe *exes_find(struct exes *exes, const char *path, const char *build_id);

/* The only file, as the program of a trace, of which nothing else is known than BUILD_ID, if that. NULL as above. */
struct exe *exes_only(struct exes *exes, const char *build_id);

/* The file that has code at ADDRESS and lies where it was linked to, as on a chip. NULL if there is none. */
struct exe *exes_at(struct exes *exes, uint64_t address);

/* Opens the file if that was not done yet. NULL if it can't be, which is told. */
struct object *exes_object(struct exes *exes, struct exe *exe);

/* Tells of files that were of no use, and frees all. */
void exes_close(struct exes *exes, bool tell);

#endif
