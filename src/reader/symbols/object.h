/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One executable or shared library on disk, opened with one libdwfl handle. All
 * addresses are those of the file itself (load bias 0), wherever a process had it
 * loaded.
 */
#ifndef LM_READER_OBJECT_H
#define LM_READER_OBJECT_H

#include "search.h"
#include "symtab_index.h"
#include "units.h"

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct object {
	Dwfl *dwfl;
	Dwfl_Module *module;
	GElf_Addr bias; /* what libdwfl adds to the file's addresses */
	Elf *elf;
	struct units units;
	struct symtab_index functions;
	uint64_t size; /* of the file, in bytes */
	struct timespec changed;
	bool denied;       /* it was told that this is not the file of the trace */
	const char *given; /* the user vouches for it: its path on this machine; otherwise NULL */
	int operators;     /* belongs to operators.c */
};

/*
 * Opens the object at PATH of the machine that was traced. 0; -ENOEXEC if it is no ELF
 * file; -ESTALE if it does not have the BUILD_ID (hexadecimal digits; NULL matches all);
 * or another -errno. SEARCH has to stay valid.
 */
int object_open_there(struct object *object, const char *path, const char *build_id, const struct search *search);

/* The same for FILE of this machine, which the trace calls NAME. */
int object_open_here(struct object *object, const char *file, const char *name, const char *build_id,
                     const struct search *search);

/* The same if that file is missing or another one: its unstripped file, or its debug information, is used instead. */
int object_open_elsewhere(struct object *object, const char *path, const char *build_id, const struct search *search);

void object_close(struct object *object);

/* Does the file have the size and time of STAMP, which is "size@seconds.nanoseconds"? */
bool object_has_stamp(const struct object *object, const char *stamp);

/* The path of the object where the process ran. */
const char *object_name(const struct object *object);

/* Does the program lie at the addresses that it was linked to? */
bool object_is_fixed(const struct object *object);

/* The section with code that has ADDRESS of the file. False if there is none. */
bool object_find_code(const struct object *object, uint64_t address, GElf_Shdr *section);

/* Is there code at ADDRESS of the file? */
bool object_has_code(const struct object *object, uint64_t address);

/* The address of an instruction, without the bits that tell how it is encoded. */
uint64_t object_plain_address(const struct object *object, uint64_t address);

/* Converts ADDRESS of a process, where the page of the first segment is at FROM, to an address of the file. */
int object_from_load(const struct object *object, uint64_t from, uint64_t address, uint64_t *result);

/* Converts OFFSET in the file to an address of the file. */
int object_from_file(const struct object *object, uint64_t offset, uint64_t *result);

/*
 * The file's address that is OFFSET behind a symbol. ADDRESS is where a process had it,
 * or 0. It helps to choose among several symbols of that name.
 */
int object_from_symbol(const struct object *object, const char *name, size_t len, uint64_t offset, uint64_t address,
                       uint64_t *result);

#endif
