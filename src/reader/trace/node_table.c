/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See node_table.h. */
#include "node_table.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>

/* Longer paths are cut, as backtraces of text are. */
enum { PATH_MAX_FRAMES = 1024 };

/* A place in the table or in the stacks, plus one; 0 if there is none. */
struct node {
	uint32_t caller;
	uint32_t frame;
	uint32_t stack; /* plus one; 0 until it was put together */
};

int node_table_set_frame(struct node_table *table, uint64_t number, uint32_t frame)
{
	return numbers_set(&table->frame_numbers, number, frame);
}

/* The node as the table has it. */
static struct node look_up(const struct node_table *table, const struct record_node *node, struct node_lack *lack)
{
	uint32_t frame = numbers_find(&table->frame_numbers, node->frame), caller = NUMBERS_NONE;

	if (node->caller)
		caller = numbers_find(&table->node_numbers, node->caller);
	if (frame == NUMBERS_NONE)
		*lack = (struct node_lack){"frame", node->frame};
	else if (node->caller && caller == NUMBERS_NONE)
		*lack = (struct node_lack){"node", node->caller};
	return (struct node){.caller = caller + 1, .frame = frame + 1};
}

int node_table_add(struct node_table *table, const struct record_node *node, struct node_lack *lack)
{
	uint32_t place = numbers_find(&table->node_numbers, node->number);
	struct node added, *nodes;

	*lack = (struct node_lack){NULL, 0};
	added = look_up(table, node, lack);
	/* The same node can stand in a trace several times. */
	if (place != NUMBERS_NONE && table->nodes[place].caller == added.caller &&
	    table->nodes[place].frame == added.frame)
		return 0;
	if (table->count >= NUMBERS_NONE - 1)
		return -ENOMEM;
	nodes = array_grow(table->nodes, &table->room, table->count + 1, sizeof *nodes);
	if (!nodes)
		return -ENOMEM;
	table->nodes = nodes;
	nodes[table->count] = added;
	if (node->number < table->known_room)
		table->known[node->number] = NUMBERS_NONE;
	return numbers_set(&table->node_numbers, node->number, (uint32_t)table->count++);
}

/* Puts the backtrace of the node at PLACE together. 0 or -ENOMEM. */
static int put_together(struct node_table *table, struct stacks *stacks, uint32_t place, uint32_t *stack)
{
	uint32_t frames[PATH_MAX_FRAMES];
	size_t depth = 0;
	int error;

	for (uint32_t at = place + 1; at && depth < PATH_MAX_FRAMES; at = table->nodes[at - 1].caller) {
		if (table->nodes[at - 1].frame)
			frames[depth++] = table->nodes[at - 1].frame - 1;
	}
	error = stacks_add(stacks, frames, depth, stack);
	if (!error)
		table->nodes[place].stack = *stack + 1;
	return error;
}

/*
 * For node_table_known(): an array by the trace's numbers, which has a place for those
 * that node_numbers keeps in an array, too. Without memory, nothing is noted.
 */
static void note_known(struct node_table *table, uint64_t number, uint32_t stack)
{
	size_t room = table->node_numbers.room;
	uint32_t *known = table->known;

	if (number >= room)
		return;
	if (table->known_room < room) {
		known = reallocarray(known, room, sizeof *known);
		if (!known)
			return;
		for (size_t i = table->known_room; i < room; i++)
			known[i] = NUMBERS_NONE;
		known[0] = STACK_NONE;
		table->known = known;
		table->known_room = room;
	}
	known[number] = stack;
}

int node_table_find(struct node_table *table, struct stacks *stacks, uint64_t number, uint32_t *stack,
                    struct node_lack *lack)
{
	uint32_t place = number ? numbers_find(&table->node_numbers, number) : NUMBERS_NONE;

	*lack = (struct node_lack){NULL, 0};
	*stack = STACK_NONE;
	if (number && place == NUMBERS_NONE)
		*lack = (struct node_lack){"node", number};
	if (place == NUMBERS_NONE)
		return 0;
	if (!table->nodes[place].stack)
		return put_together(table, stacks, place, stack);
	*stack = table->nodes[place].stack - 1;
	note_known(table, number, *stack);
	return 0;
}

void node_table_free(struct node_table *table)
{
	free(table->nodes);
	free(table->known);
	numbers_free(&table->node_numbers);
	numbers_free(&table->frame_numbers);
	*table = (struct node_table){0};
}
