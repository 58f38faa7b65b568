/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One executable or shared library on disk, through one libdwfl handle. Its
 * addresses here are those of the file itself (load bias 0), whatever the
 * process was that had it loaded.
 */
#ifndef LM_READER_OBJECT_H
#define LM_READER_OBJECT_H

#include "search.h"
#include "symtab_index.h"
#include "units.h"

#include <elfutils/libdwfl.h>
#include <stddef.h>
#include <stdint.h>

struct object {
	Dwfl *dwfl;
	Dwfl_Module *module;
	GElf_Addr bias; /* what libdwfl adds to the file's addresses */
	Elf *elf;
	struct units units;
	struct symtab_index functions;
};

/*
 * 0, -errno, -ENOEXEC: it is no ELF file, or -ESTALE: it is not the file with
 * that BUILD_ID (hexadecimal digits; NULL matches everything). Where there is no
 * such file at PATH, its debug information can serve. SEARCH has to stay.
 */
int object_open(struct object *object, const char *path, const char *build_id, const struct search *search);

void object_close(struct object *object);

/* The file's address of ADDRESS in a process where the first segment's page lies at FROM. */
int object_from_load(const struct object *object, uint64_t from, uint64_t address, uint64_t *result);

/* The file's address of what stands at OFFSET in the file. */
int object_from_file(const struct object *object, uint64_t offset, uint64_t *result);

/*
 * The file's address of OFFSET behind a symbol. ADDRESS, if not 0, is where a
 * process had it: of several symbols of that name the one that fits is taken.
 */
int object_from_symbol(const struct object *object, const char *name, size_t len, uint64_t offset, uint64_t address,
                       uint64_t *result);

#endif
