/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The file of a loaded object, which is read for what is not in memory. It is not trusted: it may have been replaced
 * since it was loaded, so its identity has to match, and every offset is checked. It can also be cut at any time
 * (strip(1) writes into the file that it strips). So it is read, not mapped.
 */
#ifndef LM_ELF_FILE_H
#define LM_ELF_FILE_H

#include <link.h>

#include "module.h"

/* As much of a table is read at once. */
#define LM_ELF_ROOM ((size_t)64 << 10)

struct lm_elf_file {
	int fd;
	uint64_t size;
	char *room; /* LM_ELF_ROOM bytes, for one table at a time */
	ElfW(Ehdr) header;
};

/* Opens MODULE's file. 0; or -1: it can't be read, or is another one by now. */
int lm_elf_open(struct lm_elf_file *file, const struct lm_module *module);
void lm_elf_close(struct lm_elf_file *file);

/* Reads SIZE bytes at OFFSET. 0, or -1: the file does not have all of them. */
int lm_elf_read(int fd, void *buffer, size_t size, uint64_t offset);

/* ---- tables ---- */

/* Entries of one size. */
struct lm_elf_table {
	const struct lm_elf_file *file;
	uint64_t offset;      /* of what is to be read next */
	size_t left, size;    /* how many entries are still to come; the size of one */
	const char *at, *end; /* those of them that were read */
};

struct lm_elf_table lm_elf_table(const struct lm_elf_file *file, uint64_t offset, size_t count, size_t size);

/*
 * The next entry, which stays as it is until the next call, or until another table is read. NULL: there is none; or it
 * can't be read, and is still left.
 */
const void *lm_elf_next(struct lm_elf_table *table);

/* ---- sections ---- */

/* The headers of all sections: none, if their size is not what it has to be. */
struct lm_elf_table lm_elf_sections(const struct lm_elf_file *file);

/* The header of the section NUMBER. 0, or -1. */
int lm_elf_section(const struct lm_elf_file *file, size_t number, ElfW(Shdr) * section);

/* Does the content of SECTION lie in the file as a whole? */
int lm_elf_has(const struct lm_elf_file *file, const ElfW(Shdr) * section);

/* Where the section NAME of MODULE, which is loaded, lies in memory (without the bias). 0, or -1: it has none. */
int lm_elf_find_section(const struct lm_module *module, const char *name, uint64_t *address, uint64_t *size);

#endif
