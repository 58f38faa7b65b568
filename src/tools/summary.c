/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See summary.h. */
#include "summary.h"
#include "amount_json.h"
#include "array.h"
#include "backtrace_print.h"
#include "estimate.h"
#include "json.h"
#include "json_print.h"
#include "table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- adding -------------------------------------------------------------------- */

/* The first two words of a title: "postgres: checkpointer", and of "postgres: alice shop [local] idle" who it is for.
 */
static size_t role_length(const char *title)
{
	size_t len = strcspn(title, " ");

	return title[len] ? len + 1 + strcspn(title + len + 1, " ") : len;
}

/* Finds the row, or makes it. NULL if there is no memory. */
static struct summary_row *find_row(struct summary *summary, const char *program, const char *role, size_t len)
{
	struct summary_row *rows, *row;

	for (size_t i = 0; i < summary->count; i++) {
		row = &summary->rows[i];
		if (strcmp(row->program, program) == 0 && strlen(row->role) == len && memcmp(row->role, role, len) == 0)
			return row;
	}
	rows = array_grow(summary->rows, &summary->room, summary->count + 1, sizeof *rows);
	if (!rows)
		return NULL;
	summary->rows = rows;
	row = &rows[summary->count];
	*row = (struct summary_row){.program = strdup(program), .role = strndup(role, len)};
	if (row->program && row->role) {
		summary->count++;
		return row;
	}
	free(row->program);
	free(row->role);
	return NULL;
}

/* ROLE is the first LEN bytes. */
static int add_to_row(struct summary *summary, const struct trace_image *image, const char *role, size_t len,
                      const struct consumers *consumers)
{
	struct summary_row *row = find_row(summary, image->exe ? image->exe : "?", role, len);

	if (!row)
		return -ENOMEM;
	row->processes++;
	row->is_sampled |= image->sample != 0;
	amount_add(&row->allocated, &consumers->allocated);
	amount_add(&row->leaked, &consumers->live);
	amount_add(&row->temporary, &consumers->temporary);
	amount_add(&row->peaks, &consumers->peak);
	if (row->highest.bytes < consumers->peak.bytes)
		row->highest = consumers->peak;
	return 0;
}

int summary_add(struct summary *summary, const struct trace_image *image, const struct consumers *consumers,
                const struct resolver *resolver)
{
	struct locations *locations;
	int error = add_to_row(summary, image, "", 0, consumers);

	summary->processes++;
	summary->older += image->ending == TRACE_CONTINUED;
	if (!error && *image->title)
		error = add_to_row(summary, image, image->title, role_length(image->title), consumers);
	if (error || !resolver)
		return error;
	locations = places_add(&summary->places, &image->stacks, resolver);
	return locations ? growth_add(&summary->backtraces, GROWTH_NEW, consumers, locations) : -ENOMEM;
}

/* ---- order --------------------------------------------------------------------- */

static int compare(uint64_t x, uint64_t y)
{
	return (x < y) - (x > y);
}

/* The program that kept most comes first, and each is followed by its roles in the same order. */
static int in_order(const void *a, const void *b)
{
	const struct summary_row *x = a, *y = b;
	int result = compare(x->kept, y->kept);

	if (!result)
		result = strcmp(x->program, y->program);
	if (result)
		return result;
	if (!*x->role != !*y->role)
		return *x->role ? 1 : -1;
	result = compare(x->leaked.bytes, y->leaked.bytes);
	return result ? result : strcmp(x->role, y->role);
}

static void rank(struct summary *summary, struct summary_row *row)
{
	const struct summary_row *whole = find_row(summary, row->program, "", 0);

	if (whole)
		row->kept = whole->leaked.bytes;
}

static void sort(struct summary *summary)
{
	for (size_t i = 0; i < summary->count; i++)
		rank(summary, &summary->rows[i]);
	if (summary->count)
		qsort(summary->rows, summary->count, sizeof *summary->rows, in_order);
	growth_sort(&summary->backtraces);
}

/* ---- text ---------------------------------------------------------------------- */

static void print_row(const struct summary_row *row, FILE *out)
{
	char cells[4][ESTIMATE_CELL];

	fprintf(out, "%9" PRIu64 " %14s %13s %13s %13s  %s", row->processes,
	        about_in_cell(&row->allocated, row->allocated.bytes, cells[0]),
	        about_in_cell(&row->leaked, row->leaked.bytes, cells[1]),
	        about_in_cell(&row->peaks, row->peaks.bytes, cells[2]),
	        about_in_cell(&row->highest, row->highest.bytes, cells[3]), *row->role ? "  " : "");
	table_print_name(*row->role ? row->role : row->program, out);
	fputc('\n', out);
}

static void print_programs(const struct summary *summary, FILE *out)
{
	fprintf(out, "ALL %" PRIu64 " PROCESSES, bytes by program, and by role below it\n%9s %14s %13s %13s %13s  %s\n",
	        summary->processes, "PROCESSES", "ALLOCATED", "LEAKED", "SUM OF PEAKS", "HIGHEST PEAK", "PROGRAM");
	for (size_t i = 0; i < summary->count; i++)
		print_row(&summary->rows[i], out);
	if (summary->older)
		fprintf(out,
		        "%" PRIu64
		        " of them %s older file%s of a trace that goes on in a newer one: what is live counts "
		        "in each of its files\n",
		        summary->older, summary->older == 1 ? "is an" : "are", plural(summary->older));
}

void summary_print_programs(struct summary *summary, FILE *out)
{
	sort(summary);
	print_programs(summary, out);
}

int summary_print_text(struct summary *summary, uint64_t top, const struct backtrace_style *style)
{
	FILE *out = style->screen->out;
	const struct growth *growth = &summary->backtraces;
	size_t shown = top && top < growth->count ? (size_t)top : growth->count;
	int error = 0;

	sort(summary);
	print_programs(summary, out);
	fprintf(out, "\nBACKTRACES of all processes, by %s:\n", metric_name(growth->metric));
	for (size_t i = 0; !error && i < shown; i++) {
		const struct growth_group *group = &growth->groups[i];
		struct amount amount = group->amounts[GROWTH_NEW];

		fprintf(out, "%s %s%" PRIu64 " block%s, %s%" PRIu64 " bytes", i ? "\n" : "", about(&amount),
		        amount.count, plural(amount.count), about(&amount), amount.bytes);
		samples_print(&amount, out);
		fprintf(out, " allocated by %s\n", parse_call_name(group->call));
		error = backtrace_print(group->frames, group->depth, style);
	}
	if (shown < growth->count)
		fprintf(out, "\n ... and %zu other backtrace%s\n", growth->count - shown,
		        plural(growth->count - shown));
	return error;
}

/* ---- JSON ---------------------------------------------------------------------- */

static json_t *row_value(const struct summary_row *row)
{
	json_t *temporary = row->is_sampled ? json_null() : amount_json(row->temporary);

	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "program", json_name(row->program, strlen(row->program)),
	                 "role", *row->role ? json_name(row->role, strlen(row->role)) : json_null(), "processes",
	                 json_number(row->processes), "allocated", amount_json(row->allocated), "leaked",
	                 amount_json(row->leaked), "temporary", temporary, "peaks", json_number(row->peaks.bytes),
	                 "highest", json_number(row->highest.bytes));
}

static void print_group(struct json_printer *printer, const struct growth_group *group)
{
	struct amount amount = group->amounts[GROWTH_NEW];

	json_print_open(printer, NULL, '{');
	json_print_members(printer, amount_json(amount));
	json_print_members(printer, json_pack("{s:s}", "call", parse_call_name(group->call)));
	json_print_locations(printer, group->frames, group->depth);
	json_print_close(printer, '}');
}

int summary_print_json(struct summary *summary, uint64_t top, FILE *out)
{
	const struct growth *growth = &summary->backtraces;
	size_t shown = top && top < growth->count ? (size_t)top : growth->count;
	struct json_printer printer = {.out = out};

	sort(summary);
	json_print_open(&printer, NULL, '{');
	json_print_members(&printer, json_pack("{s:o,s:s}", "processes", json_number(summary->processes), "by",
	                                       metric_name(growth->metric)));
	json_print_open(&printer, "programs", '[');
	for (size_t i = 0; !printer.error && i < summary->count; i++) {
		json_print_open(&printer, NULL, '{');
		json_print_members(&printer, row_value(&summary->rows[i]));
		json_print_close(&printer, '}');
	}
	json_print_close(&printer, ']');
	json_print_open(&printer, "backtraces", '[');
	for (size_t i = 0; !printer.error && i < shown; i++)
		print_group(&printer, &growth->groups[i]);
	json_print_close(&printer, ']');
	json_print_close(&printer, '}');
	return json_print_end(&printer);
}

void summary_free(struct summary *summary)
{
	for (size_t i = 0; i < summary->count; i++) {
		free(summary->rows[i].program);
		free(summary->rows[i].role);
	}
	free(summary->rows);
	growth_free(&summary->backtraces);
	places_free(&summary->places);
	*summary = (struct summary){.count = 0};
}
