/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The functions that the debug information names for an address: the one whose code it is, and those inlined there. */
#ifndef LM_READER_INLINES_H
#define LM_READER_INLINES_H

#include <elfutils/libdw.h>
#include <stddef.h>

/* Deeper nesting is cut: of what encloses an address, the outermost functions are kept. */
enum { INLINES_MAX = 64 };

struct inlines_call {
	const char *function; /* the inlined one; NULL if it has no name */
	const char *file;     /* where its caller calls it; NULL if that is not known */
	int line;
};

/* Strings belong to the debug information. */
struct inlines {
	const char *function; /* the one that is not inlined, its linker's name; NULL if none is known */
	struct inlines_call calls[INLINES_MAX]; /* innermost first */
	size_t count;
};

/* What the debug information of UNIT says about ADDRESS, which is one of UNIT's own. */
void inlines_find(struct inlines *inlines, Dwarf_Die *unit, Dwarf_Addr address);

#endif
