/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The functions of a symbol table by address: libdwfl looks through the whole table for each. */
#ifndef LM_READER_SYMTAB_INDEX_H
#define LM_READER_SYMTAB_INDEX_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stddef.h>

struct symtab_entry {
	GElf_Addr from, to; /* to is from for what has no size */
	GElf_Addr reach;    /* the largest to of this entry and those in front of it */
	GElf_Addr section_end;
	const char *name;
	unsigned rank; /* of several names of one place the highest is taken */
};

struct symtab_index {
	struct symtab_entry *entries; /* by from; an index of zeros has not been made yet */
	size_t count, room;
	bool complete;
};

/* The function at ADDRESS of MODULE, or NULL. The name belongs to MODULE. */
const char *symtab_index_find(struct symtab_index *index, Dwfl_Module *module, GElf_Addr address);

void symtab_index_free(struct symtab_index *index);

#endif
