/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See code.h. */
#include "code.h"
#include "array.h"

#include <gelf.h>
#include <stdlib.h>

/* A file of debug information alone has the headers of all sections, too. */
static void read_sections(struct code *code, Elf *elf)
{
	Elf_Scn *section = NULL;

	code->complete = true;
	while ((section = elf_nextscn(elf, section))) {
		struct code_range *grown;
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_EXECINSTR) || !header.sh_size)
			continue;
		grown = array_grow(code->ranges, &code->room, code->count + 1, sizeof *grown);
		if (!grown)
			return;
		code->ranges = grown;
		grown[code->count++] = (struct code_range){header.sh_addr, header.sh_addr + header.sh_size};
	}
}

bool code_has(struct code *code, Dwarf_Die *unit, Dwarf_Addr address)
{
	if (!code->complete)
		read_sections(code, dwarf_getelf(dwarf_cu_getdwarf(unit->cu)));
	for (size_t i = 0; i < code->count; i++)
		if (address >= code->ranges[i].from && address < code->ranges[i].to)
			return true;
	/* If the file has no such section, nothing is known. */
	return code->count == 0;
}

bool code_unit_has(struct code *code, Dwarf_Die *unit, Dwarf_Addr address)
{
	Dwarf_Addr base, from, to;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(unit, at, &base, &from, &to)) > 0)
		if (from <= address && address < to && code_has(code, unit, from))
			return true;
	return false;
}

bool code_function_has(struct code *code, Dwarf_Die *unit, Dwarf_Die *function, Dwarf_Addr address)
{
	Dwarf_Addr base, from, to;
	ptrdiff_t at = 0;

	if (dwarf_haspc(function, address) <= 0)
		return false;
	while ((at = dwarf_ranges(function, at, &base, &from, &to)) > 0)
		if (from != to && !code_has(code, unit, from))
			return false;
	return true;
}

void code_free(struct code *code)
{
	free(code->ranges);
	*code = (struct code){0};
}
