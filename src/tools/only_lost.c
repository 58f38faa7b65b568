/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See only_lost.h. */
#include "only_lost.h"

int only_lost_take(struct only_lost *lost, const struct command_work *work, const struct trace_item *item)
{
	/* What was seen later tells nothing about a part of the trace that ends before. */
	if (!lost->is_wanted || window_has_ended(&work->window))
		return 0;
	return unreached_take(&lost->unreached, work->trace, item);
}

int only_lost_apply(struct only_lost *lost, const struct command_work *work, struct consumers *consumers)
{
	const struct trace *trace = work->trace;

	if (!lost->is_wanted)
		return 0;
	if (unreached_is_whole(&lost->unreached) && lost->unreached.known)
		return consumers_keep_lost(consumers, &lost->unreached);
	cli_error("%s: image %u: what is lost is not known, so all blocks that were not released count",
	          trace->input.name, trace->image.number);
	return 0;
}

void only_lost_free(struct only_lost *lost)
{
	unreached_free(&lost->unreached);
}
