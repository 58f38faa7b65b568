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
	bool has_locals; /* it is that of a file that was not stripped */
	bool has_ada;    /* it has the start of an Ada program, or Ada's runtime */
};

/* A function NAME begins at START and contains ADDRESS. */
struct symtab_claim {
	const char *name;
	size_t len;
	GElf_Addr start, address;
};

/* The function at ADDRESS of MODULE, or NULL. Makes the index if need be. The name belongs to MODULE. */
const char *symtab_index_find(struct symtab_index *index, Dwfl_Module *module, GElf_Addr address);

/*
 * The function of MODULE that makes CLAIM impossible: another one at its address. NULL if
 * there is none. If the file was stripped, the claim may name a function by an alias that
 * was removed.
 */
const char *symtab_index_contradict(struct symtab_index *index, Dwfl_Module *module, const struct symtab_claim *claim);

void symtab_index_free(struct symtab_index *index);

#endif
