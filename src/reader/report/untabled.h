/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Leaks whose backtraces end too early: at a function of the program, or of a library
 * of its, that has no unwind tables. Whoever compiled that can do better. libc's own
 * functions are left out: on some machines it has no tables, and nobody compiles it.
 */
#ifndef LM_READER_UNTABLED_H
#define LM_READER_UNTABLED_H

#include "leaks.h"
#include "resolve.h"
#include "stacks.h"

#include <stddef.h>
#include <stdint.h>

/* For people: what to do. */
#define UNTABLED_ADVICE "compile it with -funwind-tables"

struct untabled_module {
	char *module;         /* its path */
	const char *function; /* one that has no tables; lives as long as the symbols; NULL if no name is known */
	uint64_t backtraces;  /* that end in the module for that reason */
};

struct untabled {
	struct untabled_module *list;
	size_t count, room;
};

/*
 * Looks at the backtraces of LEAKS. In a static program, functions with a source file are the program's; so IS_STATIC
 * also where that is not known. 0 or -ENOMEM.
 */
int untabled_find(struct untabled *untabled, const struct leaks *leaks, const struct resolver *resolver,
                  const struct stacks *stacks, bool is_static);

void untabled_free(struct untabled *untabled);

#endif
