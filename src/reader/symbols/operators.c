/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See operators.h. */
#include "operators.h"

#include <gelf.h>
#include <string.h>

/* What is known of an object; its member OPERATORS has these bits. */
enum {
	LOOKED = 1,
	ELSEWHERE = 2,
	CALLS_FREE = 4,
};

/* What the symbol tables of a file have. */
struct contents {
	bool defines, imports;
	bool is_whole; /* it was not stripped */
	bool has_malloc, calls_free;
	bool has_exceptions;
};

/* Is NAME that of an operator that a program can replace? Of placement new, it is not. */
static bool is_operator(const char *name)
{
	static const char *const endings[] = {"", "RKSt9nothrow_t", "St11align_val_t", "St11align_val_tRKSt9nothrow_t"};
	bool is_delete = strncmp(name, "_ZdlPv", 6) == 0 || strncmp(name, "_ZdaPv", 6) == 0;

	if (!is_delete && strncmp(name, "_Znw", 4) != 0 && strncmp(name, "_Zna", 4) != 0)
		return false;
	name += is_delete ? 6 : 4;
	/* The letter of std::size_t. */
	if (*name == 'm' || *name == 'j' || *name == 'y')
		name++;
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		if (strcmp(name, endings[i]) == 0)
			return true;
	return false;
}

static bool is_free(const char *name)
{
	static const char *const names[] = {"free", "realloc", "reallocarray", "free_sized", "free_aligned_sized"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void take_symbol(struct contents *contents, const char *name, bool is_defined)
{
	if (is_operator(name)) {
		contents->defines |= is_defined;
		contents->imports |= !is_defined;
	}
	contents->has_malloc |= is_defined && strcmp(name, "malloc") == 0;
	contents->calls_free |= is_free(name);
}

static void take_table(struct contents *contents, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = data && header->sh_entsize ? header->sh_size / header->sh_entsize : 0;

	for (size_t i = 1; i < count; i++) {
		GElf_Sym symbol;
		const char *name =
			gelf_getsym(data, (int)i, &symbol) ? elf_strptr(elf, header->sh_link, symbol.st_name) : NULL;
		/* A version can stand behind a name. */
		char plain[64];
		size_t len = name ? strcspn(name, "@") : sizeof plain;

		if (len >= sizeof plain)
			continue;
		memcpy(plain, name, len);
		plain[len] = '\0';
		take_symbol(contents, plain, symbol.st_shndx != SHN_UNDEF);
	}
}

static int look(Elf *elf)
{
	struct contents contents = {0};
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	const char *name;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) != 0)
		return LOOKED;
	while ((section = elf_nextscn(elf, section)) && gelf_getshdr(section, &header)) {
		name = elf_strptr(elf, names, header.sh_name);
		contents.is_whole |= header.sh_type == SHT_SYMTAB;
		contents.has_exceptions |= name && strcmp(name, ".gcc_except_table") == 0;
		if (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM)
			take_table(&contents, elf, section, &header);
	}
	return LOOKED | (contents.calls_free ? CALLS_FREE : 0) |
	       (!contents.defines && (contents.is_whole || contents.imports || contents.has_malloc ||
	                              !contents.has_exceptions)
	                ? ELSEWHERE
	                : 0);
}

static int known(struct object *object)
{
	if (!object->operators)
		object->operators = look(object->elf);
	return object->operators;
}

bool operators_are_elsewhere(struct object *object)
{
	return known(object) & ELSEWHERE;
}

bool operators_calls_free(struct object *object)
{
	return known(object) & CALLS_FREE;
}
