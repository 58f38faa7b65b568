/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See accepted.h. Whether a block is accepted depends on its backtrace, so each consumer is looked at once. */
#include "accepted.h"

#include <errno.h>
#include <stdlib.h>

int accepted_load(struct accepted *accepted, const char *path, const struct diag *diag)
{
	accepted->is_wanted = true;
	return suppressions_load(&accepted->suppressions, path, diag);
}

int accepted_begin(struct accepted *accepted)
{
	if (!accepted->is_wanted || accepted->without_builtin)
		return 0;
	return suppressions_add_builtin(&accepted->suppressions);
}

struct judging {
	struct accepted *accepted;
	const struct consumers *consumers;
	bool *is_accepted; /* by consumer */
	bool inside;       /* what was allocated inside the tracker is accepted */
};

/* Is BLOCK accepted? Then it is counted. */
static bool judge(void *context, const struct heap_block *block)
{
	struct judging *judging = context;
	const struct amount one = amount_of(block->size, judging->consumers->mean);

	if (!judging->is_accepted[consumers_number(judging->consumers, block)] && !(block->busy && judging->inside))
		return false;
	amount_add(&judging->accepted->amount, &one);
	return true;
}

int accepted_apply(struct accepted *accepted, const struct resolver *resolver, const struct stacks *stacks,
                   struct consumers *consumers)
{
	struct suppressions *suppressions = &accepted->suppressions;
	struct judging judging = {.accepted = accepted, .consumers = consumers};
	struct suppression *found;
	int error = 0;

	if (!accepted->is_wanted)
		return 0;
	judging.inside = suppressions_find_inside(suppressions) != NULL;
	judging.is_accepted = calloc(consumers->count + 1, sizeof *judging.is_accepted);
	if (!judging.is_accepted)
		return -ENOMEM;
	for (size_t i = 0; i < consumers->count && !error; i++) {
		if (!consumers->list[i].live.count)
			continue;
		error = suppressions_find(suppressions, resolver, stacks, consumers->list[i].stack, &found);
		judging.is_accepted[i] = !error && found;
	}
	if (!error)
		error = consumers_drop(consumers, judge, &judging);
	free(judging.is_accepted);
	return error;
}

void accepted_next_image(struct accepted *accepted)
{
	accepted->amount = (struct amount){0};
	suppressions_next_image(&accepted->suppressions);
}

void accepted_free(struct accepted *accepted)
{
	suppressions_free(&accepted->suppressions);
}
