/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See report.h. */
#include "report.h"
#include "array.h"
#include "hash.h"
#include "stacks.h"

#include <errno.h>
#include <stdlib.h>

static bool same_group(const void *owner, uint32_t place, const void *key)
{
	const struct report_group *group = &((const struct report *)owner)->groups[place];
	const struct heap_block *block = key;

	return group->stack == block->stack && (group->stack != STACK_NONE || group->call == block->call);
}

static struct report_group *new_group(struct report *report, size_t *room, const struct heap_block *block)
{
	struct report_group *groups = array_grow(report->groups, room, report->count + 1, sizeof *groups);

	if (!groups)
		return NULL;
	report->groups = groups;
	groups[report->count] = (struct report_group){.stack = block->stack, .call = block->call, .line = UINT64_MAX};
	return &groups[report->count++];
}

/* The group that BLOCK belongs to, new if need be; NULL without memory. */
static struct report_group *find_group(struct report *report, size_t *room, struct hash_table *table,
                                       const struct heap_block *block)
{
	uint64_t hash = hash_mix(block->stack);
	uint32_t place = hash_find(table, hash, same_group, report, block);

	if (place != HASH_NONE)
		return &report->groups[place];
	if (hash_add(table, hash, (uint32_t)report->count) != 0)
		return NULL;
	return new_group(report, room, block);
}

static void add_block(struct report_group *group, const struct heap_block *block)
{
	group->blocks++;
	group->bytes += block->size;
	if (block->line >= group->line)
		return;
	group->line = block->line;
	group->call = block->call;
	group->address = block->address;
}

static int by_size(const void *a, const void *b)
{
	const struct report_group *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	/* Equal ones in the trace's order, so that the same trace gives the same report. */
	return (x->line > y->line) - (x->line < y->line);
}

static void add_up(struct report_sum *sum, const struct report_group *group)
{
	sum->blocks += group->blocks;
	sum->bytes += group->bytes;
	sum->backtraces += group->stack != STACK_NONE;
}

int report_build(struct report *report, const struct heap *heap, bool by_address, uint64_t young_line)
{
	struct hash_table table = {0};
	const struct heap_block *block;
	size_t position = 0, room = 0;

	*report = (struct report){0};
	while ((block = heap_next(heap, &position))) {
		struct report_group *group;

		if (block->line >= young_line) {
			report->young.blocks++;
			report->young.bytes += block->size;
			continue;
		}
		group = by_address ? new_group(report, &room, block) : find_group(report, &room, &table, block);
		if (!group) {
			hash_free(&table);
			report_free(report);
			return -ENOMEM;
		}
		add_block(group, block);
	}
	hash_free(&table);
	for (size_t i = 0; i < report->count; i++)
		add_up(&report->all, &report->groups[i]);
	if (report->count)
		qsort(report->groups, report->count, sizeof *report->groups, by_size);
	report->shown = report->count;
	return 0;
}

int report_suppress(struct report *report, struct suppressions *suppressions, const struct resolver *resolver,
                    const struct stacks *stacks)
{
	size_t kept = 0;

	report->all = (struct report_sum){0};
	for (size_t i = 0; i < report->count; i++) {
		const struct report_group *group = &report->groups[i];
		struct suppression *match;
		int error = suppressions_find(suppressions, resolver, stacks, group->stack, &match);

		if (error)
			return error;
		if (match) {
			match->blocks += group->blocks;
			match->bytes += group->bytes;
			match->matches += group->blocks;
			match->matched_bytes += group->bytes;
			add_up(&report->suppressed, group);
		} else {
			add_up(&report->all, group);
			report->groups[kept++] = *group;
		}
	}
	report->count = report->shown = kept;
	return 0;
}

void report_limit(struct report *report, uint64_t top, uint64_t min_bytes)
{
	report->shown = 0;
	report->rest = (struct report_sum){0};
	for (size_t i = 0; i < report->count; i++) {
		if ((!top || i < top) && report->groups[i].bytes >= min_bytes)
			report->shown++;
		else
			add_up(&report->rest, &report->groups[i]);
	}
}

void report_free(struct report *report)
{
	free(report->groups);
	*report = (struct report){0};
}
