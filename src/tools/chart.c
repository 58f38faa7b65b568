/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See chart.h. What the program asked for has a panel, and so has resident memory, as
 * it is often many times as much. A panel is rows of cells; each cell is drawn by how
 * much of it lies below the least and the most of the values in its column.
 */
#include "chart.h"
#include "bytes_print.h"
#include "columns.h"
#include "plural.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	EIGHTHS = 8,
	/* The numbers of the vertical axis, and the axis. A narrow chart has none. */
	LABEL = 7,
	NARROW = 24,
	/* What the labels of the horizontal axis take, and the blanks between them. */
	TICK = 16,
	/* Lines beside the rows of cells that have one line each: heading, axis, times, peak. */
	WORDS = 4,
	/* What lines that are broken between words may leave free, and are indented by. */
	RAGGED = 12,
	/* The same of the panel for resident memory. */
	RESIDENT_WORDS = 2,
};

/* ---- characters ----------------------------------------------------------- */

enum texture { NOTHING, ALWAYS, SOMETIMES, BEYOND };

struct glyphs {
	const char *part[ENVELOPE_SERIES][EIGHTHS + 1]; /* of a cell, by eighths */
	const char *sometimes[ENVELOPE_SERIES];
	const char *beyond; /* usable bytes that were not requested */
	const char *corner, *line, *tick, *side, *notch, *peak;
};

static const struct glyphs blocks = {
	.part = {[ENVELOPE_REQUESTED] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
                 [ENVELOPE_RESIDENT] = {" ", "⣀", "⣀", "⣤", "⣤", "⣶", "⣶", "⣿", "⣿"}},
	.sometimes = {[ENVELOPE_REQUESTED] = "▒", [ENVELOPE_RESIDENT] = "⢕"},
	.beyond = "░",
	.corner = "└",
	.line = "─",
	.tick = "┴",
	.side = "│",
	.notch = "┤",
	.peak = "▲",
};

static const struct glyphs ascii = {
	.part = {[ENVELOPE_REQUESTED] = {" ", "_", "_", "_", "#", "#", "#", "#", "#"},
                 [ENVELOPE_RESIDENT] = {" ", "_", "_", "_", "*", "*", "*", "*", "*"}},
	.sometimes = {[ENVELOPE_REQUESTED] = "+", [ENVELOPE_RESIDENT] = "="},
	.beyond = ".",
	.corner = "+",
	.line = "-",
	.tick = "+",
	.side = "|",
	.notch = "+",
	.peak = "^",
};

struct chart {
	const struct picture *picture;
	const struct chart_style *style;
	const struct glyphs *glyphs;
	struct envelope_step *columns;
	int count; /* of the columns */
	int label; /* what the vertical axis takes in front of them */
	FILE *out;
};

/* Text of a series, in its colour. */
static void begin_color(const struct chart *chart, enum envelope_series series)
{
	static const char *const colors[ENVELOPE_SERIES] = {"\033[32m", "\033[36m", "\033[35m"};

	if (chart->style->has_color)
		fputs(colors[series], chart->out);
}

static void end_color(const struct chart *chart)
{
	if (chart->style->has_color)
		fputs("\033[0m", chart->out);
}

/* ---- a panel -------------------------------------------------------------- */

/* The scale of a panel, whose lowest row is 0. */
struct panel {
	enum envelope_series series;
	int rows; /* even, so that the middle is between two */
	uint64_t top;
};

/* BYTES in eighths of a cell. What is not nothing is seen. */
static int level_of(const struct panel *panel, uint64_t bytes)
{
	int level = (int)((double)bytes / (double)panel->top * panel->rows * EIGHTHS + 0.5);

	return level || !bytes ? level : 1;
}

/* What of a column is below what: eighths of a cell. */
struct levels {
	int always, sometimes, beyond;
};

static struct levels levels_of(const struct chart *chart, const struct panel *panel, int column)
{
	const struct envelope_range *series = chart->columns[column].series;
	const struct envelope_range *own = &series[panel->series], *usable = &series[ENVELOPE_USABLE];
	struct levels levels = {0};

	if (!own->is_known)
		return levels;
	levels.always = level_of(panel, own->least);
	levels.sometimes = levels.beyond = level_of(panel, own->most);
	/* Values that differ by less than a cell are shown as one. */
	if (levels.sometimes - levels.always < EIGHTHS)
		levels.always = levels.sometimes;
	if (panel->series == ENVELOPE_REQUESTED && usable->is_known && usable->most > own->most)
		levels.beyond = level_of(panel, usable->most);
	return levels;
}

/* What the cell of ROW shows. EIGHTHS are those that are always in use, if that is what it shows. */
static enum texture texture_of(struct levels levels, int row, int *eighths)
{
	int base = row * EIGHTHS, half = base + EIGHTHS / 2;

	*eighths = EIGHTHS;
	if (levels.always >= base + EIGHTHS)
		return ALWAYS;
	if (levels.sometimes > base && levels.sometimes == levels.always) {
		*eighths = levels.sometimes - base;
		return ALWAYS;
	}
	if (levels.sometimes >= half)
		return levels.always >= half ? ALWAYS : SOMETIMES;
	return levels.beyond >= half ? BEYOND : NOTHING;
}

static void print_cell(const struct chart *chart, const struct panel *panel, enum texture texture, int eighths)
{
	const struct glyphs *glyphs = chart->glyphs;

	if (texture == NOTHING)
		putc(' ', chart->out);
	else if (texture == BEYOND)
		fputs(glyphs->beyond, chart->out);
	else if (texture == SOMETIMES)
		fputs(glyphs->sometimes[panel->series], chart->out);
	else
		fputs(glyphs->part[panel->series][eighths], chart->out);
}

/* The colour of a texture; ENVELOPE_SERIES: none. */
static enum envelope_series series_of(const struct panel *panel, enum texture texture)
{
	return texture == NOTHING ? ENVELOPE_SERIES : texture == BEYOND ? ENVELOPE_USABLE : panel->series;
}

/* The axis in front of a row. BYTES: the label, or NULL. */
static void print_side(const struct chart *chart, const uint64_t *bytes, const char *side)
{
	char text[BYTES_TEXT];

	if (chart->label)
		fprintf(chart->out, "%*s", chart->label - 1, bytes ? bytes_short(*bytes, text) : "");
	fputs(chart->label ? side : "", chart->out);
}

static void print_row(const struct chart *chart, const struct panel *panel, int row)
{
	enum envelope_series shown = ENVELOPE_SERIES;
	uint64_t half = panel->top / 2;
	int end = chart->count, eighths;

	while (end && texture_of(levels_of(chart, panel, end - 1), row, &eighths) == NOTHING)
		end--;
	if (row == panel->rows - 1)
		print_side(chart, &panel->top, chart->glyphs->notch);
	else if (row == panel->rows / 2 - 1 && panel->rows > 2)
		print_side(chart, &half, chart->glyphs->notch);
	else
		print_side(chart, NULL, chart->glyphs->side);
	for (int column = 0; column < end; column++) {
		enum texture texture = texture_of(levels_of(chart, panel, column), row, &eighths);
		enum envelope_series series = series_of(panel, texture);

		if (series != shown && shown != ENVELOPE_SERIES)
			end_color(chart);
		if (series != shown && series != ENVELOPE_SERIES)
			begin_color(chart, series);
		shown = series;
		print_cell(chart, panel, texture, eighths);
	}
	if (shown != ENVELOPE_SERIES)
		end_color(chart);
	putc('\n', chart->out);
}

/* The number of parts that the horizontal axis is divided into. */
static int parts_of(const struct chart *chart)
{
	int parts = chart->count / TICK;

	return parts >= 4 ? 4 : parts >= 2 ? 2 : 1;
}

static void print_axis(const struct chart *chart)
{
	const uint64_t zero = 0;
	int parts = parts_of(chart);

	print_side(chart, &zero, chart->glyphs->corner);
	for (int column = 0, part = 0; column < chart->count; column++) {
		bool is_tick = part <= parts && column == part * (chart->count - 1) / parts;

		part += is_tick;
		fputs(is_tick ? chart->glyphs->tick : chart->glyphs->line, chart->out);
	}
	putc('\n', chart->out);
}

static void print_panel(const struct chart *chart, const struct panel *panel)
{
	for (int row = panel->rows - 1; row >= 0; row--)
		print_row(chart, panel, row);
	print_axis(chart);
}

static const struct envelope_peak *peak_of(const struct chart *chart, enum envelope_series series)
{
	return &picture_envelope(chart->picture)->peaks[series];
}

static void print_key(const struct chart *chart, enum envelope_series series, const char *glyph, const char *text)
{
	begin_color(chart, series);
	fputs(glyph, chart->out);
	end_color(chart);
	fprintf(chart->out, " %s", text);
}

static void print_requested(const struct chart *chart, int rows)
{
	const struct glyphs *glyphs = chart->glyphs;
	uint64_t requested = peak_of(chart, ENVELOPE_REQUESTED)->bytes, usable = peak_of(chart, ENVELOPE_USABLE)->bytes;
	const struct panel panel = {ENVELOPE_REQUESTED, rows, picture_scale(usable > requested ? usable : requested)};

	print_key(chart, ENVELOPE_REQUESTED, glyphs->part[ENVELOPE_REQUESTED][EIGHTHS],
	          chart->picture->is_estimated ? "~requested bytes  " : "requested bytes  ");
	print_key(chart, ENVELOPE_REQUESTED, glyphs->sometimes[ENVELOPE_REQUESTED], "at times");
	if (peak_of(chart, ENVELOPE_USABLE)->is_known) {
		fputs("  ", chart->out);
		print_key(chart, ENVELOPE_USABLE, glyphs->beyond, "usable");
	}
	putc('\n', chart->out);
	print_panel(chart, &panel);
}

static void print_resident(const struct chart *chart, int rows)
{
	const struct glyphs *glyphs = chart->glyphs;
	const struct panel panel = {ENVELOPE_RESIDENT, rows, picture_scale(peak_of(chart, ENVELOPE_RESIDENT)->bytes)};

	print_key(chart, ENVELOPE_RESIDENT, glyphs->part[ENVELOPE_RESIDENT][EIGHTHS], "resident bytes  ");
	print_key(chart, ENVELOPE_RESIDENT, glyphs->sometimes[ENVELOPE_RESIDENT], "at times\n");
	print_panel(chart, &panel);
}

/* ---- below the panels ----------------------------------------------------- */

/* A line of the chart that is filled in any order. Text that is not ASCII is in one place at most. */
struct below {
	char *cells; /* one for each column */
	int count;
};

/* Puts TEXT so that its middle is at COLUMN, if there is room. */
static void put_below(struct below *line, int column, const char *text)
{
	int len = (int)strlen(text), from = column - len / 2;

	if (from + len > line->count)
		from = line->count - len;
	if (from < 0)
		from = 0;
	if (from + len <= line->count)
		memcpy(line->cells + from, text, (size_t)len);
}

/* In front is what the vertical axis takes. */
static int begin_below(const struct chart *chart, struct below *line)
{
	line->count = chart->label + chart->count;
	line->cells = malloc((size_t)line->count + 1);
	if (!line->cells)
		return -ENOMEM;
	memset(line->cells, ' ', (size_t)line->count);
	line->cells[line->count] = '\0';
	return 0;
}

static void end_below(const struct chart *chart, struct below *line)
{
	size_t len = (size_t)line->count;

	while (len && line->cells[len - 1] == ' ')
		len--;
	fprintf(chart->out, "%.*s\n", (int)len, line->cells);
	free(line->cells);
}

static int print_ticks(const struct chart *chart)
{
	const struct envelope *envelope = picture_envelope(chart->picture);
	char text[PICTURE_POSITION];
	int parts = parts_of(chart), error;
	struct below line;

	error = begin_below(chart, &line);
	if (error)
		return error;
	for (int part = 0; part <= parts; part++) {
		int column = part * (chart->count - 1) / parts;
		uint64_t at = part == parts ? envelope->to
		                            : envelope_position_of(envelope, (size_t)chart->count, (size_t)column);

		/* Two labels have no room. */
		if (part == 0 && chart->count < TICK + TICK / 2)
			continue;
		put_below(&line, chart->label + column, picture_position(chart->picture, at, text));
	}
	end_below(chart, &line);
	return 0;
}

static int column_of(const struct chart *chart, uint64_t at)
{
	return (int)envelope_column_of(picture_envelope(chart->picture), (size_t)chart->count, at);
}

static void print_peak_mark(const struct chart *chart)
{
	const int column = column_of(chart, peak_of(chart, ENVELOPE_REQUESTED)->at);
	const char *glyph = chart->glyphs->peak, word[] = "peak";
	const int room = (int)sizeof word;

	if (column + 1 + room <= chart->count)
		fprintf(chart->out, "%*s%s %s\n", chart->label + column, "", glyph, word);
	else if (chart->label + column >= room)
		fprintf(chart->out, "%*s%s %s\n", chart->label + column - room, "", word, glyph);
	else
		fprintf(chart->out, "%*s%s\n", chart->label + column, "", glyph);
}

/* Marks are called a, b, c; of several in one column, the first is seen. */
static int print_mark_letters(const struct chart *chart)
{
	const struct picture *picture = chart->picture;
	struct below line;
	int error;

	if (!picture->mark_count)
		return 0;
	error = begin_below(chart, &line);
	if (error)
		return error;
	for (size_t i = picture->mark_count; i-- > 0;)
		line.cells[chart->label + column_of(chart, picture_mark_at(picture, i))] = (char)('a' + i);
	end_below(chart, &line);
	return 0;
}

static void print_marks(const struct chart *chart)
{
	const struct picture *picture = chart->picture;
	char text[PICTURE_POSITION];

	if (!picture->mark_count)
		return;
	fputs("marks:", chart->out);
	for (size_t i = 0; i < picture->mark_count; i++)
		fprintf(chart->out, "%s %c %s (%s)", i ? "," : "", (char)('a' + i), picture->marks[i].name,
		        picture_position(picture, picture_mark_at(picture, i), text));
	if (picture->more_marks)
		fprintf(chart->out, " and %" PRIu64 " more", picture->more_marks);
	putc('\n', chart->out);
}

static void print_peaks(const struct chart *chart)
{
	char text[PICTURE_POSITION], units[BYTES_TEXT];
	const char *about;

	fputs("peak:", chart->out);
	for (int s = 0; s < ENVELOPE_SERIES; s++) {
		const struct envelope_peak *peak = peak_of(chart, (enum envelope_series)s);

		if (!peak->is_known)
			continue;
		about = picture_about(chart->picture, (enum envelope_series)s);
		fprintf(chart->out, "%s %s %s%" PRIu64 " byte%s", s ? ";" : "", picture_series((enum envelope_series)s),
		        about, peak->bytes, plural(peak->bytes));
		if (peak->bytes >= BYTES_MANY)
			fprintf(chart->out, " (%s%s)", about, bytes_in_units(peak->bytes, units));
		fprintf(chart->out, " at %s", picture_position(chart->picture, peak->at, text));
	}
	putc('\n', chart->out);
}

/* ---- the whole ------------------------------------------------------------ */

/* How many lines TEXT takes, which is no longer than that. */
static int lines_of(const struct chart *chart, const char *text)
{
	int width = chart->style->width, len = columns_of(text, strlen(text));
	int rest = width > 2 * RAGGED ? width - RAGGED : width / 2;

	if (!len)
		return 0;
	return len <= width ? 1 : 1 + (len - width + rest - 1) / rest;
}

/* What PRINT prints; to be freed. NULL without memory. */
static char *text_of(const struct chart *chart, void (*print)(const struct chart *chart))
{
	struct chart copy = *chart;
	char *text = NULL;
	size_t len;

	copy.out = open_memstream(&text, &len);
	if (!copy.out)
		return NULL;
	print(&copy);
	if (fclose(copy.out) == 0)
		return text;
	free(text);
	return NULL;
}

/* Divides the lines that the words leave between the panels. */
static void print_panels(const struct chart *chart, int words)
{
	const bool has_resident = peak_of(chart, ENVELOPE_RESIDENT)->is_known;
	int rows = chart->style->height - WORDS - words;
	int resident = 0;

	if (has_resident) {
		rows -= RESIDENT_WORDS;
		resident = rows / 3 > 2 ? rows / 3 & ~1 : 2;
	}
	rows = rows - resident > 2 ? (rows - resident) & ~1 : 2;
	print_requested(chart, rows);
	if (has_resident)
		print_resident(chart, resident);
}

static int print_all(struct chart *chart, const char *marks, const char *peaks)
{
	const struct picture *picture = chart->picture;
	int error;

	envelope_columns(picture_envelope(picture), (size_t)chart->count, chart->columns);
	print_panels(chart, lines_of(chart, picture->title) + (picture->mark_count ? 1 : 0) + lines_of(chart, marks) +
	                            lines_of(chart, peaks));
	error = print_ticks(chart);
	print_peak_mark(chart);
	if (!error)
		error = print_mark_letters(chart);
	fprintf(chart->out, "%s%s", marks, peaks);
	return error;
}

int chart_print(const struct picture *picture, const struct chart_style *style, FILE *out)
{
	struct chart chart = {.picture = picture,
	                      .style = style,
	                      .glyphs = style->is_utf8 ? &blocks : &ascii,
	                      .label = style->width < NARROW ? 0 : LABEL,
	                      .out = out};
	char *marks, *peaks;
	int error = -ENOMEM;

	fprintf(out, "%s\n", picture->title);
	if (!picture->events) {
		fputs("no events\n", out);
		return 0;
	}
	chart.count = style->width - chart.label;
	chart.columns = calloc((size_t)chart.count, sizeof *chart.columns);
	marks = text_of(&chart, print_marks);
	peaks = text_of(&chart, print_peaks);
	if (chart.columns && marks && peaks)
		error = print_all(&chart, marks, peaks);
	free(chart.columns);
	free(marks);
	free(peaks);
	return error;
}
