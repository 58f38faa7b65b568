/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Suppressions: leaks that are known and accepted. Syntax and matching are those of
 * LeakSanitizer, so that a program needs only one file for both.
 */
#ifndef LM_READER_SUPPRESS_H
#define LM_READER_SUPPRESS_H

#include "amount.h"
#include "diag.h"
#include "pool.h"
#include "resolve.h"
#include "stacks.h"
#include "suppress_index.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct suppression {
	const char *pattern;
	bool builtin;
	/* Built-in ones, see suppress_builtin.h: */
	bool inside;
	bool innermost;
	const char *caller;
	unsigned callers;
	struct amount held; /* the blocks that it matched, of the present image, and the wrong releases, as a count */
	struct amount matched; /* the same of all images */
};

struct suppressions {
	struct suppression *list; /* a suppressions of zeros is valid and empty */
	size_t count, room;
	bool by_user; /* there are some that are not built in */
	struct pool pool;
	/* Made by the first search: */
	struct suppress_index index; /* of those without conditions */
	size_t conditions_from;      /* no suppression in front of it has conditions */
	/* The rest belongs to the present image. */
	uint32_t *verdicts; /* by frame number */
	size_t verdict_count;
};

/* Adds the built-in ones: for what libc and the runtimes of languages keep by design. 0 or -ENOMEM. */
int suppressions_add_builtin(struct suppressions *suppressions);

/*
 * Adds the suppressions in a text: lines of "leak:PATTERN", empty lines, and comments
 * that begin with '#'. Other lines are reported with NAME as the file, and give -EINVAL.
 * 0 or -errno.
 */
int suppressions_parse(struct suppressions *suppressions, const char *text, size_t len, const char *name,
                       const struct diag *diag);

/* Adds the suppressions in a file. 0, or -errno after a message. */
int suppressions_load(struct suppressions *suppressions, const char *path, const struct diag *diag);

/*
 * Sets *FOUND to the suppression that matches a frame of STACK by module, function or
 * file. If several frames match, it is that of the innermost. NULL if there is none. 0
 * or -ENOMEM.
 */
int suppressions_find(struct suppressions *suppressions, const struct resolver *resolver, const struct stacks *stacks,
                      uint32_t stack, struct suppression **found);

/* The suppression of what is allocated inside the tracker, or NULL. */
struct suppression *suppressions_find_inside(const struct suppressions *suppressions);

/* To be called between images. Forgets the frames and the counts of the present one. */
void suppressions_next_image(struct suppressions *suppressions);

void suppressions_free(struct suppressions *suppressions);

#endif
