/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An index of a symbol table's functions by address. libdwfl would search the whole table each time. */
#ifndef LM_READER_SYMTAB_INDEX_H
#define LM_READER_SYMTAB_INDEX_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stddef.h>

struct symtab_entry {
	GElf_Addr from, to; /* TO equals FROM if the symbol has no size */
	GElf_Addr reach;    /* the largest TO of this entry and of those in front */
	GElf_Addr section_end;
	const char *name;
	unsigned rank; /* of several names at one address, the highest rank is used */
};

struct symtab_index {
	struct symtab_entry *entries; /* ordered by FROM; an index of zeros is not made yet */
	size_t count, room;
	bool complete;
};

/* The function at ADDRESS of MODULE, or NULL. Makes the index if need be. The name belongs to MODULE. */
const char *symtab_index_find(struct symtab_index *index, Dwfl_Module *module, GElf_Addr address);

void symtab_index_free(struct symtab_index *index);

#endif
