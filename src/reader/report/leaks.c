/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See leaks.h. */
#include "leaks.h"
#include "array.h"
#include "hash.h"
#include "stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_inside(const struct heap_block *block)
{
	return block->busy && block->stack == STACK_NONE;
}

/* A block and its state. */
struct judged {
	const struct heap_block *block;
	enum reach reach;
};

static bool same_group(const void *owner, uint32_t place, const void *key)
{
	const struct leaks_group *group = &((const struct leaks *)owner)->groups[place];
	const struct judged *judged = key;
	const struct heap_block *block = judged->block;

	return group->stack == block->stack && group->reach == judged->reach && group->inside == is_inside(block) &&
	       (group->stack != STACK_NONE || group->call == block->call);
}

static struct leaks_group *new_group(struct leaks *leaks, size_t *room, const struct judged *judged)
{
	const struct heap_block *block = judged->block;
	struct leaks_group *groups = array_grow(leaks->groups, room, leaks->count + 1, sizeof *groups);

	if (!groups)
		return NULL;
	leaks->groups = groups;
	groups[leaks->count] = (struct leaks_group){.stack = block->stack,
	                                            .reach = judged->reach,
	                                            .inside = is_inside(block),
	                                            .call = block->call,
	                                            .line = UINT64_MAX};
	return &groups[leaks->count++];
}

/* Finds the group of a block, or makes it. NULL if there is no memory. */
static struct leaks_group *find_group(struct leaks *leaks, size_t *room, struct hash_table *table,
                                      const struct judged *judged)
{
	uint64_t hash = hash_mix(judged->block->stack | (uint64_t)judged->reach << 32);
	uint32_t place = hash_find(table, hash, same_group, leaks, judged);

	if (place != HASH_NONE)
		return &leaks->groups[place];
	if (hash_add(table, hash, (uint32_t)leaks->count) != 0)
		return NULL;
	return new_group(leaks, room, judged);
}

static void add_block(struct leaks_group *group, const struct heap_block *block, const struct amount *one)
{
	group->shared |= group->held.count && group->thread != block->thread;
	if (!group->held.count)
		group->thread = block->thread;
	amount_add(&group->held, one);
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
	amount_add(&sum->held, &group->held);
	sum->backtraces += group->stack != STACK_NONE;
}

/* The sum that BLOCK belongs to if it is in no group; NULL if it is to be in one. */
static struct leaks_sum *find_sum(struct leaks *leaks, const struct leaks_scope *scope, const struct judged *judged)
{
	uint64_t line = judged->block->line;

	if (line < scope->first_line)
		return &leaks->earlier;
	if (line >= scope->young_line)
		return &leaks->young;
	return scope->unreached->known && judged->reach == REACH_UNKNOWN ? &leaks->later : NULL;
}

static void sum_up(struct leaks *leaks)
{
	leaks->all = (struct leaks_sum){0};
	memset(leaks->by_reach, 0, sizeof leaks->by_reach);
	for (size_t i = 0; i < leaks->count; i++) {
		const struct leaks_group *group = &leaks->groups[i];

		if (reach_is_leak(group->reach))
			add_up(&leaks->all, group);
		if (group->reach != REACH_UNKNOWN)
			add_up(&leaks->by_reach[group->reach], group);
	}
}

int leaks_build(struct leaks *leaks, const struct heap *heap, const struct leaks_scope *scope)
{
	struct hash_table table = {0};
	const struct heap_block *block;
	size_t position = 0, room = 0;

	*leaks = (struct leaks){0};
	while ((block = heap_next(heap, &position))) {
		struct judged judged = {block, unreached_judge(scope->unreached, block->address, block->line)};
		const struct amount one = amount_of(block->size, scope->mean);
		struct leaks_sum *sum = find_sum(leaks, scope, &judged);
		struct leaks_group *group;

		if (sum) {
			amount_add(&sum->held, &one);
			continue;
		}
		group = scope->by_address ? new_group(leaks, &room, &judged)
		                          : find_group(leaks, &room, &table, &judged);
		if (!group) {
			hash_free(&table);
			leaks_free(leaks);
			return -ENOMEM;
		}
		add_block(group, block, &one);
	}
	hash_free(&table);
	sum_up(leaks);
	leaks_sort(leaks, &(struct leaks_view){.order = LEAKS_BY_BYTES, .kinds = LEAKS_ALL_KINDS});
	leaks->shown = leaks->count;
	return 0;
}

/* ---- order -------------------------------------------------------------------- */

static int largest_first(double x, double y)
{
	return (x < y) - (x > y);
}

static int by_bytes(const struct leaks_group *x, const struct leaks_group *y)
{
	return (x->held.bytes < y->held.bytes) - (x->held.bytes > y->held.bytes);
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
		return (x->held.count < y->held.count) - (x->held.count > y->held.count);
	case LEAKS_BY_AGE:
		return 0;
	default:
		return by_bytes(x, y);
	}
}

static bool is_of_kind(const struct leaks_view *view, const struct leaks_group *group)
{
	return group->reach == REACH_UNKNOWN || view->kinds >> group->reach & 1;
}

static bool is_wanted(const struct leaks_view *view, const struct leaks_group *group)
{
	return is_of_kind(view, group) && group->held.bytes >= view->min_bytes;
}

/* What is only lost with others stands behind what has to be looked at. */
static int rank(const struct leaks_group *group)
{
	static const int ranks[REACH_KINDS + 1] = {
		[REACH_LOST] = 0, [REACH_POSSIBLE] = 1, [REACH_INDIRECT] = 2, [REACH_REACHABLE] = 3};

	return ranks[group->reach];
}

static int in_order(const void *a, const void *b, void *context)
{
	const struct leaks_group *x = a, *y = b;
	const struct leaks_view *view = context;
	bool wanted = is_wanted(view, x);
	int result;

	if (wanted != is_wanted(view, y))
		return wanted ? -1 : 1;
	if (x->reach != y->reach)
		return rank(x) - rank(y);
	result = compare(x, y, view->order);
	/* Equal groups are in the order of the trace, so that each run gives the same report. */
	return result ? result : (x->line > y->line) - (x->line < y->line);
}

void leaks_sort(struct leaks *leaks, const struct leaks_view *view)
{
	struct leaks_view context = *view;

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

	for (size_t i = 0; i < leaks->count; i++) {
		const struct leaks_group *group = &leaks->groups[i];
		struct suppression *match = group->inside ? suppressions_find_inside(suppressions) : NULL;
		int error = match ? 0 : suppressions_find(suppressions, resolver, stacks, group->stack, &match);

		if (error)
			return error;
		if (match) {
			amount_add(&match->held, &group->held);
			amount_add(&match->matched, &group->held);
			add_up(&leaks->suppressed, group);
		} else {
			leaks->groups[kept++] = *group;
		}
	}
	leaks->count = leaks->shown = kept;
	sum_up(leaks);
	return 0;
}

void leaks_limit(struct leaks *leaks, const struct leaks_view *view)
{
	leaks->shown = leaks->rest_groups = 0;
	leaks->rest = (struct leaks_sum){0};
	for (size_t i = 0; i < leaks->count; i++) {
		const struct leaks_group *group = &leaks->groups[i];

		if ((!view->top || i < view->top) && is_wanted(view, group)) {
			leaks->shown++;
		} else if (is_of_kind(view, group)) {
			add_up(&leaks->rest, group);
			leaks->rest_groups++;
		}
	}
}

void leaks_free(struct leaks *leaks)
{
	free(leaks->groups);
	*leaks = (struct leaks){0};
}
