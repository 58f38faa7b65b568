/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See inlines.h. Walks down from the compilation unit into the entries that enclose
 * the address. dwarf_getscopes_die() would look at every entry.
 */
#include "inlines.h"
#include "demangle.h"

#include <dwarf.h>
#include <stdbool.h>

struct chain {
	struct code *code;
	Dwarf_Die *unit;                      /* the unit that the linker saw, which is a skeleton with -gsplit-dwarf */
	Dwarf_Die functions[INLINES_MAX + 1]; /* outermost first */
	size_t count;
};

/* Can an entry below this one enclose ADDRESS? */
static bool encloses(const struct chain *chain, Dwarf_Die *die, Dwarf_Addr address)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_subprogram:
		return code_function_has(chain->code, chain->unit, die, address);
	case DW_TAG_inlined_subroutine:
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
		return dwarf_haspc(die, address) > 0;
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		/* They have no code of their own, and their functions can be anywhere. */
		return true;
	default:
		return false;
	}
}

static bool is_function(Dwarf_Die *die)
{
	return dwarf_tag(die) == DW_TAG_subprogram || dwarf_tag(die) == DW_TAG_inlined_subroutine;
}

/*
 * Adds the functions below PARENT that enclose ADDRESS. True if there was one. DEPTH
 * is limited, because a broken file may nest entries without end.
 */
static bool descend(struct chain *chain, Dwarf_Die *parent, Dwarf_Addr address, unsigned depth)
{
	Dwarf_Die child;

	if (depth == 2 * INLINES_MAX || dwarf_child(parent, &child) != 0)
		return false;
	do {
		bool function = is_function(&child);

		if (!encloses(chain, &child, address))
			continue;
		if (function) {
			if (chain->count > INLINES_MAX)
				return true;
			chain->functions[chain->count++] = child;
		}
		if (descend(chain, &child, address, depth + 1) || function)
			return true;
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

/* The linker's name if it is mangled, since that says most. Otherwise the name in the source, and no alias. */
static const char *function_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *name = NULL;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
		name = dwarf_formstring(&attribute);
	return name && demangle_applies(name) ? name : dwarf_diename(die);
}

static void find_call(struct inlines_call *call, Dwarf_Die *die, Dwarf_Die *unit)
{
	Dwarf_Attribute attribute;
	Dwarf_Files *files;
	Dwarf_Word number;
	size_t count;

	call->function = function_name(die);
	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &number) == 0)
		call->line = (int)number;
	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &number) == 0 &&
	    dwarf_getsrcfiles(unit, &files, &count) == 0 && number < count)
		call->file = dwarf_filesrc(files, number, NULL, NULL);
}

/* With -gsplit-dwarf the functions are in another file, which the skeleton unit names. */
static bool find_split(Dwarf_Die *unit, Dwarf_Die *split)
{
	uint8_t type;

	return dwarf_cu_info(unit->cu, NULL, &type, NULL, split, NULL, NULL, NULL) == 0 && type == DW_UT_skeleton &&
	       split->addr;
}

static bool is_ada(Dwarf_Die *unit)
{
	int language = dwarf_srclang(unit);

	return language == DW_LANG_Ada83 || language == DW_LANG_Ada95;
}

void inlines_find(struct inlines *inlines, struct code *code, Dwarf_Die *unit, Dwarf_Addr address)
{
	struct chain chain;
	Dwarf_Die split;

	inlines->function = NULL;
	inlines->is_ada = false;
	inlines->count = 0;
	chain.code = code;
	chain.unit = unit;
	chain.count = 0;
	if (find_split(unit, &split))
		unit = &split;
	inlines->is_ada = is_ada(unit);
	if (!descend(&chain, unit, address, 0) || chain.count == 0)
		return;
	inlines->function = function_name(&chain.functions[0]);
	for (size_t i = chain.count - 1; i > 0; i--) {
		struct inlines_call *call = &inlines->calls[inlines->count++];

		*call = (struct inlines_call){0};
		find_call(call, &chain.functions[i], unit);
	}
}
