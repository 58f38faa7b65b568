/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tells code from what the linker dropped. A dropped function (--gc-sections, a second
 * copy of an inline function) keeps its debug information, at the address 0, 1, -1 or
 * -2 and with its size, so it seems to contain other functions. No such address is in
 * an executable section.
 */
#ifndef LM_READER_CODE_H
#define LM_READER_CODE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>

struct code_range {
	Dwarf_Addr from, to;
};

struct code {
	struct code_range *ranges; /* the executable sections; a code of zeros is valid */
	size_t count, room;
	bool complete; /* they were read */
};

/* Is ADDRESS in an executable section of the file that UNIT is in? Addresses here are those of the debug information.
 */
bool code_has(struct code *code, Dwarf_Die *unit, Dwarf_Addr address);

/* Does UNIT have code at ADDRESS? */
bool code_unit_has(struct code *code, Dwarf_Die *unit, Dwarf_Addr address);

/* Does FUNCTION, which UNIT contains, have code at ADDRESS? Never if any part of it was dropped. */
bool code_function_has(struct code *code, Dwarf_Die *unit, Dwarf_Die *function, Dwarf_Addr address);

void code_free(struct code *code);

#endif
