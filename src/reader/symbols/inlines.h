/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds the functions of an address in the debug information: the function itself, and those inlined there. */
#ifndef LM_READER_INLINES_H
#define LM_READER_INLINES_H

#include "code.h"

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>

/* Deeper nesting is cut: the outermost functions are kept. */
enum { INLINES_MAX = 64 };

struct inlines_call {
	const char *function; /* the inlined function; NULL if it has no name */
	const char *file;     /* where its caller calls it; NULL if unknown */
	int line;
};

/* The strings belong to the debug information. */
struct inlines {
	const char *function; /* the function that is not inlined, by the linker's name; NULL if unknown */
	bool is_ada;          /* its source is of that language */
	struct inlines_call calls[INLINES_MAX]; /* innermost first */
	size_t count;
};

/* Finds the functions at ADDRESS in UNIT. ADDRESS is relative to UNIT's debug information, which belongs to CODE. */
void inlines_find(struct inlines *inlines, struct code *code, Dwarf_Die *unit, Dwarf_Addr address);

#endif
