/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See consumers_print.h: the report as text. */
#include "attached_text.h"
#include "bytes_print.h"
#include "call_tree.h"
#include "consumers_print.h"
#include "ending_text.h"
#include "estimate.h"
#include "flavour.h"
#include "modules.h"
#include "table.h"
#include "window_print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static const char *const titles[METRIC_COUNT] = {
	[METRIC_LEAKED] = "LEAKED, never released",
	[METRIC_PEAK] = "PEAK, in use when most bytes were",
	[METRIC_ALLOCATED] = "ALLOCATED in all, by bytes",
	[METRIC_CALLS] = "ALLOCATED in all, by calls",
	[METRIC_TEMPORARY] = "TEMPORARY, released by the thread's next event, by calls",
};

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static double share(const struct export_image *image, struct amount amount)
{
	return percent(metric_value(image->metric, amount),
	               metric_value(image->metric, consumers_amount(image->consumers, image->metric)));
}

/* The columns that a heading may have in front of the program. */
enum { HEADING_FRONT = 20 };

/* ---- the head ------------------------------------------------------------- */

static void print_heading(const struct export_image *image, const struct view *view, FILE *out)
{
	const struct trace_image *process = image->image;
	char words[ENDING_MAX];
	const char *ending = ending_text(words, process, view->trace->ends_early);
	const struct flavour_lack *lack = flavour_lack(process);
	char attached[ATTACHED_MAX];

	fputs("PROCESS", out);
	if (process->has_pid)
		fprintf(out, " %" PRIu64, process->pid);
	if (process->parent)
		fprintf(out, ", fork of %" PRIu64, process->parent);
	if (process->exe) {
		fputs(": ", out);
		screen_print_end(view->style.screen, process->exe, view->style.screen->width - HEADING_FRONT);
	}
	if (*process->title) {
		fputs(", called ", out);
		table_print_name(process->title, out);
	}
	fprintf(out, " (lines %" PRIu64 " to %" PRIu64, process->first_line, process->last_line);
	if (view->is_named)
		fprintf(out, " of %s", view->trace->input.name);
	if (!process->begun)
		fputs("; the trace has no beginning", out);
	if (process->replaced && !process->finished)
		fputs("; then another program in its place", out);
	else if (process->restarted)
		fputs("; then the chip started again", out);
	else if (*ending)
		fprintf(out, "; %s", ending);
	if (process->lost)
		fprintf(out, "; %" PRIu64 " event%s lost", process->lost, plural(process->lost));
	if (process->unkept)
		fprintf(out, "; %" PRIu64 " block%s whose size the tracker could not keep", process->unkept,
		        plural(process->unkept));
	if (process->is_limited)
		fprintf(out, "; allocations behind the limit of %" PRIu64 " byte%s are missing", process->limit,
		        plural(process->limit));
	if (process->sample)
		fprintf(out, "; estimates by a sample, one in %" PRIu64 " bytes", process->sample);
	if (lack)
		fprintf(out, "; %s", lack->brief);
	if (view->malformed)
		fprintf(out, "; %" PRIu64 " line%s could not be read", view->malformed, plural(view->malformed));
	fputs(")\n", out);
	if (lack)
		fprintf(out, "  not seen: %s\n  to see them, %s\n", lack->unseen, lack->advice);
	if (*attached_text(attached, process))
		fprintf(out, "  attached %s\n", attached);
}

/* Releases of blocks that the trace does not show allocated. */
static void print_missed(const struct export_image *image, const struct view *view, FILE *out)
{
	const struct heap_counts *counts = &image->consumers->heap.counts;

	/* A realloc of a block that is not in the sample can be in it. */
	if ((!counts->foreign && !counts->unknown) || image->image->sample)
		return;
	fprintf(out, "  %" PRIu64 " %s%s%s, %" PRIu64 " free%s of %s\n", counts->foreign,
	        image->image->is_attached ? "free" : "foreign free", plural(counts->foreign),
	        image->image->is_attached ? " of blocks from before the tracker attached" : "", counts->unknown,
	        plural(counts->unknown),
	        image->image->parent          ? "blocks from before the fork"
	        : window_is_set(view->window) ? "blocks from before that part"
	                                      : "unknown blocks");
}

/* "  allocated   12 blocks   1234 bytes" */
static void print_total(const char *name, struct amount amount, FILE *out)
{
	char units[BYTES_TEXT], count[ESTIMATE_CELL], bytes[ESTIMATE_CELL];

	fprintf(out, "  %-10s %12s block%s %16s byte%s", name, about_in_cell(&amount, amount.count, count),
	        amount.count == 1 ? " " : "s", about_in_cell(&amount, amount.bytes, bytes), plural(amount.bytes));
	if (amount.bytes >= BYTES_MANY)
		fprintf(out, ", %s%s", about(&amount), bytes_in_units(amount.bytes, units));
}

static void print_totals(const struct export_image *image, const struct view *view, FILE *out)
{
	static const enum metric shown[] = {METRIC_ALLOCATED, METRIC_PEAK, METRIC_LEAKED, METRIC_TEMPORARY};
	const struct consumers *consumers = image->consumers;

	/* Of a table of live blocks, that would be all there is. */
	if (consumers->at_start.count && !image->image->is_table) {
		print_total("at start", consumers->at_start, out);
		fputc('\n', out);
	}
	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
		struct amount amount = consumers_amount(consumers, shown[i]);

		if (shown[i] == METRIC_TEMPORARY && image->image->sample)
			continue;
		print_total(metric_name(shown[i]), amount, out);
		if (shown[i] == METRIC_PEAK && consumers->peaks)
			fprintf(out, " (line %" PRIu64, consumers->peak_line);
		if (shown[i] == METRIC_PEAK && consumers->peaks && image->image->has_time)
			fprintf(out, ", after %" PRIu64 " ms", consumers->peak_time);
		fputs(shown[i] == METRIC_PEAK && consumers->peaks ? ")\n" : "\n", out);
	}
	print_missed(image, view, out);
}

/* ---- consumers ------------------------------------------------------------ */

static void print_thread(const struct threads *threads, uint32_t place, FILE *out)
{
	const struct thread *thread = threads_get(threads, place);

	if (!thread->number) {
		fputs(" in a thread that is not known", out);
		return;
	}
	fprintf(out, " in thread %" PRIu32, thread->number);
	if (thread->name[0]) {
		fputs(", ", out);
		table_print_name(thread->name, out);
	}
}

/* " 3 blocks, 1234 bytes (12.34%)"; with "(12.34%, 2 samples)" if these are few. */
static void print_amount(const struct export_image *image, struct amount amount, FILE *out)
{
	char units[BYTES_TEXT];

	fprintf(out, " %s%" PRIu64 " block%s, %s%" PRIu64 " byte%s (", about(&amount), amount.count,
	        plural(amount.count), about(&amount), amount.bytes, plural(amount.bytes));
	if (amount.bytes >= BYTES_MANY)
		fprintf(out, "%s%s, ", about(&amount), bytes_in_units(amount.bytes, units));
	fprintf(out, "%.2f%%", share(image, amount));
	samples_print(&amount, out);
	fputc(')', out);
}

static int print_consumer(const struct export_image *image, const struct view *view, const struct consumer *consumer,
                          FILE *out)
{
	struct amount amount = consumer_amount(image->consumers, consumer, image->metric);

	fputs(screen_strong(view->style.screen), out);
	print_amount(image, amount, out);
	fprintf(out, " allocated by %s", parse_call_name(consumer->call));
	if (image->consumers->by_thread)
		print_thread(&image->image->threads, consumer->thread, out);
	fprintf(out, " (first: line %" PRIu64 ")%s\n", consumer->line, screen_plain(view->style.screen));
	return backtrace_print_stack(image->locations, consumer->stack, &view->style);
}

static void print_rest(const struct export_image *image, const struct ranking *ranking, size_t from, FILE *out)
{
	struct amount rest = {0};

	for (size_t i = from; i < ranking->count; i++) {
		struct amount amount = consumer_amount(image->consumers, ranking->list[i], image->metric);

		amount_add(&rest, &amount);
	}
	if (from)
		fputc('\n', out);
	print_amount(image, rest, out);
	fprintf(out, " in %zu %sbacktrace%s\n", ranking->count - from, from ? "more " : "",
	        plural(ranking->count - from));
}

static int print_consumers(const struct export_image *image, const struct view *view, const struct ranking *ranking,
                           FILE *out)
{
	size_t shown = view->top && view->top < ranking->count ? (size_t)view->top : ranking->count;
	int error = 0;

	for (size_t i = 0; !error && i < shown; i++) {
		if (i)
			fputc('\n', out);
		error = print_consumer(image, view, ranking->list[i], out);
	}
	if (!error && shown < ranking->count)
		print_rest(image, ranking, shown, out);
	return error;
}

/* ---- trees ---------------------------------------------------------------- */

struct tree_view {
	const struct export_image *image;
	const struct tree *tree;
	uint64_t threshold;
	const struct screen *screen;
};

/* What is left for a label in a narrow line, however deep it is. */
enum { LABEL_LEAST = 20 };

static void print_node(const struct tree_view *view, struct amount amount, unsigned depth, const char *label)
{
	FILE *out = view->screen->out;
	char count[ESTIMATE_CELL], bytes[ESTIMATE_CELL];
	int used = fprintf(out, "%14s %10s %6.2f%% %*s", about_in_cell(&amount, amount.bytes, bytes),
	                   about_in_cell(&amount, amount.count, count), share(view->image, amount), (int)depth * 2, "");
	int room = view->screen->width - used;

	screen_print_begin(view->screen, label, room < LABEL_LEAST ? LABEL_LEAST : room);
	fputc('\n', out);
}

static void print_small(const struct tree_view *view, struct amount amount, unsigned depth, uint32_t count)
{
	char label[64];

	snprintf(label, sizeof label, "(%" PRIu32 " more)", count);
	print_node(view, amount, depth, label);
}

/* Recurses as deep as the tree, which is at most TREE_DEPTH_MAX. */
static int print_branch(const struct tree_view *view, uint32_t node, unsigned depth)
{
	const struct tree_node *nodes = view->tree->nodes;
	uint32_t *children = tree_children(view->tree, node, view->image->metric);
	uint32_t count = nodes[node].children, shown = 0;
	struct amount small = {0};
	int error = 0;

	if (!children)
		return count ? -ENOMEM : 0;
	for (; !error && shown < count; shown++) {
		const struct tree_node *child = &nodes[children[shown]];

		if (metric_value(view->image->metric, child->amount) < view->threshold)
			break;
		print_node(view, child->amount, depth, child->label);
		error = print_branch(view, children[shown], depth + 1);
	}
	for (uint32_t i = shown; i < count; i++)
		amount_add(&small, &nodes[children[i]].amount);
	if (!error && shown < count)
		print_small(view, small, depth, count - shown);
	free(children);
	return error;
}

static int print_tree(const struct export_image *image, const struct view *view, const struct ranking *ranking,
                      FILE *out)
{
	uint64_t whole = metric_value(image->metric, consumers_amount(image->consumers, image->metric));
	struct labels labels = {.locations = image->locations,
	                        .make = view->style.full ? labels_line : labels_short_line};
	struct tree tree = {0};
	struct tree_view shown = {image, &tree, whole / 100 * view->min_percent + whole % 100 * view->min_percent / 100,
	                          view->style.screen};
	const struct call_tree_source from = {.image = image->image,
	                                      .consumers = image->consumers,
	                                      .metric = image->metric,
	                                      .is_bottom_up = view->tree == VIEW_BOTTOM_UP};
	int error;

	if (!ranking->count)
		return 0;
	error = call_tree_add(&tree, &labels, &from);
	fprintf(out, "%14s %10s %7s %s\n", "BYTES", "BLOCKS", "SHARE",
	        view->tree == VIEW_TOP_DOWN ? "CALLER, CALLED" : "CALLED, CALLER");
	if (!error && tree.count)
		error = print_branch(&shown, TREE_ROOT, 0);
	tree_free(&tree);
	labels_free(&labels);
	return error;
}

static const char *title_of(enum metric metric, const struct view *view)
{
	return metric == METRIC_LEAKED && view->only_lost ? "LOST, never released and not reachable" : titles[metric];
}

static int print_backtraces(const struct export_image *image, const struct view *view, const struct ranking *ranking,
                            FILE *out)
{
	struct amount whole = consumers_amount(image->consumers, image->metric);
	const struct screen *screen = view->style.screen;

	if (view->accepted && image->metric == METRIC_LEAKED) {
		fputs("\nsuppressed: ", out);
		amount_print(view->accepted, out);
		fputc('\n', out);
	}
	fprintf(out, "\n%s%s: ", screen_strong(screen), title_of(image->metric, view));
	amount_print(&whole, out);
	fprintf(out, " in %zu backtrace%s%s\n", ranking->count, plural(ranking->count), screen_plain(screen));
	return view->tree == VIEW_NO_TREE ? print_consumers(image, view, ranking, out)
	                                  : print_tree(image, view, ranking, out);
}

/* ---- sums ----------------------------------------------------------------- */

static void print_sizes(const struct consumers *consumers, FILE *out)
{
	char count[ESTIMATE_CELL], bytes[ESTIMATE_CELL];

	fprintf(out, "\nSIZES of all that was allocated\n%14s %14s %12s %7s %16s\n", "FROM", "TO", "BLOCKS", "SHARE",
	        "BYTES");
	for (unsigned i = 0; i < CONSUMERS_CLASSES; i++) {
		const struct amount *class = &consumers->classes[i];

		if (class->count)
			fprintf(out, "%14" PRIu64 " %14" PRIu64 " %12s %6.2f%% %16s\n", consumers_class_from(i),
			        consumers_class_to(i), about_in_cell(class, class->count, count),
			        percent(class->count, consumers->allocated.count),
			        about_in_cell(class, class->bytes, bytes));
	}
}

static void print_calls(const struct consumers *consumers, FILE *out)
{
	char count[ESTIMATE_CELL];

	fprintf(out, "\nCALLS\n%20s %12s %12s\n", "FUNCTION", "CALLS", "FAILED");
	for (int call = 0; call < LM_CALL_COUNT; call++)
		if (consumers->calls[call].count || consumers->failed[call])
			fprintf(out, "%20s %12s %12" PRIu64 "\n", parse_call_name((enum lm_call)call),
			        about_in_cell(&consumers->calls[call], consumers->calls[call].count, count),
			        consumers->failed[call]);
}

/* In a narrow line, more of it is for the modules' names. */
enum { WIDE = 100, BYTES_WIDE = 16, BYTES_NARROW = 12, BLOCKS_WIDE = 10, BLOCKS_NARROW = 8 };

static int print_modules(const struct export_image *image, const struct screen *screen)
{
	const bool is_narrow = screen->width && screen->width < WIDE;
	const int bytes = is_narrow ? BYTES_NARROW : BYTES_WIDE, blocks = is_narrow ? BLOCKS_NARROW : BLOCKS_WIDE;
	FILE *out = screen->out;
	char cells[4][ESTIMATE_CELL];
	struct modules modules;
	int error = modules_build(&modules, image->consumers, image->locations, image->metric);

	if (error || !modules.count) {
		modules_free(&modules);
		return error;
	}
	fprintf(out, "\nMODULES, %s: asked for by their own code, and by all that it called\n%*s %*s %*s %*s %7s  %s\n",
	        metric_name(image->metric), bytes, "OWN BYTES", blocks, "BLOCKS", bytes, "WHOLE BYTES", blocks,
	        "BLOCKS", "SHARE", "MODULE");
	for (size_t i = 0; i < modules.count; i++) {
		const struct module_total *total = &modules.list[i];
		const struct amount *own = &total->own, *whole = &total->whole;
		int used = fprintf(out, "%*s %*s %*s %*s %6.2f%%  ", bytes, about_in_cell(own, own->bytes, cells[0]),
		                   blocks, about_in_cell(own, own->count, cells[1]), bytes,
		                   about_in_cell(whole, whole->bytes, cells[2]), blocks,
		                   about_in_cell(whole, whole->count, cells[3]), share(image, *whole));

		screen_print_end(screen, total->module ? total->module : "(not known)", screen->width - used);
		fputc('\n', out);
	}
	modules_free(&modules);
	return 0;
}

int consumers_print_text(const struct export_image *image, const struct view *view)
{
	FILE *out = view->style.screen->out;
	struct ranking ranking;
	int error = ranking_build(&ranking, image->consumers, image->metric);

	if (error)
		return error;
	print_heading(image, view, out);
	window_print(view->window, out);
	print_totals(image, view, out);
	error = view->by_thread ? threads_print_text(image, view) : print_backtraces(image, view, &ranking, out);
	ranking_free(&ranking);
	if (error)
		return error;
	print_sizes(image->consumers, out);
	print_calls(image->consumers, out);
	return print_modules(image, view->style.screen);
}
