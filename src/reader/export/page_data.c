/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See page_data.h. An image's data is a text in JSON and columns of numbers, compressed: the length of the JSON text;
 * the text; and for each column that the text names, its length in bytes and its numbers. The columns of cells are many
 * times as long as the others, and compressed for themselves: a page is opened without them. src/page/run.ts reads all.
 */
#include "page_data.h"
#include "array.h"
#include "hash.h"
#include "json.h"
#include "page_columns.h"
#include "page_description.h"
#include "page_lost.h"
#include "page_nodes.h"
#include "trend.h"

#include <errno.h>
#include <stdlib.h>

/* An image that is being packed. */
struct packing {
	const struct export_html_image *given;
	const struct consumers *consumers;
	const struct flow *flow;
	struct page_columns columns;
	struct page_nodes nodes;
	struct page_lost lost;
	struct hash_table row_table;
	struct row {
		size_t source; /* as heap_source() has it */
		uint64_t last; /* when its last block came: milliseconds */
	} * rows;
	size_t row_count, row_room;
	bool failed; /* there was no memory */
};

static void put(struct packing *p, int column, uint64_t number)
{
	page_columns_put(&p->columns, column, number);
}

/* As heap_source() has it. */
static size_t source_of(const struct consumer *consumer)
{
	return consumer->stack == STACK_NONE ? (size_t)consumer->call : (size_t)LM_CALL_COUNT + consumer->stack;
}

static void put_trend(struct packing *p, const struct row *row)
{
	const struct export_html_image *given = p->given;
	struct trend trend = {.kind = TREND_UNKNOWN};

	if (given->image->image->has_time)
		trend = trend_find(&given->course->history, (uint32_t)row->source, given->from, given->to);
	trend_refine(&trend, row->last);
	put(p, PAGE_ROW_TREND, trend.kind);
	put(p, PAGE_ROW_SINCE, trend.since);
	column_add_signed(&p->columns.list[PAGE_ROW_RATE],
	                  (int64_t)(trend.kind == TREND_STEADY ? trend.steady_bytes : trend.bytes_per_second));
}

/* The index of the consumer's row. */
static uint32_t add_row(struct packing *p, const struct consumer *consumer)
{
	size_t source = source_of(consumer);
	uint32_t index = hash_find_number(&p->row_table, source);
	struct row *rows;

	if (index != HASH_NONE)
		return index;
	rows = array_grow(p->rows, &p->row_room, p->row_count + 1, sizeof *rows);
	index = (uint32_t)p->row_count;
	if (!rows || hash_set_number(&p->row_table, source, index) != 0) {
		p->failed = true;
		return 0;
	}
	p->rows = rows;
	rows[p->row_count++] = (struct row){.source = source};
	put(p, PAGE_ROW_NODE, page_nodes_add_stack(&p->nodes, consumer->stack));
	put(p, PAGE_ROW_CALL, page_nodes_add_string(&p->nodes, parse_call_name(consumer->call)));
	p->failed |= p->nodes.failed;
	return index;
}

static void put_cells(struct packing *p, const struct flow_source *source, size_t number)
{
	uint32_t slice = 0;

	for (uint32_t i = 0; i < source->count; i++) {
		const struct flow_cell *cell = &source->cells[i];
		const struct flow_estimate *estimate = source->estimates ? &source->estimates[i] : NULL;

		put(p, PAGE_CELL_SLICE, cell->slice - slice);
		page_columns_put_sum(&p->columns, PAGE_CELL_CAME_COUNT, cell->came, estimate ? &estimate->came : NULL);
		page_columns_put_sum(&p->columns, PAGE_CELL_LEFT_COUNT, cell->left, estimate ? &estimate->left : NULL);
		if (!estimate)
			page_columns_put_sum(&p->columns, PAGE_CELL_TEMPORARY_COUNT, cell->temporary, NULL);
		if (p->lost.consumers)
			page_columns_put_amount(&p->columns, PAGE_CELL_LOST_COUNT,
			                        page_lost_take(&p->lost, number, cell->slice));
		slice = cell->slice;
	}
}

static void add_consumer(struct packing *p, size_t number)
{
	const struct consumer *consumer = &p->consumers->list[number];
	const struct flow_source *source = &p->flow->sources[number];
	uint64_t last = p->given->course->flows[COURSE_TIME].sources[number].last;
	uint32_t row = add_row(p, consumer);

	if (p->failed)
		return;
	if (last > p->rows[row].last)
		p->rows[row].last = last;
	put(p, PAGE_CONSUMER_ROW, row);
	put(p, PAGE_CONSUMER_THREAD, consumer->thread);
	page_columns_put_amount(&p->columns, PAGE_CONSUMER_ALLOCATED_COUNT, consumer->allocated);
	page_columns_put_amount(&p->columns, PAGE_CONSUMER_PEAK_COUNT,
	                        consumer_amount(p->consumers, consumer, METRIC_PEAK));
	page_columns_put_amount(&p->columns, PAGE_CONSUMER_LEAKED_COUNT, consumer->live);
	page_columns_put_amount(&p->columns, PAGE_CONSUMER_LOST_COUNT,
	                        p->lost.consumers ? p->lost.consumers[number] : (struct amount){0});
	if (!p->consumers->mean)
		page_columns_put_amount(&p->columns, PAGE_CONSUMER_TEMPORARY_COUNT, consumer->temporary);
	put(p, PAGE_CONSUMER_FIRST, source->first);
	put(p, PAGE_CONSUMER_LAST, source->last);
	put(p, PAGE_CONSUMER_CELLS, source->count);
	put_cells(p, source, number);
}

static void add_consumers(struct packing *p)
{
	p->failed |= page_lost_find(&p->lost, p->given->unreached, p->consumers, p->flow) != 0;
	for (size_t i = 0; i < p->consumers->count && !p->failed; i++)
		if (p->consumers->list[i].line)
			add_consumer(p, i);
	for (size_t i = 0; i < p->row_count && !p->failed; i++)
		put_trend(p, &p->rows[i]);
}

/* What was allocated of each size class, slice by slice. */
static void add_sizes(struct packing *p, const struct flow *sizes)
{
	for (size_t class = 0; class < sizes->count; class ++) {
		const struct flow_source *source = &sizes->sources[class];

		for (uint32_t i = 0; i < source->count; i++) {
			put(p, PAGE_SIZE_CLASS, class);
			put(p, PAGE_SIZE_SLICE, source->cells[i].slice);
			page_columns_put_sum(&p->columns, PAGE_SIZE_COUNT, source->cells[i].came,
			                     source->estimates ? &source->estimates[i].came : NULL);
		}
	}
}

static void add_uses(struct packing *p, const struct envelope *uses)
{
	size_t before = 0;

	for (size_t i = 0; i < envelope_steps(uses); i++) {
		const struct envelope_range *series = uses->steps[i].series, *resident = &series[ENVELOPE_RESIDENT];

		if (!series[ENVELOPE_REQUESTED].is_known)
			continue;
		put(p, PAGE_STRETCH_AT, i - before);
		put(p, PAGE_STRETCH_LEAST, series[ENVELOPE_REQUESTED].least);
		put(p, PAGE_STRETCH_MOST, series[ENVELOPE_REQUESTED].most);
		put(p, PAGE_STRETCH_ORDER, series[ENVELOPE_REQUESTED].most_came_last);
		put(p, PAGE_STRETCH_USABLE_LEAST, series[ENVELOPE_USABLE].least);
		put(p, PAGE_STRETCH_USABLE_MOST, series[ENVELOPE_USABLE].most);
		put(p, PAGE_STRETCH_RESIDENT, resident->is_known ? resident->last + 1 : 0);
		before = i;
	}
}

/* Compresses all, when the columns are made. 0 or -ENOMEM. */
static int finish(struct packing *p, struct page_data *to)
{
	json_t *object = page_description(p->given, p->nodes.strings, p->lost.states);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	int error = -ENOMEM;

	if (text && !page_columns_failed(&p->columns))
		error = page_columns_compress(&p->columns, text, 0, PAGE_CELL_COLUMNS, &to->first.bytes,
		                              &to->first.len);
	if (!error)
		error = page_columns_compress(&p->columns, NULL, PAGE_CELL_COLUMNS, PAGE_COLUMN_COUNT, &to->cells.bytes,
		                              &to->cells.len);
	if (error)
		page_data_free(to);
	json_decref(object);
	free(text);
	return error;
}

static void packing_free(struct packing *p)
{
	page_columns_free(&p->columns);
	page_nodes_free(&p->nodes);
	page_lost_free(&p->lost);
	hash_free(&p->row_table);
	free(p->rows);
}

int page_data_pack(const struct export_html_image *image, struct page_data *data)
{
	enum course_axis axis = course_axis(image->course);
	struct packing packing = {
		.given = image,
		.consumers = image->image->consumers,
		.flow = &image->course->flows[axis],
		.columns.is_sample = image->image->consumers->mean != 0,
	};
	int error;

	*data = (struct page_data){.first = {0}};
	page_nodes_begin(&packing.nodes, image->image->locations, &packing.columns);
	packing.failed = packing.nodes.failed || !image->report;
	if (!packing.failed)
		add_consumers(&packing);
	if (!packing.failed) {
		add_sizes(&packing, &image->course->sizes[axis]);
		add_uses(&packing, &image->course->uses[axis]);
	}
	error = packing.failed ? -ENOMEM : finish(&packing, data);
	packing_free(&packing);
	return error;
}

void page_data_free(struct page_data *data)
{
	free(data->first.bytes);
	free(data->cells.bytes);
	*data = (struct page_data){.first = {0}};
}
