/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An address -> its compilation unit. libdwfl answers from .debug_aranges,
 * which not every compiler writes (clang does not); what is missing there is
 * found by the units' own ranges, which are read once.
 */
#ifndef LM_READER_UNITS_H
#define LM_READER_UNITS_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stddef.h>

struct units_range {
	Dwarf_Addr from, to;
	Dwarf_Die *unit;
	Dwarf_Addr bias;
};

struct units {
	struct units_range *ranges; /* by from */
	size_t count, room;
	bool complete; /* no need to read them again */
};

/* NULL if nothing is known. BIAS is what MODULE's addresses have more than its debug information's. */
Dwarf_Die *units_find(struct units *units, Dwfl_Module *module, Dwarf_Addr address, Dwarf_Addr *bias);

void units_free(struct units *units);

#endif
