/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See renew.h. */
#include "renew.h"

#include "account.h"
#include "backtraces.h"
#include "emit_careful.h"
#include "live.h"
#include "marks.h"
#include "module.h"
#include "nodes.h"
#include "symbol.h"
#include "sys.h"
#include "thread.h"

/* The new file has nothing of what lines refer to. */
static void forget_written(void)
{
	lm_thread_renew();
	lm_module_renew();
	lm_symbol_renew();
	lm_backtraces_renew();
	lm_nodes_renew();
}

/* What INIT counts: blocks that are not in the trace, such as those that were allocated while tracing was off. */
static struct lm_totals others(void)
{
	struct lm_totals all, kept = lm_live_totals();

	lm_account_settle();
	all = lm_account_totals();
	all.requested -= kept.requested;
	all.usable -= kept.usable;
	/* Threads that wait have counted the release of a block that is kept. */
	if (all.requested < 0)
		all.requested = 0;
	if (all.usable < 0)
		all.usable = 0;
	return all;
}

/* ---- threads ---- */

/* Of each number, the block whose thread the file names so far. Two threads can have had the same number. */
struct named {
	const struct lm_live_block **block;
	size_t count;
	size_t room; /* bytes */
};

static int find_room(struct named *named)
{
	const struct lm_live_block *block;
	unsigned last = 0;

	for (size_t i = 0; (block = lm_live_next(&i));)
		last = block->thread > last ? block->thread : last;
	named->count = (size_t)last + 1;
	named->room = named->count * sizeof(const struct lm_live_block *);
	named->block = lm_sys_map(named->room);
	return named->block ? 0 : -1;
}

static int is_same_thread(const struct lm_live_block *a, const struct lm_live_block *b)
{
	return a->tid == b->tid && __builtin_strcmp(a->name, b->name) == 0;
}

static int name_thread(const struct named *named, const struct lm_live_block *block)
{
	const struct lm_live_block *before = named->block[block->thread];

	if (!block->thread || (before && is_same_thread(before, block)))
		return 0;
	named->block[block->thread] = block;
	return lm_marks_former_thread(block->thread, (uint64_t)block->tid, block->name);
}

/* The head has named THREAD, which writes the file. A thread that had its number before may have been named since. */
static int name_again(const struct named *named, const struct lm_thread *thread)
{
	const struct lm_live_block *last;

	if (!thread || thread->number >= named->count)
		return 0;
	last = named->block[thread->number];
	if (!last || (last->tid == thread->owner && __builtin_strcmp(last->name, thread->name) == 0))
		return 0;
	return lm_marks_former_thread(thread->number, (uint64_t)thread->owner, thread->name);
}

/* ---- blocks ---- */

static int write_blocks(const struct named *named, struct lm_totals totals)
{
	const struct lm_live_block *block;

	for (size_t i = 0; (block = lm_live_next(&i));) {
		totals.requested += (int64_t)block->size;
		totals.usable += (int64_t)block->usable;
		if (name_thread(named, block) != 0 || lm_emit_live(block, totals) != 0)
			return -1;
	}
	return 0;
}

int lm_renew_write(uint64_t parent)
{
	struct lm_totals totals = others();
	struct named named;
	int result;

	forget_written();
	if (find_room(&named) != 0)
		return -1;
	result = lm_marks_renew(parent, totals);
	if (!result)
		result = lm_marks_live(lm_live_count());
	if (!result)
		result = write_blocks(&named, totals);
	if (!result)
		result = name_again(&named, lm_thread_self());
	lm_sys_unmap(named.block, named.room);
	return result;
}
