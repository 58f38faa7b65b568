/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A backtrace for people: the columns FUNCTION, FILE and SYMBOL. */
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
};

struct table {
	bool symbols_only; /* the frames as they are written, no other column */
	bool full;         /* whole names, whole paths */
	bool without_heading;
	const char *dir; /* files below it are shown relative to it; can be NULL */
	struct table_row *rows;
	size_t count, room;
	struct pool pool;
};

/* A frame with what is known about it; TEXT is how it is written in the trace. 0 or -ENOMEM. */
int table_add(struct table *table, const struct symbols_places *places, const char *text, size_t len);

/* A row of its TEXT alone. 0 or -ENOMEM. */
int table_add_text(struct table *table, const char *text, size_t len);

/* The table, each line behind INDENT blanks. */
void table_print(const struct table *table, FILE *out, int indent);

/* A name with its control bytes as \ooo. */
void table_print_name(const char *name, FILE *out);

/* Forgets the rows; how they are shown stays. */
void table_clear(struct table *table);

#endif
