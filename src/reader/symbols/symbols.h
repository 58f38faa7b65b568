/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Addresses in objects -> functions, files and lines, inlined functions
 * included; names are demangled. Each object is opened once and each address
 * looked up once.
 */
#ifndef LM_READER_SYMBOLS_H
#define LM_READER_SYMBOLS_H

#include "diag.h"
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
 * Where objects and their debug information are looked for. Without OPTIONS:
 * where the trace says, and where distributions and debuggers keep them.
 * 0, -ENOMEM, or another -errno for a directory in OPTIONS, of which DIAG has heard; *SYMBOLS is NULL then.
 * OPTIONS have to stay. DIAG hears of objects that cannot be used, once of each; it can be NULL.
 */
int symbols_create(struct symbols **symbols, const struct search_options *options, const struct diag *diag);

void symbols_destroy(struct symbols *symbols);

/* The object at PATH with that BUILD_ID (NULL: any); NULL if there is none that can be used. */
struct object *symbols_object(struct symbols *symbols, const char *path, const char *build_id);

/* How much there is to know: debug information can be large and compressed, and a symbol table is not. */
enum symbols_detail { SYMBOLS_ALL, SYMBOLS_NAMES };

/*
 * What is at the object's own ADDRESS; of SYMBOLS_NAMES one place, with the
 * function that the symbol table has there. 0 or -ENOMEM. The places live as long as SYMBOLS.
 */
int symbols_find(struct symbols *symbols, struct object *object, uint64_t address, enum symbols_detail detail,
                 struct symbols_places *places);

/* The name as people write it; NULL without memory. Lives as long as SYMBOLS. */
const char *symbols_demangle(struct symbols *symbols, const char *name, size_t len);

#endif
