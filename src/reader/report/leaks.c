/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See leaks.h. */
#include "leaks.h"
#include "array.h"
#include "hash.h"
#include "stacks.h"

#include <errno.h>
#include <stdlib.h>

static bool is_inside(const struct heap_block *block)
{
	return block->busy && block->stack == STACK_NONE;
}

static bool same_group(const void *owner, uint32_t place, const void *key)
{
	const struct leaks_group *group = &((const struct leaks *)owner)->groups[place];
	const struct heap_block *block = key;

	return group->stack == block->stack && group->inside == is_inside(block) &&
	       (group->stack != STACK_NONE || group->call == block->call);
}

static struct leaks_group *new_group(struct leaks *leaks, size_t *room, const struct heap_block *block)
{
	struct leaks_group *groups = array_grow(leaks->groups, room, leaks->count + 1, sizeof *groups);

	if (!groups)
		return NULL;
	leaks->groups = groups;
	groups[leaks->count] = (struct leaks_group){
		.stack = block->stack, .inside = is_inside(block), .call = block->call, .line = UINT64_MAX};
	return &groups[leaks->count++];
}

/* Finds the group of BLOCK, or makes it. NULL if there is no memory. */
static struct leaks_group *find_group(struct leaks *leaks, size_t *room, struct hash_table *table,
                                      const struct heap_block *block)
{
	uint64_t hash = hash_mix(block->stack);
	uint32_t place = hash_find(table, hash, same_group, leaks, block);

	if (place != HASH_NONE)
		return &leaks->groups[place];
	if (hash_add(table, hash, (uint32_t)leaks->count) != 0)
		return NULL;
	return new_group(leaks, room, block);
}

static void add_block(struct leaks_group *group, const struct heap_block *block)
{
	group->shared |= group->blocks && group->thread != block->thread;
	if (!group->blocks)
		group->thread = block->thread;
	group->blocks++;
	group->bytes += block->size;
	if (block->line > group->last_line)
		group->last_line = block->line;
	if (block->line >= group->line)
		return;
	group->line = block->line;
	group->call = block->call;
	group->address = block->address;
}

static void add_up(struct leaks_sum *sum, const struct leaks_group *group)
{
	sum->blocks += group->blocks;
	sum->bytes += group->bytes;
	sum->backtraces += group->stack != STACK_NONE;
}

static void leave_out(struct leaks_sum *sum, const struct heap_block *block)
{
	sum->blocks++;
	sum->bytes += block->size;
}

int leaks_build(struct leaks *leaks, const struct heap *heap, bool by_address, uint64_t first_line, uint64_t young_line)
{
	struct hash_table table = {0};
	const struct heap_block *block;
	size_t position = 0, room = 0;

	*leaks = (struct leaks){0};
	while ((block = heap_next(heap, &position))) {
		struct leaks_group *group;

		if (block->line < first_line || block->line >= young_line) {
			leave_out(block->line < first_line ? &leaks->earlier : &leaks->young, block);
			continue;
		}
		group = by_address ? new_group(leaks, &room, block) : find_group(leaks, &room, &table, block);
		if (!group) {
			hash_free(&table);
			leaks_free(leaks);
			return -ENOMEM;
		}
		add_block(group, block);
	}
	hash_free(&table);
	for (size_t i = 0; i < leaks->count; i++)
		add_up(&leaks->all, &leaks->groups[i]);
	leaks_sort(leaks, LEAKS_BY_BYTES, 0);
	leaks->shown = leaks->count;
	return 0;
}

/* ---- order -------------------------------------------------------------------- */

struct order {
	enum leaks_order order;
	uint64_t min_bytes;
};

static int largest_first(double x, double y)
{
	return (x < y) - (x > y);
}

static int by_bytes(const struct leaks_group *x, const struct leaks_group *y)
{
	return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

/* Both grow steadily, or neither. */
static int by_trend(const struct leaks_group *x, const struct leaks_group *y)
{
	if (x->trend.kind != TREND_STEADY)
		return by_bytes(x, y);
	return largest_first(x->trend.steady_bytes, y->trend.steady_bytes);
}

static int compare(const struct leaks_group *x, const struct leaks_group *y, enum leaks_order order)
{
	bool steady = x->trend.kind == TREND_STEADY;

	switch (order) {
	case LEAKS_BY_TREND:
		return steady != (y->trend.kind == TREND_STEADY) ? (steady ? -1 : 1) : by_trend(x, y);
	case LEAKS_BY_GROWTH:
		return largest_first(x->trend.bytes_per_second, y->trend.bytes_per_second);
	case LEAKS_BY_BLOCKS:
		return (x->blocks < y->blocks) - (x->blocks > y->blocks);
	case LEAKS_BY_AGE:
		return 0;
	default:
		return by_bytes(x, y);
	}
}

static int in_order(const void *a, const void *b, void *context)
{
	const struct leaks_group *x = a, *y = b;
	const struct order *order = context;
	bool small = x->bytes < order->min_bytes;
	int result;

	if (small != (y->bytes < order->min_bytes))
		return small ? 1 : -1;
	result = compare(x, y, order->order);
	/* Equal groups are in the order of the trace, so that each run gives the same report. */
	return result ? result : (x->line > y->line) - (x->line < y->line);
}

void leaks_sort(struct leaks *leaks, enum leaks_order order, uint64_t min_bytes)
{
	struct order context = {order, min_bytes};

	if (leaks->count)
		qsort_r(leaks->groups, leaks->count, sizeof *leaks->groups, in_order, &context);
}

void leaks_find_trends(struct leaks *leaks, const struct history *history, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < leaks->count; i++) {
		struct leaks_group *group = &leaks->groups[i];
		struct heap_block block = {.stack = group->stack, .call = group->call};

		/* What the tracker's own code allocated has no backtrace to tell it from other blocks. */
		if (!group->inside)
			group->trend = trend_find(history, (uint32_t)heap_source(&block), from, to);
	}
}

/* ---- what is left out --------------------------------------------------------- */

int leaks_suppress(struct leaks *leaks, struct suppressions *suppressions, const struct resolver *resolver,
                   const struct stacks *stacks)
{
	size_t kept = 0;

	leaks->all = (struct leaks_sum){0};
	for (size_t i = 0; i < leaks->count; i++) {
		const struct leaks_group *group = &leaks->groups[i];
		struct suppression *match = group->inside ? suppressions_find_inside(suppressions) : NULL;
		int error = match ? 0 : suppressions_find(suppressions, resolver, stacks, group->stack, &match);

		if (error)
			return error;
		if (match) {
			match->blocks += group->blocks;
			match->bytes += group->bytes;
			match->matches += group->blocks;
			match->matched_bytes += group->bytes;
			add_up(&leaks->suppressed, group);
		} else {
			add_up(&leaks->all, group);
			leaks->groups[kept++] = *group;
		}
	}
	leaks->count = leaks->shown = kept;
	return 0;
}

void leaks_limit(struct leaks *leaks, uint64_t top, uint64_t min_bytes)
{
	leaks->shown = 0;
	leaks->rest = (struct leaks_sum){0};
	for (size_t i = 0; i < leaks->count; i++) {
		if ((!top || i < top) && leaks->groups[i].bytes >= min_bytes)
			leaks->shown++;
		else
			add_up(&leaks->rest, &leaks->groups[i]);
	}
}

void leaks_free(struct leaks *leaks)
{
	free(leaks->groups);
	*leaks = (struct leaks){0};
}
