/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Suppressions: leaks that are known and accepted. The syntax and the way of
 * matching are LeakSanitizer's, so that a program has one file for both.
 */
#ifndef LM_READER_SUPPRESS_H
#define LM_READER_SUPPRESS_H

#include "diag.h"
#include "pool.h"
#include "resolve.h"
#include "stacks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct suppression {
	const char *pattern;
	bool builtin;
	bool innermost;     /* builtin: only the frame that allocated counts */
	const char *caller; /* builtin: a pattern for the frame behind it; NULL: any */
	/* Blocks that it matched, and their bytes: of the image, and of all of them. */
	uint64_t blocks, bytes;
	uint64_t matches, matched_bytes;
};

struct suppressions {
	struct suppression *list; /* a suppressions of zeros has none */
	size_t count, room;
	bool by_user; /* there are others than built-in ones */
	struct pool pool;
	/* Below: of one image. */
	uint32_t *verdicts; /* by the frame's number */
	size_t verdict_count;
};

/* Those for what libc and the C++ runtime keep by design. 0 or -ENOMEM. */
int suppressions_add_builtin(struct suppressions *suppressions);

/*
 * Lines of "leak:PATTERN", empty lines, and comments that begin with '#'.
 * NAME is for messages about lines that are something else: -EINVAL then. 0 or -errno.
 */
int suppressions_parse(struct suppressions *suppressions, const char *text, size_t len, const char *name,
                       const struct diag *diag);

/* The lines of a file. 0 or -errno, after a message. */
int suppressions_load(struct suppressions *suppressions, const char *path, const struct diag *diag);

/* Does PATTERN match TEXT? '*' stands for anything, '^' and '$' for its ends; without them it can be anywhere in it. */
bool suppression_matches(const char *pattern, const char *text);

/*
 * In *FOUND the suppression that matches a frame of STACK by module, function
 * or file, that of the innermost such frame; NULL if there is none. 0 or -ENOMEM.
 */
int suppressions_find(struct suppressions *suppressions, const struct resolver *resolver, const struct stacks *stacks,
                      uint32_t stack, struct suppression **found);

/* Forgets what belongs to the image: its frames and its counts. */
void suppressions_next_image(struct suppressions *suppressions);

void suppressions_free(struct suppressions *suppressions);

#endif
