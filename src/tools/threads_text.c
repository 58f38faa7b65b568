/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See consumers_print.h: the table of threads. */
#include "consumers_print.h"
#include "estimate.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

enum { CELL = 24 };

/* What stands in front of a thread's name. */
enum { NAME_COLUMN = 64 };

/* NUMBER, of AMOUNT. At most seven characters, so that a line has room in 80 columns. */
static const char *shortened(const struct amount *amount, uint64_t number, char cell[CELL])
{
	static const char units[] = "MGTPE";
	double rest = (double)number / 1e6;
	unsigned unit = 0;

	if (number < 1000000) {
		snprintf(cell, CELL, "%s%" PRIu64, about(amount), number);
		return cell;
	}
	/* What would be printed as 1000.0 has the next unit. */
	for (; rest >= 999.95 && units[unit + 1]; unit++)
		rest /= 1000;
	snprintf(cell, CELL, "%s%.1f%c", about(amount), rest, units[unit]);
	return cell;
}

struct row {
	struct amount calls, allocated, peak, leaked, temporary, others;
};

static struct row row_of(const struct consumers *consumers, uint32_t place)
{
	const struct thread_use *use = &consumers->threads.list[place];

	return (struct row){use->calls, use->allocated, thread_use_amount(consumers, use, METRIC_PEAK),
	                    use->live,  use->temporary, use->others};
}

static void add(struct row *sum, const struct row *row)
{
	amount_add(&sum->calls, &row->calls);
	amount_add(&sum->allocated, &row->allocated);
	amount_add(&sum->peak, &row->peak);
	amount_add(&sum->leaked, &row->leaked);
	amount_add(&sum->temporary, &row->temporary);
	amount_add(&sum->others, &row->others);
}

/* Of a sample, it is not known what was temporary. */
static void print_row(const struct row *row, bool is_sampled, FILE *out)
{
	char cells[7][CELL];

	fprintf(out, "%7s %9s %7s %7s %7s %7s %7s ", shortened(&row->calls, row->calls.count, cells[0]),
	        shortened(&row->allocated, row->allocated.bytes, cells[1]),
	        shortened(&row->peak, row->peak.bytes, cells[2]), shortened(&row->leaked, row->leaked.bytes, cells[3]),
	        shortened(&row->leaked, row->leaked.count, cells[4]),
	        is_sampled ? "-" : shortened(&row->temporary, row->temporary.count, cells[5]),
	        shortened(&row->others, row->others.count, cells[6]));
}

static void print_thread(const struct export_image *image, uint32_t place, const struct screen *screen)
{
	FILE *out = screen->out;
	const struct thread *thread = threads_get(&image->image->threads, place);
	struct row row = row_of(image->consumers, place);

	print_row(&row, image->image->sample, out);
	if (thread->number)
		fprintf(out, "%5" PRIu32 " ", thread->number);
	else
		fputs("    - ", out);
	screen_print_begin(screen, thread->number ? thread->name : "(not known)", screen->width - NAME_COLUMN);
	fputc('\n', out);
}

static void print_rest(const struct export_image *image, const struct thread_ranking *ranking, size_t from, FILE *out)
{
	struct row sum = {0};

	for (size_t i = from; i < ranking->count; i++) {
		struct row row = row_of(image->consumers, ranking->list[i]);

		add(&sum, &row);
	}
	print_row(&sum, image->image->sample, out);
	fprintf(out, "    - (%zu more)\n", ranking->count - from);
}

int threads_print_text(const struct export_image *image, const struct view *view)
{
	const struct screen *screen = view->style.screen;
	FILE *out = screen->out;
	struct thread_ranking ranking;
	int error = thread_ranking_build(&ranking, image->consumers, image->metric);
	size_t shown = view->top && view->top < ranking.count ? (size_t)view->top : ranking.count;

	if (error)
		return error;
	fprintf(out, "\nTHREADS, by %s: %zu thread%s\n%7s %9s %7s %7s %7s %7s %7s %5s %s\n", metric_name(image->metric),
	        ranking.count, plural(ranking.count), "CALLS", "ALLOCATED", "PEAK", "LEAKED", "BLOCKS", "TEMP",
	        "OTHERS", "NO", "NAME");
	for (size_t i = 0; i < shown; i++)
		print_thread(image, ranking.list[i], screen);
	if (shown < ranking.count)
		print_rest(image, &ranking, shown, out);
	thread_ranking_free(&ranking);
	return 0;
}
