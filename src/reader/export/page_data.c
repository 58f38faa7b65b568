/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See page_data.h. An image's data is a text in JSON and columns of numbers, compressed: the length of the JSON text;
 * the text; and for each column that the text names, its length in bytes and its numbers. The columns of cells are many
 * times as long as the others, and compressed for themselves: a page is opened without them. src/page/run.ts reads all.
 */
#include "page_data.h"
#include "amount_json.h"
#include "array.h"
#include "column.h"
#include "hash.h"
#include "json.h"
#include "trend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * The columns. A reference to a string, a place or a node is its index plus one; 0 is none. A "place" is a function
 * with file and line. A "node" is a place and the node of its caller, which stands in front of it. A "row" is a
 * backtrace, or a function whose blocks have none. A "cell" is what a consumer did in a slice of the run; those of a
 * consumer stand together. A "stretch" is a step of the envelope of what was in use. An amount has two columns; of a
 * sample, it has five, of numbers with digits behind the point.
 */
#define AMOUNT_COLUMNS(X, number, name)                                                                                \
	X(number##_COUNT, name ".count")                                                                               \
	X(number##_BYTES, name ".bytes")                                                                               \
	X(number##_SAMPLES, name ".samples")                                                                           \
	X(number##_COUNT_VARIANCE, name ".count_variance")                                                             \
	X(number##_BYTES_VARIANCE, name ".bytes_variance")
#define COLUMNS(X)                                                                                                     \
	X(PLACE_NAME, "place.name")                                                                                    \
	X(PLACE_FILE, "place.file")                                                                                    \
	X(PLACE_LINE, "place.line")                                                                                    \
	X(PLACE_MODULE, "place.module")                                                                                \
	X(PLACE_FLAGS, "place.flags")                                                                                  \
	X(NODE_CALLER, "node.caller")                                                                                  \
	X(NODE_PLACE, "node.place")                                                                                    \
	X(ROW_NODE, "row.node")                                                                                        \
	X(ROW_CALL, "row.call")                                                                                        \
	X(ROW_TREND, "row.trend")                                                                                      \
	X(ROW_SINCE, "row.since")                                                                                      \
	X(ROW_RATE, "row.rate")                                                                                        \
	X(CONSUMER_ROW, "consumer.row")                                                                                \
	X(CONSUMER_THREAD, "consumer.thread")                                                                          \
	AMOUNT_COLUMNS(X, CONSUMER_ALLOCATED, "consumer.allocated")                                                    \
	AMOUNT_COLUMNS(X, CONSUMER_PEAK, "consumer.peak")                                                              \
	AMOUNT_COLUMNS(X, CONSUMER_LEAKED, "consumer.leaked")                                                          \
	AMOUNT_COLUMNS(X, CONSUMER_LOST, "consumer.lost")                                                              \
	AMOUNT_COLUMNS(X, CONSUMER_TEMPORARY, "consumer.temporary")                                                    \
	X(CONSUMER_FIRST, "consumer.first")                                                                            \
	X(CONSUMER_LAST, "consumer.last")                                                                              \
	X(CONSUMER_CELLS, "consumer.cells")                                                                            \
	X(SIZE_CLASS, "size.class")                                                                                    \
	X(SIZE_SLICE, "size.slice")                                                                                    \
	AMOUNT_COLUMNS(X, SIZE, "size")                                                                                \
	X(STRETCH_AT, "stretch.at")                                                                                    \
	X(STRETCH_LEAST, "stretch.least")                                                                              \
	X(STRETCH_MOST, "stretch.most")                                                                                \
	X(STRETCH_ORDER, "stretch.order")                                                                              \
	X(STRETCH_USABLE_LEAST, "stretch.usable_least")                                                                \
	X(STRETCH_USABLE_MOST, "stretch.usable_most")                                                                  \
	X(STRETCH_RESIDENT, "stretch.resident")                                                                        \
	X(CELL_SLICE, "cell.slice")                                                                                    \
	AMOUNT_COLUMNS(X, CELL_CAME, "cell.came")                                                                      \
	AMOUNT_COLUMNS(X, CELL_LEFT, "cell.left")                                                                      \
	AMOUNT_COLUMNS(X, CELL_TEMPORARY, "cell.temporary")                                                            \
	AMOUNT_COLUMNS(X, CELL_LOST, "cell.lost")

#define COLUMN_NUMBER(number, name) number,
#define COLUMN_NAME(number, name)   name,
enum { COLUMNS(COLUMN_NUMBER) COLUMN_COUNT, CELL_COLUMNS = CELL_SLICE };
static const char *const column_names[COLUMN_COUNT] = {COLUMNS(COLUMN_NAME)};

enum place_flags { PLACE_INLINED = 1, PLACE_GUESSED = 2, PLACE_NAMELESS = 4 };

struct place {
	uint64_t name, file, module, flags;
	int line;
};

/* An image that is being packed. */
struct packing {
	const struct export_html_image *given;
	const struct consumers *consumers;
	const struct flow *flow;
	struct locations *locations;
	struct column columns[COLUMN_COUNT];
	json_t *strings;
	struct hash_table string_table, place_table, node_table, row_table;
	struct place *places;
	size_t place_count, place_room;
	struct frame_places {
		uint32_t *list; /* innermost first; NULL: not made yet */
		size_t count;
	} * frames; /* by frame number */
	struct pool pool;
	uint32_t nodes;
	struct row {
		size_t source; /* as heap_source() has it */
		uint64_t last; /* when its last block came: milliseconds */
	} * rows;
	size_t row_count, row_room;
	struct amount *lost; /* by consumer; NULL if nobody looked */
	struct lost_cell {
		size_t consumer;
		uint32_t slice;
		struct amount amount;
	} * lost_cells; /* by consumer and slice */
	size_t lost_count, lost_room;
	size_t lost_next; /* the first one that is not put yet */
	struct amount states[REACH_KINDS + 1];
	bool failed; /* there was no memory */
};

static void put(struct packing *p, int column, uint64_t number)
{
	column_add(&p->columns[column], number);
}

/* ---- strings, places, nodes ----------------------------------------------- */

static bool same_string(const void *owner, uint32_t place, const void *key)
{
	return json_equal(json_array_get(owner, place), key);
}

/* A reference to the string TEXT; 0 for NULL. */
static uint64_t add_string(struct packing *p, const char *text)
{
	json_t *name;
	uint64_t hash;
	uint32_t place;

	if (!text)
		return 0;
	name = json_name(text, strlen(text));
	hash = hash_bytes(text, strlen(text));
	place = name ? hash_find(&p->string_table, hash, same_string, p->strings, name) : HASH_NONE;
	if (place != HASH_NONE) {
		json_decref(name);
		return (uint64_t)place + 1;
	}
	place = (uint32_t)json_array_size(p->strings);
	p->failed |= json_array_append_new(p->strings, name) != 0 || hash_add(&p->string_table, hash, place) != 0;
	return (uint64_t)place + 1;
}

static bool same_place(const void *owner, uint32_t place, const void *key)
{
	const struct place *x = &((const struct packing *)owner)->places[place], *y = key;

	return x->name == y->name && x->file == y->file && x->module == y->module && x->flags == y->flags &&
	       x->line == y->line;
}

/* Gives PLACE an index, or finds that of an equal one. */
static uint32_t add_place(struct packing *p, const struct place *place)
{
	uint64_t hash = hash_mix(
		place->name ^
		hash_mix(place->file ^ hash_mix(place->module ^ hash_mix((uint64_t)place->line ^ place->flags << 32))));
	uint32_t index = hash_find(&p->place_table, hash, same_place, p, place);
	struct place *places;

	if (index != HASH_NONE)
		return index;
	places = array_grow(p->places, &p->place_room, p->place_count + 1, sizeof *places);
	index = (uint32_t)p->place_count;
	if (!places || hash_add(&p->place_table, hash, index) != 0) {
		p->failed = true;
		return 0;
	}
	p->places = places;
	places[p->place_count++] = *place;
	put(p, PLACE_NAME, place->name);
	put(p, PLACE_FILE, place->file);
	put(p, PLACE_LINE, (uint64_t)place->line);
	put(p, PLACE_MODULE, place->module);
	put(p, PLACE_FLAGS, place->flags);
	return index;
}

static struct place make_place(struct packing *p, const struct location *location, const struct symbols_place *from)
{
	char *name = location_name(location, from);
	struct place place = {
		.name = add_string(p, name),
		.file = add_string(p, from->file),
		.line = from->line > 0 ? from->line : 0,
		.module = add_string(p, location->module),
		.flags = (from->inlined ? PLACE_INLINED : 0U) | (location->guessed ? PLACE_GUESSED : 0U) |
	                 (from->function ? 0U : PLACE_NAMELESS),
	};

	p->failed |= !name;
	free(name);
	return place;
}

/* A reference to the node of a place that is called by the node CALLER. */
static uint32_t add_node(struct packing *p, uint32_t caller, uint32_t place)
{
	uint64_t key = (uint64_t)caller << 32 | place;
	uint32_t node = hash_find_number(&p->node_table, key);

	if (node != HASH_NONE)
		return node;
	node = ++p->nodes;
	p->failed |= hash_set_number(&p->node_table, key, node) != 0;
	put(p, NODE_CALLER, caller ? node - caller : 0);
	put(p, NODE_PLACE, place);
	return node;
}

/* The places of a frame, which are made once. NULL if there is no memory. */
static const struct frame_places *find_places(struct packing *p, uint32_t frame)
{
	struct frame_places *places = &p->frames[frame];
	const struct location *location = places->list ? NULL : locations_get(p->locations, frame);

	if (places->list)
		return places;
	if (location)
		places->list = pool_alloc(&p->pool, location->places.count * sizeof(uint32_t));
	if (!places->list)
		return NULL;
	for (; places->count < location->places.count; places->count++) {
		struct place place = make_place(p, location, &location->places.places[places->count]);

		places->list[places->count] = add_place(p, &place);
	}
	return places;
}

/* A reference to the node of STACK's innermost function; 0 if it has no frame. */
static uint32_t add_stack(struct packing *p, uint32_t number)
{
	struct stack stack = stacks_get(p->locations->stacks, number);
	uint32_t node = 0;

	for (size_t i = stack.depth; i-- > 0 && !p->failed;) {
		const struct frame_places *places = find_places(p, stack.frames[i]);

		p->failed |= !places;
		for (size_t j = places ? places->count : 0; j-- > 0;)
			node = add_node(p, node, places->list[j]);
	}
	return node;
}

/* ---- rows, consumers, cells ----------------------------------------------- */

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
	put(p, ROW_TREND, trend.kind);
	put(p, ROW_SINCE, trend.since);
	column_add_signed(&p->columns[ROW_RATE],
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
	put(p, ROW_NODE, add_stack(p, consumer->stack));
	put(p, ROW_CALL, add_string(p, parse_call_name(consumer->call)));
	return index;
}

static void put_double(struct packing *p, int column, double number)
{
	column_add_double(&p->columns[column], number);
}

/* Puts AMOUNT into the columns that begin with COLUMN. */
static void put_amount(struct packing *p, int column, struct amount amount)
{
	if (!p->consumers->mean) {
		put(p, column, amount.count);
		put(p, column + 1, amount.bytes);
		return;
	}
	put_double(p, column, amount_exact_count(&amount));
	put_double(p, column + 1, amount_exact_bytes(&amount));
	put_double(p, column + 2, (double)amount.samples);
	put_double(p, column + 3, amount.count_variance);
	put_double(p, column + 4, amount.bytes_variance);
}

/* Puts SUM; ESTIMATE is the same of a sample, or NULL. */
static void put_sum(struct packing *p, int column, struct flow_sum sum, const struct amount *estimate)
{
	put_amount(p, column, estimate ? *estimate : (struct amount){.count = sum.count, .bytes = sum.bytes});
}

/* What was lost of what the consumer NUMBER allocated in SLICE. */
static void put_lost(struct packing *p, size_t number, uint32_t slice)
{
	struct amount lost = {0};

	for (; p->lost_next < p->lost_count; p->lost_next++) {
		const struct lost_cell *cell = &p->lost_cells[p->lost_next];

		if (cell->consumer != number || cell->slice != slice)
			break;
		amount_add(&lost, &cell->amount);
	}
	put_amount(p, CELL_LOST_COUNT, lost);
}

static void put_cells(struct packing *p, const struct flow_source *source, size_t number)
{
	uint32_t slice = 0;

	for (uint32_t i = 0; i < source->count; i++) {
		const struct flow_cell *cell = &source->cells[i];
		const struct flow_estimate *estimate = source->estimates ? &source->estimates[i] : NULL;

		put(p, CELL_SLICE, cell->slice - slice);
		put_sum(p, CELL_CAME_COUNT, cell->came, estimate ? &estimate->came : NULL);
		put_sum(p, CELL_LEFT_COUNT, cell->left, estimate ? &estimate->left : NULL);
		if (!estimate)
			put_sum(p, CELL_TEMPORARY_COUNT, cell->temporary, NULL);
		if (p->lost)
			put_lost(p, number, cell->slice);
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
	put(p, CONSUMER_ROW, row);
	put(p, CONSUMER_THREAD, consumer->thread);
	put_amount(p, CONSUMER_ALLOCATED_COUNT, consumer->allocated);
	put_amount(p, CONSUMER_PEAK_COUNT, consumer_amount(p->consumers, consumer, METRIC_PEAK));
	put_amount(p, CONSUMER_LEAKED_COUNT, consumer->live);
	put_amount(p, CONSUMER_LOST_COUNT, p->lost ? p->lost[number] : (struct amount){0});
	if (!p->consumers->mean)
		put_amount(p, CONSUMER_TEMPORARY_COUNT, consumer->temporary);
	put(p, CONSUMER_FIRST, source->first);
	put(p, CONSUMER_LAST, source->last);
	put(p, CONSUMER_CELLS, source->count);
	put_cells(p, source, number);
}

static void add_lost(struct packing *p, const struct heap_block *block, const struct amount *one)
{
	size_t consumer = consumers_number(p->consumers, block);
	struct lost_cell *cells = array_grow(p->lost_cells, &p->lost_room, p->lost_count + 1, sizeof *cells);

	p->failed |= !cells;
	if (!cells)
		return;
	p->lost_cells = cells;
	cells[p->lost_count++] = (struct lost_cell){consumer, flow_slice_of(p->flow, block->line), *one};
	amount_add(&p->lost[consumer], one);
}

static int compare_lost(const void *a, const void *b)
{
	const struct lost_cell *x = a, *y = b;

	if (x->consumer != y->consumer)
		return x->consumer < y->consumer ? -1 : 1;
	return (x->slice > y->slice) - (x->slice < y->slice);
}

/* Adds up by consumer the blocks that are lost: definitely, indirectly or possibly. */
static void find_lost(struct packing *p)
{
	const struct unreached *unreached = p->given->unreached;
	const struct heap_block *block;
	size_t position = 0;

	if (!unreached->known)
		return;
	p->lost = calloc(p->consumers->count + 1, sizeof *p->lost);
	p->failed |= !p->lost;
	while (p->lost && (block = heap_next(&p->consumers->heap, &position))) {
		enum reach reach = unreached_judge(unreached, block->address, block->line);
		const struct amount one = amount_of(block->size, p->consumers->mean);

		amount_add(&p->states[reach], &one);
		if (reach_is_lost(reach))
			add_lost(p, block, &one);
	}
	if (p->lost_count)
		qsort(p->lost_cells, p->lost_count, sizeof *p->lost_cells, compare_lost);
}

static void add_consumers(struct packing *p)
{
	find_lost(p);
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
			put(p, SIZE_CLASS, class);
			put(p, SIZE_SLICE, source->cells[i].slice);
			put_sum(p, SIZE_COUNT, source->cells[i].came,
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
		put(p, STRETCH_AT, i - before);
		put(p, STRETCH_LEAST, series[ENVELOPE_REQUESTED].least);
		put(p, STRETCH_MOST, series[ENVELOPE_REQUESTED].most);
		put(p, STRETCH_ORDER, series[ENVELOPE_REQUESTED].most_came_last);
		put(p, STRETCH_USABLE_LEAST, series[ENVELOPE_USABLE].least);
		put(p, STRETCH_USABLE_MOST, series[ENVELOPE_USABLE].most);
		put(p, STRETCH_RESIDENT, resident->is_known ? resident->last + 1 : 0);
		before = i;
	}
}

/* ---- what is told in JSON ------------------------------------------------- */

static json_t *column_list(size_t from, size_t to)
{
	json_t *list = json_array();

	for (size_t i = from; list && i < to; i++)
		json_array_append_new(list, json_string(column_names[i]));
	return list;
}

/* What to call each thread, by its place. */
static json_t *thread_names(const struct threads *threads)
{
	json_t *list = json_array();
	char room[THREADS_NAME];

	for (uint32_t i = 0; list && i < (threads->count ? threads->count : 1); i++) {
		const char *label = threads_label(threads, i, room);

		json_array_append_new(list, json_name(label, strlen(label)));
	}
	return list;
}

static json_t *mark_list(const struct course *course, enum course_axis axis)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < course->mark_count; i++) {
		const struct course_mark *mark = &course->marks[i];

		json_array_append_new(list, json_pack("{s:o,s:o}", "at", json_number(mark->at[axis]), "name",
		                                      json_name(mark->name, mark->len)));
	}
	return list;
}

static json_t *known(bool is_known, uint64_t number)
{
	return is_known ? json_number(number) : json_null();
}

/* What somebody found who looked what is reachable. */
static json_t *looked_at(const struct packing *p)
{
	const struct unreached *unreached = p->given->unreached;
	json_t *object;

	if (!unreached->known)
		return json_null();
	object = json_pack("{s:o,s:b}", "time", json_number(unreached->at), "partial", unreached->is_partial);
	for (enum reach reach = 0; object && reach <= REACH_UNKNOWN; reach++)
		json_object_set_new(object, reach == REACH_UNKNOWN ? "later" : reach_name(reach),
		                    amount_json(p->states[reach]));
	return object;
}

static json_t *description(struct packing *p, enum course_axis axis)
{
	const struct export_html_image *given = p->given;
	const struct trace_image *image = given->image->image;
	const struct course *course = given->course;
	const struct envelope *uses = &course->uses[axis];
	const struct envelope_peak *resident = &uses->peaks[ENVELOPE_RESIDENT];
	json_t *columns = column_list(0, CELL_COLUMNS), *object;

	object = json_pack("{s:O,s:O,s:o,s:o,s:o,s:s?,s:s,s:o}", "report", given->report, "strings", p->strings,
	                   "columns", columns, "trace", json_name(given->trace, strlen(given->trace)), "number",
	                   json_number(given->number), "metric",
	                   given->chooses_metric ? NULL : metric_name(given->image->metric), "axis",
	                   axis == COURSE_TIME ? "time" : "events", "threads", thread_names(&image->threads));
	if (!object)
		return NULL;
	json_object_update_new(object,
	                       json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "marks", mark_list(course, axis), "slice",
	                                 json_number(p->flow->interval), "stretch", json_number(uses->width), "from",
	                                 json_number(axis == COURSE_TIME ? given->from : 0), "end",
	                                 json_number(axis == COURSE_TIME ? given->to : course->now[axis]), "peak",
	                                 known(p->consumers->peaks, course->peak[axis]), "duration",
	                                 known(image->has_time, given->to - given->from), "began",
	                                 known(image->has_clock, image->clock)));
	json_object_update_new(object, json_pack("{s:o,s:o,s:o,s:o,s:o,s:b,s:b}", "events", json_number(image->events),
	                                         "marks_left_out", json_number(course->marks_left_out), "size_slice",
	                                         json_number(course->sizes[axis].interval), "looked", looked_at(p),
	                                         "resident", known(resident->is_known, resident->bytes), "chip",
	                                         image->is_embedded, "table", image->is_table));
	json_object_update_new(object, json_pack("{s:o,s:o,s:o}", "stretch_from", json_number(uses->from),
	                                         "cell_columns", column_list(CELL_COLUMNS, COLUMN_COUNT), "sample",
	                                         known(image->sample, image->sample)));
	return object;
}

/* ---- packing -------------------------------------------------------------- */

static void add_number(struct deflated *deflated, uint64_t number)
{
	struct column column = {0};

	column_add(&column, number);
	deflated_add(deflated, column.bytes, column.len);
	column_free(&column);
}

static void add_packed(struct deflated *deflated, const void *bytes, size_t len)
{
	add_number(deflated, len);
	deflated_add(deflated, bytes, len);
}

/* TEXT, if it is not NULL, and the columns from FROM to below TO. 0 or -ENOMEM. */
static int compress(const struct packing *p, const char *text, size_t from, size_t to, struct page_part *part)
{
	struct deflated *deflated = deflated_create();

	if (!deflated)
		return -ENOMEM;
	if (text)
		add_packed(deflated, text, strlen(text));
	for (size_t i = from; i < to; i++) {
		add_number(deflated, p->columns[i].count);
		add_packed(deflated, p->columns[i].bytes, p->columns[i].len);
	}
	return deflated_finish(deflated, &part->bytes, &part->len);
}

/* The same, when all columns are made. */
static int finish(struct packing *p, enum course_axis axis, struct page_data *to)
{
	json_t *object = description(p, axis);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	int error = -ENOMEM;

	for (size_t i = 0; i < COLUMN_COUNT; i++)
		p->failed |= p->columns[i].failed;
	if (text && !p->failed)
		error = compress(p, text, 0, CELL_COLUMNS, &to->first);
	if (!error)
		error = compress(p, NULL, CELL_COLUMNS, COLUMN_COUNT, &to->cells);
	if (error)
		page_data_free(to);
	json_decref(object);
	free(text);
	return error;
}

static void packing_free(struct packing *p)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		column_free(&p->columns[i]);
	hash_free(&p->string_table);
	hash_free(&p->place_table);
	hash_free(&p->node_table);
	hash_free(&p->row_table);
	free(p->places);
	free(p->rows);
	free(p->frames);
	pool_free(&p->pool);
	free(p->lost);
	free(p->lost_cells);
	json_decref(p->strings);
}

int page_data_pack(const struct export_html_image *image, struct page_data *data)
{
	enum course_axis axis = course_axis(image->course);
	struct packing packing = {
		.given = image,
		.consumers = image->image->consumers,
		.flow = &image->course->flows[axis],
		.locations = image->image->locations,
		.strings = json_array(),
		.frames = calloc(image->image->image->stacks.frame_count + 1, sizeof(struct frame_places)),
	};
	int error;

	*data = (struct page_data){.first = {0}};
	packing.failed = !packing.strings || !packing.frames || !image->report;
	if (!packing.failed)
		add_consumers(&packing);
	if (!packing.failed) {
		add_sizes(&packing, &image->course->sizes[axis]);
		add_uses(&packing, &image->course->uses[axis]);
	}
	error = packing.failed ? -ENOMEM : finish(&packing, axis, data);
	packing_free(&packing);
	return error;
}

void page_data_free(struct page_data *data)
{
	free(data->first.bytes);
	free(data->cells.bytes);
	*data = (struct page_data){.first = {0}};
}
