/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See table.h. */
#include "table.h"
#include "array.h"
#include "escape.h"
#include "short_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The least width of a column. It is wider if names of up to SHORT_NAME_ENOUGH columns need that. */
enum { FUNCTION_WIDTH = 20, FILE_WIDTH = 25 };

/* A printable copy of a text. It lives as long as the table. */
static const char *keep(struct table *table, const char *text, size_t len)
{
	char *shown = escape_printable(text, len);
	const char *kept = shown ? pool_copy(&table->pool, shown, strlen(shown)) : NULL;

	free(shown);
	return kept;
}

static const char *keep_function(struct table *table, const char *name)
{
	static const char dots[] = "...";
	char *cut;

	if (table->full || strlen(name) <= SHORT_NAME_ENOUGH)
		return keep(table, name, strlen(name));
	cut = pool_copy(&table->pool, name, strlen(name));
	if (!cut)
		return NULL;
	short_name(cut);
	if (strlen(cut) > SHORT_NAME_ENOUGH)
		memcpy(cut + SHORT_NAME_ENOUGH - strlen(dots), dots, sizeof dots);
	return keep(table, cut, strlen(cut));
}

/* The part of the path that a narrow column shows: relative to the table's directory, then only its end. */
static const char *short_path(const struct table *table, const char *path)
{
	size_t dir = table->dir ? strlen(table->dir) : 0;

	if (dir > 1 && strncmp(path, table->dir, dir) == 0 && path[dir] == '/')
		path += dir + 1;
	while (strlen(path) > SHORT_NAME_ENOUGH) {
		const char *slash = strchr(path + 1, '/');

		if (!slash)
			break;
		path = slash + 1;
	}
	return path;
}

static const char *keep_file(struct table *table, const struct symbols_place *place)
{
	const char *kept, *path;
	char *text;
	int len;

	if (!place->file)
		return place->function ? "??:?" : "";
	path = table->full ? place->file : short_path(table, place->file);
	len = place->line > 0 ? asprintf(&text, "%s:%d", path, place->line) : asprintf(&text, "%s:?", path);
	if (len < 0)
		return NULL;
	kept = keep(table, text, (size_t)len);
	free(text);
	return kept;
}

static int add(struct table *table, struct table_row row)
{
	struct table_row *rows = array_grow(table->rows, &table->room, table->count + 1, sizeof *rows);

	if (!rows || !row.function || !row.file || !row.symbol)
		return -ENOMEM;
	table->rows = rows;
	rows[table->count++] = row;
	return 0;
}

/* The frame as it is written, with a mark behind it if the tracker guessed it. */
static const char *keep_symbol(struct table *table, bool guessed, const char *text, size_t len)
{
	static const char mark[] = " ~ guessed";
	const char *kept = keep(table, text, len);
	char *marked;

	if (!guessed || !kept)
		return kept;
	len = strlen(kept);
	marked = pool_alloc(&table->pool, len + sizeof mark);
	if (!marked)
		return NULL;
	memcpy(marked, kept, len);
	memcpy(marked + len, mark, sizeof mark);
	return marked;
}

int table_add(struct table *table, const struct symbols_places *places, bool guessed, const char *text, size_t len)
{
	int error = 0;

	for (size_t i = 0; !error && i < places->count; i++) {
		const struct symbols_place *place = &places->places[i];

		error = add(table,
		            (struct table_row){
				    .function = place->function ? keep_function(table, place->function) : "",
				    .file = keep_file(table, place),
				    .symbol = place->inlined ? "(inlined)" : keep_symbol(table, guessed, text, len),
			    });
	}
	return error;
}

int table_add_text(struct table *table, bool guessed, const char *text, size_t len)
{
	return add(table, (struct table_row){"", "", keep_symbol(table, guessed, text, len)});
}

/* The width of a UTF-8 text on a terminal. Continuation bytes take no column. */
static int columns(const char *text)
{
	int count = 0;

	for (; *text; text++)
		count += (*text & 0xc0) != 0x80;
	return count;
}

static void print_cell(FILE *out, const char *text, int width)
{
	fprintf(out, "%s%*s", text, width - columns(text) + 1, "");
}

void table_print(const struct table *table, FILE *out, int indent)
{
	int function = FUNCTION_WIDTH, file = FILE_WIDTH;
	struct table_row heading = {"FUNCTION", "FILE", "SYMBOL"};

	for (size_t i = 0; i < table->count; i++) {
		int wide = columns(table->rows[i].function);

		if (wide > function)
			function = wide;
		wide = columns(table->rows[i].file);
		if (wide > file)
			file = wide;
	}
	for (size_t i = table->without_heading ? 1 : 0; i <= table->count; i++) {
		const struct table_row *row = i ? &table->rows[i - 1] : &heading;

		fprintf(out, "%*s", indent, "");
		if (!table->symbols_only) {
			print_cell(out, row->function, function);
			print_cell(out, row->file, file);
		}
		fprintf(out, "%s\n", row->symbol);
	}
}

void table_print_name(const char *name, FILE *out)
{
	char *shown = escape_printable(name, strlen(name));

	fputs(shown ? shown : "?", out);
	free(shown);
}

void table_clear(struct table *table)
{
	free(table->rows);
	pool_free(&table->pool);
	table->rows = NULL;
	table->count = table->room = 0;
}
