/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds functions, files and lines for addresses in objects, including inlined
 * functions. Names are demangled. Each object is opened once, and each address is
 * looked up once.
 */
#ifndef LM_READER_SYMBOLS_H
#define LM_READER_SYMBOLS_H

#include "diag.h"
#include "named.h"
#include "object.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbols_place {
	const char *function; /* NULL if it is not known */
	const char *file;     /* NULL if it is not known */
	int line;             /* 0 if it is not known */
	bool inlined;         /* into the function of the next place */
};

/* Innermost first; at least one. */
struct symbols_places {
	const struct symbols_place *places;
	size_t count;
};

struct symbols;

/*
 * OPTIONS say where to look for objects and their debug information. They have to stay
 * valid. NULL means the paths of the trace, and the usual debug directories. DIAG can
 * be NULL; it is told once of each object that can't be used. Returns 0, -ENOMEM, or
 * another -errno if a directory or file in OPTIONS can't be used, which DIAG is told.
 * *SYMBOLS is NULL then.
 */
int symbols_create(struct symbols **symbols, const struct search_options *options, const struct diag *diag);

/* Tells also of files in OPTIONS that no trace named. */
void symbols_destroy(struct symbols *symbols);

/* The object that a trace names. NULL if there is none that can be used. */
struct object *symbols_object(struct symbols *symbols, const struct named *named);

/* The user's program that has code at ADDRESS, if the trace names no program. NULL if there is none. */
struct object *symbols_object_at(struct symbols *symbols, uint64_t address);

/*
 * A frame has no function, because the trace's program is not at hand. Says once what the user can do. PROGRAM is its
 * path; NULL if the trace does not name it.
 */
void symbols_lack_program(struct symbols *symbols, const char *program);

/* SYMBOLS_NAMES reads only the symbol table. Debug information can be large and compressed, so it is slower. */
enum symbols_detail { SYMBOLS_ALL, SYMBOLS_NAMES };

/*
 * Finds what is at ADDRESS of the object's file. SYMBOLS_NAMES gives one place with the
 * function of the symbol table. The places live as long as SYMBOLS. 0 or -ENOMEM.
 */
int symbols_find(struct symbols *symbols, struct object *object, uint64_t address, enum symbols_detail detail,
                 struct symbols_places *places);

/* What a trace says: ADDRESS of a file was in the function NAME, which began at START. */
struct symbols_claim {
	const char *name;
	size_t len;
	uint64_t start, address;
};

/*
 * Is OBJECT another file than the one that the trace is about? That is certain if it has
 * another function at the claim's address. Says so once for each object, with its PATH.
 */
bool symbols_contradict(struct symbols *symbols, struct object *object, const char *path,
                        const struct symbols_claim *claim);

/*
 * Is OBJECT, whose file has no build-id, perhaps another file than the one of the trace,
 * which had STAMP? In a sysroot and with --exe, the user vouches for the files.
 */
bool symbols_may_be_other(const struct symbols *symbols, const struct object *object, const char *stamp);

/* Says once that OBJECT is not used: it may be another file, and no function in the trace tells. */
void symbols_deny(struct symbols *symbols, struct object *object, const char *path);

/* The demangled NAME, or NAME if it is not mangled. Lives as long as SYMBOLS. NULL if there is no memory. */
const char *symbols_demangle(struct symbols *symbols, const char *name, size_t len);

#endif
