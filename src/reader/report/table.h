/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints a backtrace as a table with the columns FUNCTION, FILE and SYMBOL. */
#ifndef LM_READER_TABLE_H
#define LM_READER_TABLE_H

#include "pool.h"
#include "resolve.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct table_row {
	const char *function;
	const char *file;
	const char *symbol;
	bool guessed; /* the tracker guessed the frame */
};

struct table {
	bool symbols_only; /* only the frames as they are written */
	bool full;         /* whole names and paths */
	bool without_heading;
	bool color;      /* with a terminal's colours */
	int width;       /* of a line, in columns; 0: any */
	const char *dir; /* files below this directory are shown relative to it; can be NULL */
	struct table_row *rows;
	size_t count, room;
	struct pool pool;
};

/*
 * Adds a frame with what is known about it. TEXT is the frame as in the trace. UNNAMED stands in the place of a
 * function that is not known; can be NULL. 0 or -ENOMEM.
 */
int table_add(struct table *table, const struct symbols_places *places, const char *unnamed, bool guessed,
              const char *text, size_t len);

/* Adds a row that has only TEXT. 0 or -ENOMEM. */
int table_add_text(struct table *table, bool guessed, const char *text, size_t len);

/*
 * Prints the table. Each line begins with INDENT blanks. If it is wider than the lines can be, the symbols are
 * shortened first, or left out; then paths, then functions.
 */
void table_print(const struct table *table, FILE *out, int indent);

/* Prints a name with its control bytes as \ooo. */
void table_print_name(const char *name, FILE *out);

/* Removes the rows and keeps the options. */
void table_clear(struct table *table);

#endif
