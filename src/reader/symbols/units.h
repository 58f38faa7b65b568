/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds the compilation unit of an address. libdwfl uses .debug_aranges, which clang
 * and some other compilers don't write. Units that are missing there are found by their
 * own ranges, which are read once.
 */
#ifndef LM_READER_UNITS_H
#define LM_READER_UNITS_H

#include "code.h"

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stddef.h>

struct units_range {
	Dwarf_Addr from, to;
	Dwarf_Die *unit;
	Dwarf_Addr bias;
	Dwarf_Addr reach; /* the end of this range, or of one before it, whichever is larger */
};

struct units {
	struct units_range *ranges; /* ordered by FROM */
	size_t count, room;
	bool complete; /* the ranges were read */
	struct code code;
};

/* The unit of ADDRESS, or NULL. *BIAS is how much larger MODULE's addresses are than the debug information's. */
Dwarf_Die *units_find(struct units *units, Dwfl_Module *module, Dwarf_Addr address, Dwarf_Addr *bias);

void units_free(struct units *units);

#endif
