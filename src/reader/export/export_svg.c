/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See export_svg.h. */
#include "export_svg.h"
#include "bytes_print.h"
#include "call_tree.h"
#include "columns.h"
#include "plural.h"
#include "xml.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* In the picture's units, which are pixels where nothing is scaled. */
enum {
	WIDTH = 1200,
	MARGIN = 10,
	HEAD = 74, /* the words above the frames */
	FRAME = 18,
	TEXT_BASE = 13, /* of a frame's text, from its upper edge */
	TEXT_MARGIN = 4,
};

/* Of a letter in the fonts that are asked for. */
#define LETTER 7.25

/* Narrower frames can't be seen. */
#define NARROWEST 0.5

enum {
	/* Names that are longer than so many columns are cut. */
	NAME_MAX_COLUMNS = 300,
	PROGRAM_MAX_COLUMNS = 60,
	/* Programs that the head names. */
	NAMED_PROGRAMS = 4,
};

struct export_svg {
	struct export_svg_options options;
	struct tree tree;
	char *programs[NAMED_PROGRAMS];
	size_t images;
	bool is_part;    /* something is missing in some trace */
	uint64_t sample; /* of the first trace that is sampled: the distance of its samples in bytes */
};

struct export_svg *export_svg_create(const struct export_svg_options *options)
{
	struct export_svg *svg = calloc(1, sizeof *svg);

	if (svg)
		svg->options = *options;
	return svg;
}

void export_svg_destroy(struct export_svg *svg)
{
	if (!svg)
		return;
	for (size_t i = 0; i < NAMED_PROGRAMS; i++)
		free(svg->programs[i]);
	tree_free(&svg->tree);
	free(svg);
}

int export_svg_add(struct export_svg *svg, const struct export_image *export, bool is_whole)
{
	struct labels labels = {.locations = export->locations,
	                        .make = svg->options.is_full ? labels_line : labels_short_line};
	struct call_tree_source from = {.image = export->image,
	                                .consumers = export->consumers,
	                                .metric = svg->options.metric,
	                                .is_bottom_up = svg->options.is_bottom_up,
	                                .first = call_tree_program(export->image)};
	int error = from.first ? call_tree_add(&svg->tree, &labels, &from) : -ENOMEM;

	labels_free(&labels);
	svg->is_part |= !is_whole;
	if (!svg->sample)
		svg->sample = export->image->sample;
	if (svg->images < NAMED_PROGRAMS)
		svg->programs[svg->images] = from.first;
	else
		free(from.first);
	svg->images++;
	return error;
}

/* ---- words ---------------------------------------------------------------- */

static const char *title_of(const struct export_svg *svg)
{
	static const char *const titles[METRIC_COUNT] = {
		[METRIC_LEAKED] = "Leaked: bytes that were never released",
		[METRIC_PEAK] = "Peak: bytes in use at the moment when most were",
		[METRIC_ALLOCATED] = "Allocated: bytes that were asked for in all",
		[METRIC_CALLS] = "Calls: blocks that were allocated in all",
		[METRIC_TEMPORARY] = "Temporary: blocks that the thread's next event released",
	};

	return svg->options.only_lost && svg->options.metric == METRIC_LEAKED
	               ? "Lost: bytes that were never released and are not reachable"
	               : titles[svg->options.metric];
}

static void print_amount(struct amount amount, FILE *out)
{
	const char *about = amount_is_estimate(&amount) ? "~" : "";
	char text[BYTES_TEXT];

	fprintf(out, "%s%" PRIu64 " byte%s", about, amount.bytes, plural(amount.bytes));
	if (amount.bytes >= BYTES_MANY)
		fprintf(out, " (%s%s)", about, bytes_in_units(amount.bytes, text));
	fprintf(out, " in %s%" PRIu64 " block%s", about, amount.count, plural(amount.count));
}

/* The beginning of NAME, in at most ROOM columns. 0 or -ENOMEM. */
static int print_begin(const char *name, int room, FILE *out)
{
	char *text = xml_valid(name);
	size_t len, kept;

	if (!text)
		return -ENOMEM;
	len = strlen(text);
	kept = columns_head(text, len, room);
	xml_print(text, kept, out);
	fputs(kept < len ? "..." : "", out);
	free(text);
	return 0;
}

static int print_programs(const struct export_svg *svg, FILE *out)
{
	int error = 0;

	for (size_t i = 0; !error && i < svg->images && i < NAMED_PROGRAMS; i++) {
		fputs(i ? ", " : "", out);
		error = print_begin(svg->programs[i], PROGRAM_MAX_COLUMNS, out);
	}
	if (svg->images > NAMED_PROGRAMS)
		fprintf(out, " and %zu more", svg->images - NAMED_PROGRAMS);
	return error;
}

/* ---- frames --------------------------------------------------------------- */

/* The picture, or only its measure if there is no OUT. */
struct drawing {
	const struct export_svg *svg;
	FILE *out;
	double whole;       /* what the whole width stands for */
	double narrowest;   /* frames with less are summed up */
	unsigned levels;    /* as deep as the frames that are shown */
	bool has_summed_up; /* some */
	double height;
};

static double value_of(const struct drawing *drawing, struct amount amount)
{
	return (double)metric_value(drawing->svg->options.metric, amount);
}

static double left_of(const struct drawing *drawing, double value)
{
	return MARGIN + value / drawing->whole * (WIDTH - 2 * MARGIN);
}

static double top_of(const struct drawing *drawing, unsigned level)
{
	return drawing->svg->options.is_bottom_up ? HEAD + (double)level * FRAME
	                                          : drawing->height - MARGIN - (double)(level + 1) * FRAME;
}

/* A function has the same colour everywhere, whatever the line in it. All are light enough for dark text. */
static void print_color(const char *label, unsigned level, FILE *out)
{
	const char *line = strstr(label, " (");
	uint64_t hash = hash_mix(hash_bytes(label, line ? (size_t)(line - label) : strlen(label)));

	if (level == 0)
		fputs("#c3d3ea", out);
	else
		fprintf(out, "#%02x%02x%02x", 228 + (unsigned)(hash % 28), 150 + (unsigned)(hash >> 8 & 63),
		        84 + (unsigned)(hash >> 16 & 31));
}

struct frame_shape {
	const char *label;
	struct amount amount;
	double from; /* the sum of what is left of it */
	unsigned level;
	bool is_rest; /* of several functions */
};

static void print_text(const char *text, double width, double x, double y, FILE *out)
{
	int room = (int)((width - 2 * TEXT_MARGIN) / LETTER);
	size_t len = strlen(text), kept = room > 0 ? columns_head(text, len, room) : 0;
	bool is_cut = kept < len;

	if (is_cut)
		kept = room > 3 ? columns_head(text, len, room - 2) : 0;
	if (!kept)
		return;
	fprintf(out, "<text x=\"%.1f\" y=\"%.0f\">", x + TEXT_MARGIN, y + TEXT_BASE);
	xml_print(text, kept, out);
	fputs(is_cut ? "..</text>" : "</text>", out);
}

static int print_frame(const struct drawing *drawing, const struct frame_shape *shape)
{
	double value = value_of(drawing, shape->amount), x = left_of(drawing, shape->from);
	double width = left_of(drawing, shape->from + value) - x, y = top_of(drawing, shape->level);
	char *text = xml_valid(shape->label);
	FILE *out = drawing->out;
	int error;

	if (!text)
		return -ENOMEM;
	fputs("<g><title>", out);
	error = print_begin(text, NAME_MAX_COLUMNS, out);
	fputs(": ", out);
	print_amount(shape->amount, out);
	fprintf(out, ", %.2f %%</title><rect x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%d\" fill=\"",
	        100 * value / drawing->whole, x, y, width > 1.5 ? width - 0.5 : width, FRAME - 1);
	if (shape->is_rest)
		fputs("#d4d4d4", out);
	else
		print_color(shape->label, shape->level, out);
	fputs("\"/>", out);
	print_text(text, width, x, y, out);
	fputs("</g>\n", out);
	free(text);
	return error;
}

static int show(struct drawing *drawing, const struct frame_shape *shape)
{
	if (drawing->levels < shape->level + 1)
		drawing->levels = shape->level + 1;
	return drawing->out ? print_frame(drawing, shape) : 0;
}

/* The sum of COUNT narrow functions. It may be narrow itself. */
static int show_rest(struct drawing *drawing, struct frame_shape shape, uint32_t count)
{
	char label[32];

	drawing->has_summed_up = true;
	if (value_of(drawing, shape.amount) < drawing->narrowest)
		return 0;
	snprintf(label, sizeof label, "(%" PRIu32 " other%s)", count, plural(count));
	shape.label = label;
	shape.is_rest = true;
	return show(drawing, &shape);
}

/* The children of NODE, which begins at FROM. Recurses as deep as the tree, which is at most TREE_DEPTH_MAX. */
static int draw_children(struct drawing *drawing, uint32_t node, double from, unsigned level)
{
	const struct tree_node *nodes = drawing->svg->tree.nodes;
	uint32_t count = nodes[node].children, shown = 0;
	uint32_t *children = tree_children(&drawing->svg->tree, node, drawing->svg->options.metric);
	struct frame_shape shape = {.from = from, .level = level}, rest;
	int error = count && !children ? -ENOMEM : 0;

	for (; !error && shown < count; shown++) {
		const struct tree_node *child = &nodes[children[shown]];
		double value = value_of(drawing, child->amount);

		if (value < drawing->narrowest || value == 0)
			break;
		shape.label = child->label;
		shape.amount = child->amount;
		error = show(drawing, &shape);
		if (!error)
			error = draw_children(drawing, children[shown], shape.from, level + 1);
		shape.from += value;
	}
	rest = (struct frame_shape){.from = shape.from, .level = level};
	for (uint32_t i = shown; !error && i < count; i++)
		amount_add(&rest.amount, &nodes[children[i]].amount);
	if (!error && shown < count)
		error = show_rest(drawing, rest, count - shown);
	free(children);
	return error;
}

/* Several programs stand on one frame for all. */
static int draw_frames(struct drawing *drawing)
{
	const struct tree *tree = &drawing->svg->tree;
	const bool several = tree->count && tree->nodes[TREE_ROOT].children > 1;
	char label[48];
	int error = 0;

	if (!tree->count || value_of(drawing, tree->nodes[TREE_ROOT].amount) == 0)
		return 0;
	snprintf(label, sizeof label, "all %zu processes and programs", drawing->svg->images);
	if (several)
		error = show(drawing, &(struct frame_shape){.label = label, .amount = tree->nodes[TREE_ROOT].amount});
	return error ? error : draw_children(drawing, TREE_ROOT, 0, several);
}

/* ---- the whole ------------------------------------------------------------ */

/*
 * A picture has a ground of its own, so that it can be read on any page. Where the reader prefers dark pages, that is
 * dark; the frames stay, with their dark text.
 */
static const char style[] = "<style>.ground{fill:#fff}text{fill:#1a1a1a;pointer-events:none}text.words{fill:#222}"
			    "g:hover rect{stroke:#000}@media (prefers-color-scheme:dark){.ground{fill:#1d1f21}"
			    "text.words{fill:#e6e6e6}g:hover rect{stroke:#fff}}</style>\n";

static void print_words(const char *attributes, int y, FILE *out)
{
	fprintf(out, "<text class=\"words\" x=\"%d\" y=\"%d\"%s>", MARGIN, y, attributes);
}

static int print_head(const struct drawing *drawing)
{
	const struct export_svg *svg = drawing->svg;
	const struct amount none = {0}, all = svg->tree.count ? svg->tree.nodes[TREE_ROOT].amount : none;
	FILE *out = drawing->out;
	int error;

	print_words(" font-size=\"16\" font-weight=\"bold\"", 24, out);
	fprintf(out, "%s</text>\n", title_of(svg));
	print_words("", 43, out);
	error = print_programs(svg, out);
	fputs(svg->images ? ": " : "no program", out);
	if (svg->images)
		print_amount(all, out);
	if (svg->sample)
		fprintf(out, "; ~ is an estimate by a sample, one in %" PRIu64 " byte%s", svg->sample,
		        plural(svg->sample));
	fputs(svg->is_part ? "; the trace is not complete</text>\n" : "</text>\n", out);
	print_words(" font-size=\"11\"", 60, out);
	fprintf(out, "A frame is as wide as its share. %s",
	        svg->options.is_bottom_up ? "What allocated is on top, its callers below it."
	                                  : "It stands on its caller; what allocated is on top.");
	if (drawing->has_summed_up)
		fprintf(out, " Grey: functions with less than %.2g %% each.",
		        100 * drawing->narrowest / drawing->whole);
	fputs("</text>\n", out);
	return error;
}

static int print_picture(struct drawing *drawing)
{
	FILE *out = drawing->out;
	int error;

	drawing->height = HEAD + (double)drawing->levels * FRAME + MARGIN;
	fprintf(out,
	        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" height=\"%.0f\" "
	        "font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"12\">\n<title>",
	        WIDTH, drawing->height, WIDTH, drawing->height);
	error = print_programs(drawing->svg, out);
	fprintf(out, "%s%s</title>\n%s", drawing->svg->images ? ": " : "", title_of(drawing->svg), style);
	fprintf(out, "<rect class=\"ground\" width=\"%d\" height=\"%.0f\" rx=\"4\"/>\n", WIDTH, drawing->height);
	if (!error)
		error = print_head(drawing);
	if (!error)
		error = draw_frames(drawing);
	fputs("</svg>\n", out);
	return error;
}

/* Makes the picture in which frames of NARROWEST are the smallest. It is to be freed. 0 or -ENOMEM. */
static int make(const struct export_svg *svg, double whole, double narrowest, char **text, size_t *len)
{
	struct drawing drawing = {.svg = svg, .whole = whole, .narrowest = narrowest};
	int error = draw_frames(&drawing);

	drawing.out = open_memstream(text, len);
	if (!drawing.out)
		return -ENOMEM;
	if (!error)
		error = print_picture(&drawing);
	if (fclose(drawing.out) != 0 && !error)
		error = -ENOMEM;
	return error;
}

int export_svg_write(const struct export_svg *svg, FILE *out)
{
	const struct amount none = {0}, all = svg->tree.count ? svg->tree.nodes[TREE_ROOT].amount : none;
	double whole = (double)metric_value(svg->options.metric, all);
	double narrowest = NARROWEST / (WIDTH - 2 * MARGIN) * whole;
	char *text = NULL;
	size_t len = 0;
	int error;

	for (;; narrowest *= 2) {
		error = make(svg, whole, narrowest, &text, &len);
		if (error || len <= EXPORT_SVG_BYTES || narrowest > whole)
			break;
		free(text);
		text = NULL;
	}
	if (!error)
		fwrite(text, 1, len, out);
	free(text);
	return error;
}
