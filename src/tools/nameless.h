/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which code had no names in a report, and what would bring them: told once, at the report's end. */
#ifndef LM_NAMELESS_H
#define LM_NAMELESS_H

#include "locations.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct nameless_module {
	char *path;
	char *build_id; /* hexadecimal digits; NULL if it is not known */
};

/* A nameless of zeros is valid and empty. */
struct nameless {
	struct nameless_module *modules;
	size_t count, room;
	bool has_made_code; /* code that a process made at run time */
};

/* Notes a frame that is shown, if it has no name. 0 or -ENOMEM. */
int nameless_note(struct nameless *nameless, const struct location *location);

/* Prints the hint, if there is anything to say. IS_ASKING: servers were asked for debug information. True if so. */
bool nameless_print(const struct nameless *nameless, bool is_asking, FILE *out);

void nameless_free(struct nameless *nameless);

#endif
