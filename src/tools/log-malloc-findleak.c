/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-findleak: the blocks that a traced program never freed, by where it allocated them. */
#include "cli.h"
#include "heap.h"
#include "report.h"
#include "table.h"
#include "trace.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] = "Usage: log-malloc-findleak [OPTION]... TRACE\n"
			   "Lists the blocks that are not freed at the end of a trace, by where they were\n"
			   "allocated, largest first. TRACE is a file, or - for standard input.\n"
			   "\n"
			   "  -p, --pid PID       only the process PID of the trace; where the trace does not\n"
			   "                      say what was mapped where, look at the running process PID\n"
			   "  -n, --no-translate  frames as they are in the trace: no functions and files\n"
			   "  -f, --full-names    whole names and whole paths\n"
			   "  -h, --help          this text\n"
			   "  -V, --version       the version\n"
			   "\n"
			   "Exit status: 0 no leaks, 1 leaks, 2 usage or trouble.\n";

static const struct option options[] = {
	{"pid", required_argument, NULL, 'p'},  {"no-translate", no_argument, NULL, 'n'},
	{"full-names", no_argument, NULL, 'f'}, {"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},    {NULL, 0, NULL, 0},
};

/* As in the ancestor's report. */
enum { TABLE_INDENT = 7 };

struct totals {
	uint64_t images; /* that were reported */
	uint64_t blocks;
	uint64_t bytes;
	uint64_t backtraces;
	uint64_t foreign;
	uint64_t unknown;
	uint64_t lost;
	bool begun;    /* each of them has its beginning */
	bool finished; /* each of them has its end, exec included */
};

struct findleak {
	bool any_pid;
	uint64_t pid;
	bool translate;
	bool full;
	struct diag diag;
	struct trace *trace;
	struct symbols *symbols;
	struct heap heap;
	struct totals totals;
};

/* The frame as it is written, and if asked for what it means. */
static int add_frame(struct findleak *f, struct table *table, const struct stacks_frame *text)
{
	struct trace_image *image = &f->trace->image;
	struct resolver resolver = {.symbols = f->symbols, .maps = &image->maps, .dir = image->cwd};
	struct resolved resolved;
	struct frame frame;
	int error;

	if (!f->translate || frame_parse(text->text, text->len, &frame) != 0)
		return table_add_text(table, text->text, text->len);
	error = resolve_frame(&resolver, &frame, &resolved);
	return error ? error : table_add(table, &resolved.places, text->text, text->len);
}

static int print_stack(struct findleak *f, uint32_t number)
{
	const struct stacks *stacks = &f->trace->image.stacks;
	struct stack stack = stacks_get(stacks, number);
	struct table table = {.symbols_only = !f->translate, .full = f->full, .dir = f->trace->image.cwd};
	int error = 0;

	if (!stack.depth) {
		printf("%*sno backtrace\n", TABLE_INDENT, "");
		return 0;
	}
	for (size_t i = 0; !error && i < stack.depth; i++) {
		struct stacks_frame text = stacks_frame_at(stacks, stack.frames[i]);

		error = add_frame(f, &table, &text);
	}
	if (!error)
		table_print(&table, stdout, TABLE_INDENT);
	table_clear(&table);
	return error;
}

static int print_group(struct findleak *f, const struct report_group *group)
{
	double kib = (double)group->bytes / 1024;
	const char *call = record_call_name(group->call);

	if (group->blocks == 1)
		printf(" 0x%" PRIx64 " leaked %" PRIu64 " bytes (%.2f KiB) allocated by %s (line: %" PRIu64 ")\n",
		       group->address, group->bytes, kib, call, group->line);
	else
		printf(" %" PRIu64 " blocks leaked %" PRIu64 " bytes (%.2f KiB) allocated by %s (first: 0x%" PRIx64
		       ", line: %" PRIu64 ")\n",
		       group->blocks, group->bytes, kib, call, group->address, group->line);
	return print_stack(f, group->stack);
}

/* Between the images of a trace that has several. */
static void print_heading(const struct trace_image *image)
{
	if (image->number == 1 && !image->replaced)
		return;
	if (image->number > 1)
		putchar('\n');
	printf("IMAGE %u:", image->number);
	if (image->has_pid)
		printf(" process %" PRIu64, image->pid);
	if (image->exe) {
		printf(" ");
		table_print_name(image->exe, stdout);
	}
	printf(" (lines %" PRIu64 " to %" PRIu64 "%s)\n", image->first_line, image->last_line,
	       image->replaced ? ", then another program in its place" : "");
}

static void add_up(struct findleak *f, const struct report *report)
{
	const struct trace_image *image = &f->trace->image;
	struct totals *totals = &f->totals;

	totals->images++;
	totals->blocks += report->blocks;
	totals->bytes += report->bytes;
	totals->backtraces += report->backtraces;
	totals->foreign += f->heap.counts.foreign;
	totals->unknown += f->heap.counts.unknown;
	totals->lost += image->lost;
	totals->begun &= image->begun;
	totals->finished &= image->finished || image->replaced;
}

/* A trace that was cut or is of an old tracker may not say what lay where; a process that still runs does. */
static void look_at_process(struct findleak *f)
{
	char path[64];
	int error;

	if (f->any_pid || f->trace->image.maps.count)
		return;
	snprintf(path, sizeof path, "/proc/%" PRIu64 "/maps", f->pid);
	error = maps_load(&f->trace->image.maps, path, NULL);
	if (error)
		cli_error("%s: %s", path, strerror(-error));
}

/* At the end of an image. */
static int report_image(struct findleak *f)
{
	const struct trace_image *image = &f->trace->image;
	struct report report;
	int error;

	if (!f->trace->records || (!f->any_pid && image->has_pid && image->pid != f->pid))
		return 0;
	look_at_process(f);
	error = report_build(&report, &f->heap);
	if (error)
		return error;
	print_heading(image);
	if (report.count)
		printf("SUSPECTED %" PRIu64 " LEAKS:\n", report.blocks);
	else
		puts("NO LEAKS FOUND");
	for (size_t i = 0; !error && i < report.count; i++) {
		if (i)
			putchar('\n');
		error = print_group(f, &report.groups[i]);
	}
	add_up(f, &report);
	report_free(&report);
	return error;
}

static void print_totals(const struct findleak *f)
{
	const struct totals *totals = &f->totals;
	const struct trace *trace = f->trace;
	bool whole = totals->begun && totals->finished && !trace->ends_early && !totals->lost && !trace->malformed;

	printf("\nTotal: %" PRIu64 " blocks, %" PRIu64 " bytes (%.2f KiB), %" PRIu64 " backtraces; %" PRIu64
	       " foreign frees",
	       totals->blocks, totals->bytes, (double)totals->bytes / 1024, totals->backtraces, totals->foreign);
	if (totals->unknown)
		printf("; %" PRIu64 " frees of unknown blocks", totals->unknown);
	if (totals->lost)
		printf("; %" PRIu64 " events lost", totals->lost);
	if (trace->malformed)
		printf("; %" PRIu64 " lines could not be read", trace->malformed);
	if (!totals->begun)
		printf("; the trace has no beginning");
	if (!totals->finished || trace->ends_early)
		printf("; the trace ends early");
	if (whole)
		printf("; the trace is complete");
	putchar('\n');
}

static int read_trace(struct findleak *f)
{
	struct trace_item item;
	int got;

	while ((got = trace_next(f->trace, &item)) > 0) {
		int error = 0;

		if (item.kind == TRACE_CALL) {
			error = heap_apply_later(&f->heap, &item.event, item.stack, item.line);
		} else if (item.kind == TRACE_END) {
			error = heap_settle(&f->heap);
			if (!error)
				error = report_image(f);
			heap_free(&f->heap);
		}
		if (error)
			return error;
	}
	return got;
}

static int run(struct findleak *f, const char *path)
{
	int error, status;

	f->diag.report = cli_complain;
	f->totals.begun = f->totals.finished = true;
	f->trace = cli_open_trace(path, &f->diag);
	if (!f->trace)
		return CLI_TROUBLE;
	error = symbols_create(&f->symbols, NULL, &f->diag);
	if (!error)
		error = read_trace(f);
	if (f->totals.images)
		print_totals(f);
	else if (!error && f->trace->records)
		cli_error("%s: process %" PRIu64 " is not in this trace", f->trace->input.name, f->pid);
	symbols_destroy(f->symbols);
	heap_free(&f->heap);
	status = cli_close_trace(f->trace, error);
	if (status == CLI_OK && !f->totals.images)
		status = CLI_TROUBLE;
	return cli_finish(status == CLI_OK && f->totals.blocks ? CLI_FINDINGS : status);
}

int main(int argc, char **argv)
{
	struct findleak f = {.any_pid = true, .translate = true};
	int option;

	cli_start("log-malloc-findleak");
	while ((option = getopt_long(argc, argv, "p:nfhV", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			f.pid = cli_pid(optarg);
			f.any_pid = false;
			break;
		case 'n':
			f.translate = false;
			break;
		case 'f':
			f.full = true;
			break;
		case 'h':
			fputs(help, stdout);
			return cli_finish(CLI_OK);
		case 'V':
			cli_version();
		default:
			cli_usage_hint();
		}
	}
	if (argc - optind != 1)
		cli_usage_error("one TRACE is needed");
	return run(&f, argv[optind]);
}
