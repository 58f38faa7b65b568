/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See modules.h. A process has few modules, so a linear search is enough. */
#include "modules.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool same_module(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* The index of the module, which is added if need be. SIZE_MAX if there is no memory. */
static size_t find_module(struct modules *modules, const char *name)
{
	struct module_total *list;

	for (size_t i = 0; i < modules->count; i++)
		if (same_module(modules->list[i].module, name))
			return i;
	list = array_grow(modules->list, &modules->room, modules->count + 1, sizeof *list);
	if (!list)
		return SIZE_MAX;
	modules->list = list;
	list[modules->count] = (struct module_total){.module = name};
	return modules->count++;
}

/* The module of each frame, so that names are compared only once a frame. */
struct frame_modules {
	size_t *places; /* the module's index plus one, by frame number; 0 if not known yet */
	uint32_t *seen; /* the number plus one of the consumer that was last added, by module */
	size_t room;
};

/* The index of the frame's module. SIZE_MAX if there is no memory. */
static size_t module_of(struct modules *modules, struct locations *locations, struct frame_modules *known,
                        uint32_t frame)
{
	size_t *place = &known->places[frame];

	if (!*place) {
		const struct location *location = locations_get(locations, frame);
		size_t found = location ? find_module(modules, location->module) : SIZE_MAX;

		if (found == SIZE_MAX)
			return found;
		*place = found + 1;
	}
	return *place - 1;
}

/* Is it the first time that consumer NUMBER is in the module? Its backtrace may enter a module several times. */
static int first_time(const struct modules *modules, struct frame_modules *known, size_t module, uint32_t number)
{
	size_t before = known->room;
	uint32_t *seen = array_grow(known->seen, &known->room, modules->count, sizeof *seen);

	if (!seen)
		return -ENOMEM;
	known->seen = seen;
	memset(seen + before, 0, (known->room - before) * sizeof *seen);
	if (seen[module] == number + 1)
		return 0;
	seen[module] = number + 1;
	return 1;
}

static int add_consumer(struct modules *modules, struct locations *locations, struct frame_modules *known,
                        uint32_t number, uint32_t stack_number, struct amount amount)
{
	struct stack stack = stacks_get(locations->stacks, stack_number);
	/* A consumer without a backtrace is in the unknown module. */
	size_t depth = stack.depth ? stack.depth : 1;

	for (size_t i = 0; i < depth; i++) {
		size_t module = stack.depth ? module_of(modules, locations, known, stack.frames[i])
		                            : find_module(modules, NULL);
		int first = module == SIZE_MAX ? -ENOMEM : first_time(modules, known, module, number);

		if (first < 0)
			return first;
		if (first)
			amount_add(&modules->list[module].whole, &amount);
		if (i == 0)
			amount_add(&modules->list[module].own, &amount);
	}
	return 0;
}

static int by_whole(const void *a, const void *b, void *context)
{
	const struct module_total *x = a, *y = b;
	const enum metric *metric = context;
	uint64_t left = metric_value(*metric, x->whole), right = metric_value(*metric, y->whole);

	if (left != right)
		return left < right ? 1 : -1;
	left = metric_value(*metric, x->own);
	right = metric_value(*metric, y->own);
	if (left != right)
		return left < right ? 1 : -1;
	return strcmp(x->module ? x->module : "", y->module ? y->module : "");
}

int modules_build(struct modules *modules, const struct consumers *consumers, struct locations *locations,
                  enum metric metric)
{
	struct frame_modules known = {.places = calloc(locations->stacks->frame_count + 1, sizeof *known.places)};
	int error = known.places ? 0 : -ENOMEM;

	*modules = (struct modules){0};
	for (size_t i = 0; !error && i < consumers->count; i++) {
		const struct consumer *consumer = &consumers->list[i];
		struct amount amount = consumer_amount(consumers, consumer, metric);

		if (amount.count)
			error = add_consumer(modules, locations, &known, (uint32_t)i, consumer->stack, amount);
	}
	if (!error && modules->count)
		qsort_r(modules->list, modules->count, sizeof *modules->list, by_whole, &metric);
	free(known.places);
	free(known.seen);
	if (error)
		modules_free(modules);
	return error;
}

void modules_free(struct modules *modules)
{
	free(modules->list);
	*modules = (struct modules){0};
}
