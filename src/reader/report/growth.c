/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See growth.h. */
#include "growth.h"
#include "array.h"
#include "hash.h"
#include "labels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool same_key(const void *owner, uint32_t place, const void *key)
{
	return strcmp(((const struct growth *)owner)->groups[place].key, key) == 0;
}

/*
 * Joins the labels to one string. Each is followed by a newline, which no label contains.
 * Valid until the next call. NULL if there is no memory.
 */
static const char *make_key(struct growth *growth, const struct labels *labels)
{
	size_t size = 1, used = 0;
	char *key;

	for (size_t i = 0; i < labels->depth; i++)
		size += strlen(labels->path[i]) + 1;
	key = array_grow(growth->key, &growth->key_room, size, 1);
	if (!key)
		return NULL;
	growth->key = key;
	for (size_t i = 0; i < labels->depth; i++) {
		size_t len = strlen(labels->path[i]);

		memcpy(key + used, labels->path[i], len);
		key[used + len] = '\n';
		used += len + 1;
	}
	key[used] = '\0';
	return key;
}

/* Finds the entry, or makes it. NULL if there is no memory. */
static struct growth_group *find_group(struct growth *growth, const char *key)
{
	size_t len = strlen(key);
	uint64_t hash = hash_bytes(key, len);
	uint32_t place = hash_find(&growth->table, hash, same_key, growth, key);
	struct growth_group *groups;

	if (place != HASH_NONE)
		return &growth->groups[place];
	groups = array_grow(growth->groups, &growth->room, growth->count + 1, sizeof *groups);
	if (!groups)
		return NULL;
	growth->groups = groups;
	groups[growth->count] = (struct growth_group){.key = pool_copy(&growth->pool, key, len)};
	if (!groups[growth->count].key || hash_add(&growth->table, hash, (uint32_t)growth->count) != 0)
		return NULL;
	return &groups[growth->count++];
}

static int set_frames(struct growth *growth, struct growth_group *group, struct locations *locations,
                      const struct consumer *consumer)
{
	struct stack stack = stacks_get(locations->stacks, consumer->stack);
	const struct location **frames = pool_alloc(&growth->pool, (stack.depth + 1) * sizeof(const struct location *));

	for (size_t i = 0; frames && i < stack.depth; i++)
		frames[i] = locations_get(locations, stack.frames[i]);
	group->call = consumer->call;
	group->frames = frames;
	group->depth = stack.depth;
	return frames ? 0 : -ENOMEM;
}

static int add_consumer(struct growth *growth, enum growth_side side, struct labels *labels,
                        const struct consumer *consumer, struct amount amount)
{
	int error = labels_set_path(labels, consumer->stack);
	const char *key = error ? NULL : make_key(growth, labels);
	struct growth_group *group = key ? find_group(growth, key) : NULL;
	bool first = group && !group->amounts[side].count;

	if (!group)
		return -ENOMEM;
	amount_add(&group->amounts[side], &amount);
	amount_add(&growth->totals[side], &amount);
	return first ? set_frames(growth, group, labels->locations, consumer) : 0;
}

int growth_add(struct growth *growth, enum growth_side side, const struct consumers *consumers,
               struct locations *locations)
{
	struct labels labels = {.locations = locations, .make = labels_function};
	struct ranking ranking;
	int error = ranking_build(&ranking, consumers, growth->metric);

	for (size_t i = 0; !error && i < ranking.count; i++)
		error = add_consumer(growth, side, &labels, ranking.list[i],
		                     consumer_amount(consumers, ranking.list[i], growth->metric));
	ranking_free(&ranking);
	labels_free(&labels);
	return error;
}

static int64_t difference(uint64_t before, uint64_t after)
{
	uint64_t change = after > before ? after - before : before - after;

	if (change > INT64_MAX)
		change = INT64_MAX;
	return after > before ? (int64_t)change : -(int64_t)change;
}

int64_t growth_blocks(const struct amount amounts[2])
{
	return difference(amounts[GROWTH_OLD].count, amounts[GROWTH_NEW].count);
}

int64_t growth_bytes(const struct amount amounts[2])
{
	return difference(amounts[GROWTH_OLD].bytes, amounts[GROWTH_NEW].bytes);
}

int64_t growth_value(const struct growth *growth, const struct amount amounts[2])
{
	return metric_counts_blocks(growth->metric) ? growth_blocks(amounts) : growth_bytes(amounts);
}

static int by_growth(const void *a, const void *b, void *context)
{
	const struct growth_group *x = a, *y = b;
	int64_t left = growth_value(context, x->amounts), right = growth_value(context, y->amounts);

	if (left != right)
		return left < right ? 1 : -1;
	left = growth_blocks(x->amounts);
	right = growth_blocks(y->amounts);
	if (left != right)
		return left < right ? 1 : -1;
	return strcmp(x->key, y->key);
}

void growth_sort(struct growth *growth)
{
	hash_free(&growth->table);
	if (growth->count)
		qsort_r(growth->groups, growth->count, sizeof *growth->groups, by_growth, growth);
}

void growth_free(struct growth *growth)
{
	free(growth->groups);
	free(growth->key);
	hash_free(&growth->table);
	pool_free(&growth->pool);
	growth->groups = NULL;
	growth->key = NULL;
	growth->count = growth->room = growth->key_room = 0;
}
