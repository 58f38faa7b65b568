/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See table.h. */
#include "table.h"
#include "array.h"
#include "escape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Columns are at least this wide, and wider if that is what it takes for names of up to NAME_MAX_SHOWN columns. */
enum { FUNCTION_WIDTH = 20, FILE_WIDTH = 25, NAME_MAX_SHOWN = 40 };

/* A printable copy that lives as long as the table. */
static const char *keep(struct table *table, const char *text, size_t len)
{
	char *shown = escape_printable(text, len);
	const char *kept = shown ? pool_copy(&table->pool, shown, strlen(shown)) : NULL;

	free(shown);
	return kept;
}

/* How much of NAME is to be kept as it is, though it has brackets: "operator<<", "operator()", "(anonymous namespace)".
 */
static size_t literal_length(const char *name)
{
	static const char call[] = "operator", anonymous[] = "(anonymous namespace)";
	size_t len = strlen(call);

	if (strncmp(name, anonymous, strlen(anonymous)) == 0)
		return strlen(anonymous);
	if (strncmp(name, call, len) != 0)
		return 0;
	return strncmp(name + len, "()", 2) == 0 ? len + 2 : len + strspn(name + len, "<>=-");
}

/* What templates and functions take is the longest part of a name in C++ and says the least: NAME is rewritten without.
 */
static void drop_arguments(char *name)
{
	const char *from = name;
	unsigned depth = 0;
	char *to = name;

	while (*from) {
		size_t literal = depth ? 0 : literal_length(from);

		if (literal) {
			memmove(to, from, literal);
			to += literal;
			from += literal;
			continue;
		}
		if (depth && (*from == ')' || (*from == '>' && from[-1] != '-')))
			depth--;
		if (!depth)
			*to++ = *from;
		if (*from == '(' || *from == '<')
			depth++;
		from++;
	}
	*to = '\0';
}

static const char *keep_function(struct table *table, const char *name)
{
	static const char dots[] = "...";
	char *cut;

	if (table->full || strlen(name) <= NAME_MAX_SHOWN)
		return keep(table, name, strlen(name));
	cut = pool_copy(&table->pool, name, strlen(name));
	if (!cut)
		return NULL;
	drop_arguments(cut);
	if (strlen(cut) > NAME_MAX_SHOWN)
		memcpy(cut + NAME_MAX_SHOWN - strlen(dots), dots, sizeof dots);
	return keep(table, cut, strlen(cut));
}

/* What of the path is worth a place in a narrow column: without the table's directory, then its end. */
static const char *short_path(const struct table *table, const char *path)
{
	size_t dir = table->dir ? strlen(table->dir) : 0;

	if (dir > 1 && strncmp(path, table->dir, dir) == 0 && path[dir] == '/')
		path += dir + 1;
	while (strlen(path) > NAME_MAX_SHOWN) {
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

int table_add(struct table *table, const struct symbols_places *places, const char *text, size_t len)
{
	int error = 0;

	for (size_t i = 0; !error && i < places->count; i++) {
		const struct symbols_place *place = &places->places[i];

		error = add(table, (struct table_row){
					   .function = place->function ? keep_function(table, place->function) : "",
					   .file = keep_file(table, place),
					   .symbol = place->inlined ? "(inlined)" : keep(table, text, len),
				   });
	}
	return error;
}

int table_add_text(struct table *table, const char *text, size_t len)
{
	return add(table, (struct table_row){"", "", keep(table, text, len)});
}

/* Columns on a terminal, for names in UTF-8: its continuation bytes take none. */
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
