/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See symtab_index.h. */
#include "symtab_index.h"
#include "array.h"

#include <stdlib.h>
#include <string.h>

static bool is_code(const GElf_Sym *symbol)
{
	unsigned type = GELF_ST_TYPE(symbol->st_info);

	return type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE;
}

/* The rank of a symbol: functions before labels, global names before those of one file. */
static unsigned rank(const GElf_Sym *symbol)
{
	unsigned binding = GELF_ST_BIND(symbol->st_info);

	return 4 * (GELF_ST_TYPE(symbol->st_info) != STT_NOTYPE) + 2 * (binding == STB_GLOBAL) + (binding == STB_WEAK);
}

/* The end of the section, as an address of MODULE; 0 if the section has no code. */
static GElf_Addr section_end(Elf *elf, GElf_Word section, GElf_Addr bias)
{
	GElf_Shdr header;

	if (section == SHN_UNDEF || section >= SHN_LORESERVE || !gelf_getshdr(elf_getscn(elf, section), &header) ||
	    !(header.sh_flags & SHF_EXECINSTR))
		return 0;
	return header.sh_addr + header.sh_size + bias;
}

static bool is_of_ada(const char *name)
{
	return strcmp(name, "adainit") == 0 || strncmp(name, "__gnat_", strlen("__gnat_")) == 0;
}

/* ARM's and RISC-V's linkers tell by "$a", "$d.1" and the like where code and data begin. */
static bool is_mapping_symbol(const char *name)
{
	return name[0] == '$' && name[1] && strchr("adtx", name[1]) && (!name[2] || name[2] == '.' || name[1] == 'x');
}

static bool add(struct symtab_index *index, Dwfl_Module *module, int number)
{
	struct symtab_entry *grown, *entry;
	GElf_Word section;
	GElf_Addr bias;
	GElf_Sym symbol;
	GElf_Addr from, end;
	Elf *elf;
	const char *name = dwfl_module_getsym_info(module, number, &symbol, &from, &section, &elf, &bias);

	if (!name || !name[0] || !elf || !is_code(&symbol) || is_mapping_symbol(name))
		return true;
	index->has_ada |= section != SHN_UNDEF && is_of_ada(name);
	end = section_end(elf, section, bias);
	if (from >= end)
		return true;
	grown = array_grow(index->entries, &index->room, index->count + 1, sizeof *grown);
	if (!grown)
		return false;
	index->entries = grown;
	entry = &grown[index->count++];
	index->has_locals |= GELF_ST_BIND(symbol.st_info) == STB_LOCAL && GELF_ST_TYPE(symbol.st_info) == STT_FUNC;
	*entry = (struct symtab_entry){
		.from = from, .to = from + symbol.st_size, .section_end = end, .name = name, .rank = rank(&symbol)};
	return true;
}

static int by_from(const void *a, const void *b)
{
	const struct symtab_entry *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Makes the index. Without memory, some functions stay unknown. */
static void make(struct symtab_index *index, Dwfl_Module *module)
{
	int count = dwfl_module_getsymtab(module);
	GElf_Addr reach = 0;

	index->complete = true;
	/* Entry 0 of a symbol table is no symbol. */
	for (int i = 1; i < count && add(index, module, i); i++)
		;
	if (index->count)
		qsort(index->entries, index->count, sizeof *index->entries, by_from);
	for (size_t i = 0; i < index->count; i++) {
		if (index->entries[i].to > reach)
			reach = index->entries[i].to;
		index->entries[i].reach = reach;
	}
}

/* The number of entries that begin at ADDRESS or before it. */
static size_t count_until(const struct symtab_index *index, GElf_Addr address)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (index->entries[middle].from <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The last entry that begins at ADDRESS or before and contains it, or NULL. */
static const struct symtab_entry *find_enclosing(const struct symtab_index *index, GElf_Addr address)
{
	for (size_t i = count_until(index, address); i > 0 && index->entries[i - 1].reach > address; i--)
		if (index->entries[i - 1].to > address)
			return &index->entries[i - 1];
	return NULL;
}

/* The linker may have put a version behind the name of a symbol: NAME@VERSION. */
static bool is_named(const struct symtab_entry *entry, const struct symtab_claim *claim)
{
	return strncmp(entry->name, claim->name, claim->len) == 0 &&
	       (entry->name[claim->len] == '\0' || entry->name[claim->len] == '@');
}

const char *symtab_index_contradict(struct symtab_index *index, Dwfl_Module *module, const struct symtab_claim *claim)
{
	const struct symtab_entry *other;

	if (!index->complete)
		make(index, module);
	/* The lowest bit of an address can tell the instruction set. */
	for (size_t i = count_until(index, claim->start | 1);
	     i > 0 && index->entries[i - 1].from >= (claim->start & ~(GElf_Addr)1); i--)
		if (is_named(&index->entries[i - 1], claim))
			return NULL;
	other = find_enclosing(index, claim->address);
	if (!other || (!index->has_locals && other->from == claim->start))
		return NULL;
	return other->name;
}

/*
 * The last entry that begins at ADDRESS or before and contains it. If there is none, the
 * last entry in front of ADDRESS, if that is a label without a size.
 */
const char *symtab_index_find(struct symtab_index *index, Dwfl_Module *module, GElf_Addr address)
{
	const struct symtab_entry *enclosing, *last;
	size_t count;

	if (!index->complete)
		make(index, module);
	count = count_until(index, address);
	if (!count)
		return NULL;
	enclosing = find_enclosing(index, address);
	if (enclosing)
		return enclosing->name;
	last = &index->entries[count - 1];
	return last->to == last->from && address < last->section_end ? last->name : NULL;
}

void symtab_index_free(struct symtab_index *index)
{
	free(index->entries);
	*index = (struct symtab_index){0};
}
