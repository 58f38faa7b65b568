/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See consumers.h. What was live at the peak is found in one pass, without copying
 * everything at each new peak. A consumer saves its live blocks before they change for
 * the first time after a new peak. A consumer that did not change since then has the
 * same live blocks now as at the peak.
 */
#include "consumers.h"
#include "array.h"
#include "stacks.h"
#include "threads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	bool blocks;
} metrics[METRIC_COUNT] = {
	[METRIC_LEAKED] = {"leaked", false},       [METRIC_PEAK] = {"peak", false},
	[METRIC_ALLOCATED] = {"allocated", false}, [METRIC_CALLS] = {"calls", true},
	[METRIC_TEMPORARY] = {"temporary", true},
};

enum metric metric_find(const char *name)
{
	int metric = 0;

	while (metric < METRIC_COUNT && strcmp(metrics[metric].name, name) != 0)
		metric++;
	return (enum metric)metric;
}

const char *metric_name(enum metric metric)
{
	return metrics[metric].name;
}

bool metric_counts_blocks(enum metric metric)
{
	return metrics[metric].blocks;
}

uint64_t metric_value(enum metric metric, struct amount amount)
{
	return metrics[metric].blocks ? amount.count : amount.bytes;
}

struct amount consumer_amount(const struct consumers *consumers, const struct consumer *consumer, enum metric metric)
{
	switch (metric) {
	case METRIC_LEAKED:
		return consumer->live;
	case METRIC_PEAK:
		return consumer->peak == consumers->peaks ? consumer->held : consumer->live;
	case METRIC_TEMPORARY:
		return consumer->temporary;
	default:
		return consumer->allocated;
	}
}

struct amount thread_use_amount(const struct consumers *consumers, const struct thread_use *use, enum metric metric)
{
	switch (metric) {
	case METRIC_LEAKED:
		return use->live;
	case METRIC_PEAK:
		return use->peak == consumers->peaks ? use->held : use->live;
	case METRIC_TEMPORARY:
		return use->temporary;
	default:
		return use->allocated;
	}
}

struct amount consumers_amount(const struct consumers *consumers, enum metric metric)
{
	switch (metric) {
	case METRIC_LEAKED:
		return consumers->live;
	case METRIC_PEAK:
		return consumers->peak;
	case METRIC_TEMPORARY:
		return consumers->temporary;
	default:
		return consumers->allocated;
	}
}

unsigned consumers_class_of(uint64_t size)
{
	return size <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(size - 1);
}

uint64_t consumers_class_from(unsigned class)
{
	return class ? consumers_class_to(class - 1) + 1 : 0;
}

uint64_t consumers_class_to(unsigned class)
{
	return class < 64 ? UINT64_C(1) << class : UINT64_MAX;
}

size_t consumers_number(const struct consumers *consumers, const struct heap_block *block)
{
	size_t number = heap_source(block);

	if (!consumers->by_thread)
		return number;
	return hash_find_number(&consumers->places, (uint64_t)block->thread << 40 | number);
}

/* Gives a consumer that is new a place behind the last one. 0 or -ENOMEM. */
static int give_place(struct consumers *consumers, const struct heap_block *block, size_t *number)
{
	*number = consumers->count;
	return hash_set_number(&consumers->places, (uint64_t)block->thread << 40 | heap_source(block),
	                       (uint32_t)*number);
}

/* Finds the consumer that has BLOCK, or makes it. NULL if there is no memory. */
static struct consumer *find_consumer(struct consumers *consumers, const struct heap_block *block)
{
	size_t number = consumers_number(consumers, block);
	struct consumer *list;

	if (number == HASH_NONE && consumers->by_thread && give_place(consumers, block, &number) != 0)
		return NULL;
	list = array_grow(consumers->list, &consumers->room, number + 1, sizeof *list);
	if (!list)
		return NULL;
	consumers->list = list;
	for (; consumers->count <= number; consumers->count++)
		list[consumers->count] = (struct consumer){.peak = consumers->peaks};
	return &list[number];
}

static void before_change(const struct consumers *consumers, struct consumer *consumer)
{
	if (consumer->peak == consumers->peaks)
		return;
	consumer->held = consumer->live;
	consumer->peak = consumers->peaks;
}

/* The thread that allocated BLOCK, before its live blocks change. */
static struct thread_use *before_threads_change(const struct consumers *consumers, const struct heap_block *block)
{
	struct thread_use *use = &consumers->threads.list[block->thread];

	if (use->peak != consumers->peaks)
		use->held = use->live;
	use->peak = consumers->peaks;
	return use;
}

/* The thread of the present event releases BLOCK of another thread. */
static void note_others(struct consumers *consumers, const struct heap_block *block, const struct amount *one)
{
	if (block->thread != THREADS_OTHER && consumers->by != THREADS_OTHER)
		amount_add(&consumers->threads.list[consumers->by].others, one);
}

/* The present event, of a sampled block, stands for as many calls as the block for blocks. */
static void count_call(struct consumers *consumers, const struct amount *one)
{
	amount_add(&consumers->calls[consumers->call], one);
	amount_add(&consumers->threads.list[consumers->by].calls, one);
}

bool consumers_is_temporary(const struct consumers *consumers, const struct heap_block *block)
{
	return block->address == consumers->released && block->thread == consumers->by && consumers->momentary;
}

static void tell_left(const struct heap_observer *observer, const struct heap_block *block)
{
	if (observer->left)
		observer->left(observer->context, block);
}

/* Called by the heap when BLOCK is not live any more. */
static void left(void *context, const struct heap_block *block)
{
	struct consumers *consumers = context;
	struct consumer *consumer = &consumers->list[consumers_number(consumers, block)];
	struct thread_use *use = before_threads_change(consumers, block);
	const struct amount one = amount_of(block->size, consumers->mean);

	before_change(consumers, consumer);
	amount_remove(&consumers->live, &one);
	amount_remove(&consumer->live, &one);
	amount_remove(&use->live, &one);
	tell_left(&consumers->observer, block);
	if (block->address != consumers->released)
		return;
	if (consumers->mean && parse_is_free(consumers->call))
		count_call(consumers, &one);
	if (block->thread != consumers->by)
		note_others(consumers, block, &one);
	if (consumers_is_temporary(consumers, block)) {
		amount_add(&consumer->temporary, &one);
		amount_add(&consumers->temporary, &one);
		amount_add(&use->temporary, &one);
	}
}

/* A block that was live when the trace's file began was not allocated there. */
static void count_allocation(struct consumers *consumers, struct consumer *consumer, const struct heap_block *block,
                             const struct amount *one)
{
	if (consumers->mean)
		count_call(consumers, one);
	amount_add(&consumer->allocated, one);
	amount_add(&consumers->threads.list[block->thread].allocated, one);
	amount_add(&consumers->allocated, one);
	amount_add(&consumers->classes[consumers_class_of(block->size)], one);
}

/* Called by the heap when BLOCK is live now. */
static int came(void *context, const struct heap_block *block)
{
	struct consumers *consumers = context;
	struct consumer *consumer = find_consumer(consumers, block);
	struct thread_use *use = before_threads_change(consumers, block);
	const struct amount one = amount_of(block->size, consumers->mean);

	if (!consumer)
		return -ENOMEM;
	before_change(consumers, consumer);
	if (!consumer->line) {
		consumer->stack = block->stack;
		consumer->call = block->call;
		consumer->line = block->line;
		consumer->thread = block->thread;
	}
	consumer->shared |= consumer->thread != block->thread;
	amount_add(&consumers->live, &one);
	amount_add(&consumer->live, &one);
	amount_add(&use->live, &one);
	if (consumers->is_live)
		amount_add(&consumers->at_start, &one);
	else
		count_allocation(consumers, consumer, block, &one);
	return consumers->observer.came ? consumers->observer.came(consumers->observer.context, block) : 0;
}

/*
 * A block is temporary if its thread's next event releases it. A release that the
 * tracker concluded says nothing about when it happened, and no thread made it.
 */
static int note_order(struct consumers *consumers, const struct event *event)
{
	bool frees = parse_is_free(event->call);
	struct thread_use *use = thread_uses_get(&consumers->threads, event->by);

	if (!use)
		return -ENOMEM;
	/* An event that the tracker concluded was no call. What samples stand for is known where their blocks are. */
	if (!consumers->mean) {
		use->calls.count += !event->unseen;
		consumers->calls[event->call].count += !event->unseen;
	}
	consumers->call = event->call;
	consumers->by = event->by;
	consumers->released = event->unseen ? 0 : frees ? event->pointer : event->old;
	/* Of samples, it is not known what came between them. */
	consumers->momentary = frees && use->last == event->pointer && !consumers->mean;
	use->last = frees || event->failed ? 0 : event->pointer;
	return 0;
}

static void note_peak(struct consumers *consumers, uint64_t line, uint64_t time)
{
	if (consumers->live.bytes <= consumers->peak.bytes)
		return;
	consumers->peak = consumers->live;
	consumers->peaks++;
	consumers->peak_line = line;
	consumers->peak_time = time;
}

int consumers_apply(struct consumers *consumers, const struct trace_image *image, const struct trace_item *item)
{
	const struct event *event = &item->event;
	int error;

	consumers->mean = image->sample;
	consumers->is_live = event->is_live;
	consumers->heap.observer = (struct heap_observer){.came = came, .left = left, .context = consumers};
	consumers->failed[event->call] += event->failed;
	error = note_order(consumers, event);
	if (!error)
		error = heap_apply(&consumers->heap, event, item->stack, item->line);
	note_peak(consumers, item->line, image->time);
	return error;
}

/* The addresses of blocks that IS_DROPPED is true of, with a 0 behind them. NULL if there is no memory. */
static uint64_t *find_dropped(const struct heap *heap, bool (*is_dropped)(void *, const struct heap_block *),
                              void *context)
{
	uint64_t *dropped = calloc(heap->blocks + 1, sizeof *dropped);
	const struct heap_block *block;
	size_t position = 0, count = 0;

	while (dropped && (block = heap_next(heap, &position)))
		if (is_dropped(context, block))
			dropped[count++] = block->address;
	return dropped;
}

int consumers_drop(struct consumers *consumers, bool (*is_dropped)(void *, const struct heap_block *), void *context)
{
	uint64_t *dropped = find_dropped(&consumers->heap, is_dropped, context);
	int error = 0;

	if (!dropped)
		return -ENOMEM;
	/* No thread releases them. */
	consumers->released = 0;
	for (size_t i = 0; !error && dropped[i]; i++)
		error = heap_apply(&consumers->heap, &(struct event){.call = LM_CALL_FREE, .pointer = dropped[i]},
		                   STACK_NONE, 0);
	free(dropped);
	return error;
}

static bool is_kept(void *context, const struct heap_block *block)
{
	const struct unreached *const *unreached = context;

	return !reach_is_lost(unreached_judge(*unreached, block->address, block->line));
}

int consumers_keep_lost(struct consumers *consumers, const struct unreached *unreached)
{
	return unreached->known ? consumers_drop(consumers, is_kept, &unreached) : 0;
}

uint64_t consumers_extra(const struct consumers *consumers, const struct event *event)
{
	/* What the usable bytes of samples stand for is not known. */
	if (consumers->mean)
		return 0;
	if (event->without_totals)
		return consumers->heap.slack > 0 ? (uint64_t)consumers->heap.slack : 0;
	return event->usable > event->used ? (uint64_t)event->usable - (uint64_t)event->used : 0;
}

void consumers_free(struct consumers *consumers)
{
	const struct heap_observer observer = consumers->observer;
	bool by_thread = consumers->by_thread;

	heap_free(&consumers->heap);
	free(consumers->list);
	hash_free(&consumers->places);
	thread_uses_free(&consumers->threads);
	*consumers = (struct consumers){.by_thread = by_thread, .observer = observer};
}

struct order {
	const struct consumers *consumers;
	enum metric metric;
};

/* Orders by the metric's number, then by both numbers, then by the line in the trace. */
static int by_amount(const void *a, const void *b, void *context)
{
	const struct consumer *x = *(const struct consumer *const *)a, *y = *(const struct consumer *const *)b;
	const struct order *order = context;
	struct amount first = consumer_amount(order->consumers, x, order->metric);
	struct amount second = consumer_amount(order->consumers, y, order->metric);
	uint64_t left = metric_value(order->metric, first), right = metric_value(order->metric, second);

	if (left != right)
		return left < right ? 1 : -1;
	if (first.count != second.count || first.bytes != second.bytes)
		return first.count + first.bytes < second.count + second.bytes ? 1 : -1;
	return (x->line > y->line) - (x->line < y->line);
}

/* Has CONSUMER blocks for METRIC? METRIC_COUNT: for any. */
static bool has_blocks(const struct consumers *consumers, const struct consumer *consumer, enum metric metric)
{
	return metric == METRIC_COUNT ? consumer->line != 0 : consumer_amount(consumers, consumer, metric).count != 0;
}

/* Those with blocks for WANTED, the largest of METRIC first. */
static int build(struct ranking *ranking, const struct consumers *consumers, enum metric metric, enum metric wanted)
{
	struct order order = {consumers, metric};

	*ranking = (struct ranking){.list = calloc(consumers->count + 1, sizeof(const struct consumer *))};
	if (!ranking->list)
		return -ENOMEM;
	for (size_t i = 0; i < consumers->count; i++)
		if (has_blocks(consumers, &consumers->list[i], wanted))
			ranking->list[ranking->count++] = &consumers->list[i];
	qsort_r(ranking->list, ranking->count, sizeof(const struct consumer *), by_amount, &order);
	return 0;
}

int ranking_build(struct ranking *ranking, const struct consumers *consumers, enum metric metric)
{
	return build(ranking, consumers, metric, metric);
}

int ranking_build_all(struct ranking *ranking, const struct consumers *consumers, enum metric metric)
{
	return build(ranking, consumers, metric, METRIC_COUNT);
}

void ranking_free(struct ranking *ranking)
{
	free(ranking->list);
	*ranking = (struct ranking){0};
}

/* Orders by the metric's number, then by calls, then as the threads came. */
static int by_use(const void *a, const void *b, void *context)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct order *order = context;
	const struct thread_use *first = &order->consumers->threads.list[x],
				*second = &order->consumers->threads.list[y];
	uint64_t left = metric_value(order->metric, thread_use_amount(order->consumers, first, order->metric));
	uint64_t right = metric_value(order->metric, thread_use_amount(order->consumers, second, order->metric));

	if (left != right)
		return left < right ? 1 : -1;
	if (first->calls.count != second->calls.count)
		return first->calls.count < second->calls.count ? 1 : -1;
	return (x > y) - (x < y);
}

int thread_ranking_build(struct thread_ranking *ranking, const struct consumers *consumers, enum metric metric)
{
	struct order order = {consumers, metric};

	*ranking = (struct thread_ranking){.list = calloc(consumers->threads.count + 1, sizeof *ranking->list)};
	if (!ranking->list)
		return -ENOMEM;
	for (uint32_t place = 0; place < consumers->threads.count; place++)
		if (consumers->threads.list[place].calls.count || consumers->threads.list[place].live.count)
			ranking->list[ranking->count++] = place;
	qsort_r(ranking->list, ranking->count, sizeof *ranking->list, by_use, &order);
	return 0;
}

void thread_ranking_free(struct thread_ranking *ranking)
{
	free(ranking->list);
	*ranking = (struct thread_ranking){0};
}
