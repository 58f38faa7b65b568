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

struct amount consumers_amount(const struct consumers *consumers, enum metric metric)
{
	switch (metric) {
	case METRIC_LEAKED:
		return (struct amount){consumers->heap.blocks, consumers->heap.bytes};
	case METRIC_PEAK:
		return consumers->peak;
	case METRIC_TEMPORARY:
		return consumers->temporary;
	default:
		return consumers->allocated;
	}
}

static unsigned class_of(uint64_t size)
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

static void add(struct amount *amount, uint64_t bytes)
{
	amount->count++;
	amount->bytes += bytes;
}

static size_t consumer_number(uint32_t stack, enum lm_call call)
{
	return stack == STACK_NONE ? (size_t)call : (size_t)LM_CALL_COUNT + stack;
}

/* Finds the consumer, or makes it. NULL if there is no memory. */
static struct consumer *find_consumer(struct consumers *consumers, uint32_t stack, enum lm_call call)
{
	size_t number = consumer_number(stack, call);
	struct consumer *list = array_grow(consumers->list, &consumers->room, number + 1, sizeof *list);

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

/* Called by the heap when BLOCK is not live any more. */
static void left(void *context, const struct heap_block *block)
{
	struct consumers *consumers = context;
	struct consumer *consumer = &consumers->list[consumer_number(block->stack, block->call)];

	before_change(consumers, consumer);
	consumer->live.count--;
	consumer->live.bytes -= block->size;
	if (block->address != consumers->momentary)
		return;
	add(&consumer->temporary, block->size);
	add(&consumers->temporary, block->size);
}

/* Called by the heap when BLOCK is live now. */
static int came(void *context, const struct heap_block *block)
{
	struct consumers *consumers = context;
	struct consumer *consumer = find_consumer(consumers, block->stack, block->call);

	if (!consumer)
		return -ENOMEM;
	before_change(consumers, consumer);
	if (!consumer->allocated.count) {
		consumer->stack = block->stack;
		consumer->call = block->call;
		consumer->line = block->line;
	}
	add(&consumer->allocated, block->size);
	add(&consumer->live, block->size);
	add(&consumers->allocated, block->size);
	add(&consumers->classes[class_of(block->size)], block->size);
	return 0;
}

/*
 * A block is temporary if the event behind the one that allocated it releases
 * it. A release that the tracker concluded says nothing about when it happened.
 */
static void note_order(struct consumers *consumers, const struct event *event)
{
	bool frees = parse_is_free(event->call);

	consumers->momentary = frees && !event->unseen ? consumers->last : 0;
	consumers->last = frees || event->failed ? 0 : event->pointer;
}

static void note_peak(struct consumers *consumers, uint64_t line, uint64_t time)
{
	const struct heap *heap = &consumers->heap;

	if (heap->bytes <= consumers->peak.bytes)
		return;
	consumers->peak = (struct amount){heap->blocks, heap->bytes};
	consumers->peaks++;
	consumers->peak_line = line;
	consumers->peak_time = time;
}

int consumers_apply(struct consumers *consumers, const struct event *event, uint32_t stack, uint64_t line,
                    uint64_t time)
{
	int error;

	consumers->heap.observer = (struct heap_observer){.came = came, .left = left, .context = consumers};
	/* An event that the tracker concluded was no call. */
	consumers->calls[event->call] += !event->unseen;
	consumers->failed[event->call] += event->failed;
	note_order(consumers, event);
	error = heap_apply(&consumers->heap, event, stack, line);
	note_peak(consumers, line, time);
	return error;
}

void consumers_free(struct consumers *consumers)
{
	heap_free(&consumers->heap);
	free(consumers->list);
	*consumers = (struct consumers){0};
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

int ranking_build(struct ranking *ranking, const struct consumers *consumers, enum metric metric)
{
	struct order order = {consumers, metric};

	*ranking = (struct ranking){.list = calloc(consumers->count + 1, sizeof(const struct consumer *))};
	if (!ranking->list)
		return -ENOMEM;
	for (size_t i = 0; i < consumers->count; i++)
		if (consumer_amount(consumers, &consumers->list[i], metric).count)
			ranking->list[ranking->count++] = &consumers->list[i];
	qsort_r(ranking->list, ranking->count, sizeof(const struct consumer *), by_amount, &order);
	return 0;
}

void ranking_free(struct ranking *ranking)
{
	free(ranking->list);
	*ranking = (struct ranking){0};
}
