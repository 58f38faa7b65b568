/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See table.h. */
#include "table.h"
#include "array.h"
#include "columns.h"
#include "escape.h"
#include "short_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The least width of a column. It is wider if names of up to SHORT_NAME_ENOUGH columns need that. */
enum { FUNCTION_WIDTH = 20, FILE_WIDTH = 25 };

/* With less room than this, the symbols are left out. */
enum { SYMBOL_LEAST = 40 };

/* What names and paths keep in the narrowest lines. */
enum { FUNCTION_LEAST = 10, FILE_LEAST = 16 };

static const char dots[] = "...";
static const char guess_mark[] = " ~ guessed";

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
	const char *kept = keep(table, text, len);
	char *marked;

	if (!guessed || !kept)
		return kept;
	len = strlen(kept);
	marked = pool_alloc(&table->pool, len + sizeof guess_mark);
	if (!marked)
		return NULL;
	memcpy(marked, kept, len);
	memcpy(marked + len, guess_mark, sizeof guess_mark);
	return marked;
}

/* The mark of a guess, as trees have it, stands in front of a name that is shown without its symbol. */
int table_add(struct table *table, const struct symbols_places *places, const char *unnamed, bool guessed,
              const char *text, size_t len)
{
	int error = 0;

	for (size_t i = 0; !error && i < places->count; i++) {
		const struct symbols_place *place = &places->places[i];
		const char *function = place->function ? place->function : unnamed;

		error = add(table,
		            (struct table_row){
				    .function = function ? keep_function(table, function) : "",
				    .file = keep_file(table, place),
				    .symbol = place->inlined ? "(inlined)" : keep_symbol(table, guessed, text, len),
				    .guessed = guessed,
			    });
	}
	return error;
}

int table_add_text(struct table *table, bool guessed, const char *text, size_t len)
{
	return add(table, (struct table_row){"", "", keep_symbol(table, guessed, text, len), guessed});
}

/* ---- the columns ---------------------------------------------------------- */

/* The columns' widths. A SYMBOL of 0 columns is not shown, one of -1 takes what it needs. */
struct widths {
	int function, file, symbol;
};

static void widen(int *width, const char *text)
{
	int needed = columns_of(text, strlen(text));

	if (needed > *width)
		*width = needed;
}

static int at_least(int least, int width)
{
	return width > least ? width : least;
}

static struct widths natural_widths(const struct table *table)
{
	struct widths widths = {FUNCTION_WIDTH, FILE_WIDTH, 0};

	if (table->symbols_only)
		widths.function = widths.file = 0;
	for (size_t i = 0; i < table->count; i++) {
		const struct table_row *row = &table->rows[i];

		widen(&widths.function, row->function);
		widen(&widths.file, row->file);
		widen(&widths.symbol, row->symbol);
	}
	return widths;
}

/* The marks of guesses stand in front of the functions, if there are no symbols. */
static int mark_columns(const struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].guessed)
			return 1;
	return 0;
}

/* The width that a column of WIDTH columns needs, if it may be narrower than usual. */
static int needed_width(const struct table *table, bool of_files, int least)
{
	for (size_t i = 0; i < table->count; i++)
		widen(&least, of_files ? table->rows[i].file : table->rows[i].function);
	return least;
}

/* Makes the table fit into ROOM columns. */
static void fit(struct widths *widths, const struct table *table, int room)
{
	int names = widths->function + 1 + widths->file + 1, mark;

	if (table->symbols_only) {
		widths->symbol = room;
		return;
	}
	if (names + widths->symbol <= room || names + SYMBOL_LEAST <= room) {
		widths->symbol = room - names;
		return;
	}
	widths->symbol = 0;
	mark = mark_columns(table);
	widths->function = needed_width(table, false, (int)strlen("FUNCTION")) + mark;
	widths->file = needed_width(table, true, (int)strlen("FILE"));
	if (widths->function + 1 + widths->file <= room)
		return;
	if (widths->file > FILE_LEAST)
		widths->file = at_least(FILE_LEAST, room - widths->function - 1);
	if (widths->function + 1 + widths->file > room)
		widths->function = at_least(FUNCTION_LEAST, room - widths->file - 1);
}

/* Prints the beginning of TEXT, or with OF_END its end, in at most WIDTH columns. Returns the columns that it took. */
static int print_cut(FILE *out, const char *text, int width, bool of_end)
{
	size_t len = strlen(text), kept;
	int all = columns_of(text, len), room = width - (int)strlen(dots);

	if (all <= width) {
		fputs(text, out);
		return all;
	}
	kept = room > 0 ? (of_end ? columns_tail : columns_head)(text, len, room) : 0;
	text += of_end ? len - kept : 0;
	fprintf(out, "%s%.*s%s", of_end ? dots : "", (int)kept, text, of_end ? "" : dots);
	return (int)strlen(dots) + columns_of(text, kept);
}

/* Colours of the columns: functions stand out, symbols step back. */
#define COLOR_FUNCTION "\033[36m"
#define COLOR_SYMBOL   "\033[2m"
#define COLOR_NONE     "\033[0m"

static void print_names(const struct table *table, const struct table_row *row, const struct widths *widths,
                        bool is_heading, FILE *out)
{
	const bool is_last = !widths->symbol, is_marked = is_last && row->guessed;
	int used;

	fputs(table->color ? is_heading ? COLOR_SYMBOL : COLOR_FUNCTION : "", out);
	fputs(is_marked ? "~" : "", out);
	used = is_marked + print_cut(out, row->function, widths->function - is_marked, false);
	fputs(table->color && !is_heading ? COLOR_NONE : "", out);
	if (is_last && !*row->file)
		return;
	fprintf(out, "%*s", widths->function - used + 1, "");
	used = print_cut(out, row->file, widths->file, true);
	if (!is_last)
		fprintf(out, "%*s", widths->file - used + 1, "");
}

static void print_row(const struct table *table, const struct table_row *row, const struct widths *widths,
                      bool is_heading, FILE *out)
{
	if (!table->symbols_only)
		print_names(table, row, widths, is_heading, out);
	if (widths->symbol) {
		fputs(table->color ? COLOR_SYMBOL : "", out);
		print_cut(out, row->symbol, widths->symbol, true);
	}
	fputs(table->color && (is_heading || widths->symbol) ? COLOR_NONE "\n" : "\n", out);
}

void table_print(const struct table *table, FILE *out, int indent)
{
	struct widths widths = natural_widths(table);
	struct table_row heading = {"FUNCTION", "FILE", "SYMBOL", false};

	if (table->width && !table->full)
		fit(&widths, table, table->width - indent);
	else if (widths.symbol < (int)strlen(heading.symbol))
		widths.symbol = (int)strlen(heading.symbol);
	for (size_t i = table->without_heading ? 1 : 0; i <= table->count; i++) {
		fprintf(out, "%*s", indent, "");
		print_row(table, i ? &table->rows[i - 1] : &heading, &widths, !i, out);
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
