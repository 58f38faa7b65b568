/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See units.h. */
#include "units.h"
#include "array.h"

#include <stdlib.h>

static bool add(struct units *units, struct units_range range)
{
	struct units_range *grown = array_grow(units->ranges, &units->room, units->count + 1, sizeof *grown);

	if (!grown)
		return false;
	units->ranges = grown;
	grown[units->count++] = range;
	return true;
}

static int by_from(const void *a, const void *b)
{
	const struct units_range *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* Reads the ranges of all units. Without memory, some units stay unknown. */
static void read_units(struct units *units, Dwfl_Module *module)
{
	Dwarf_Die *unit = NULL;
	Dwarf_Addr bias;

	units->complete = true;
	while ((unit = dwfl_module_nextcu(module, unit, &bias))) {
		Dwarf_Addr base, from, to;
		ptrdiff_t at = 0;

		while ((at = dwarf_ranges(unit, at, &base, &from, &to)) > 0)
			if (from < to && code_has(&units->code, unit, from) &&
			    !add(units, (struct units_range){from + bias, to + bias, unit, bias, 0}))
				break;
	}
	if (units->count)
		qsort(units->ranges, units->count, sizeof *units->ranges, by_from);
	for (size_t i = 0; i < units->count; i++) {
		struct units_range *range = &units->ranges[i];

		range->reach = i && range[-1].reach > range->to ? range[-1].reach : range->to;
	}
}

/* Finds the last range that begins at ADDRESS or before it and contains it. NULL if there is none. */
static const struct units_range *find_range(const struct units *units, Dwarf_Addr address)
{
	size_t low = 0, high = units->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (units->ranges[middle].from <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low && units->ranges[low - 1].reach > address; low--)
		if (units->ranges[low - 1].to > address)
			return &units->ranges[low - 1];
	return NULL;
}

Dwarf_Die *units_find(struct units *units, Dwfl_Module *module, Dwarf_Addr address, Dwarf_Addr *bias)
{
	Dwarf_Die *unit = dwfl_module_addrdie(module, address, bias);
	const struct units_range *range;

	/* libdwfl may return the neighbour of a unit that has no entry in .debug_aranges, or one whose code was
	 * dropped.
	 */
	if (unit && code_unit_has(&units->code, unit, address - *bias))
		return unit;
	if (!units->complete)
		read_units(units, module);
	range = find_range(units, address);
	if (!range)
		return NULL;
	*bias = range->bias;
	return range->unit;
}

void units_free(struct units *units)
{
	free(units->ranges);
	code_free(&units->code);
	*units = (struct units){0};
}
