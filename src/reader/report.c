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

/* The group that BLOCK belongs to, new if need be; NULL without memory. */
static struct report_group *find_group(struct report *report, size_t *room, struct hash_table *table,
                                       const struct heap_block *block)
{
	uint64_t hash = hash_mix(block->stack);
	uint32_t place = hash_find(table, hash, same_group, report, block);
	struct report_group *groups;

	if (place != HASH_NONE)
		return &report->groups[place];
	groups = array_grow(report->groups, room, report->count + 1, sizeof *groups);
	if (!groups)
		return NULL;
	report->groups = groups;
	groups[report->count] = (struct report_group){.stack = block->stack, .call = block->call, .line = UINT64_MAX};
	report->backtraces += block->stack != STACK_NONE;
	if (hash_add(table, hash, (uint32_t)report->count) != 0)
		return NULL;
	return &groups[report->count++];
}

static int by_size(const void *a, const void *b)
{
	const struct report_group *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	/* Equal ones in the trace's order, so that the same trace gives the same report. */
	return (x->line > y->line) - (x->line < y->line);
}

int report_build(struct report *report, const struct heap *heap)
{
	struct hash_table table = {0};
	const struct heap_block *block;
	size_t position = 0, room = 0;

	*report = (struct report){.blocks = heap->blocks, .bytes = heap->bytes};
	while ((block = heap_next(heap, &position))) {
		struct report_group *group = find_group(report, &room, &table, block);

		if (!group) {
			hash_free(&table);
			report_free(report);
			return -ENOMEM;
		}
		group->blocks++;
		group->bytes += block->size;
		if (block->line < group->line) {
			group->line = block->line;
			group->call = block->call;
			group->address = block->address;
		}
	}
	hash_free(&table);
	if (report->count)
		qsort(report->groups, report->count, sizeof *report->groups, by_size);
	return 0;
}

void report_free(struct report *report)
{
	free(report->groups);
	*report = (struct report){0};
}
