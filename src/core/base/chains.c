/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See chains.h. */
#include "chains.h"

#include "map.h"

static size_t room_of(const struct lm_chains *chains, unsigned level)
{
	return sizeof(struct lm_link *) << (chains->bits + 2 * level);
}

static unsigned length_of(const struct lm_link *link)
{
	unsigned length = 0;

	for (; link && length < LM_CHAINS_LENGTH; link = link->next)
		length++;
	return length;
}

/* Without memory for a further level, the chains of this one become longer. */
static int has_level(struct lm_chains *chains, unsigned level)
{
	struct lm_link **none = NULL, **table;

	if (level == LM_CHAINS_LEVELS)
		return 0;
	if (lm_load_acquire(&chains->more[level - 1]))
		return 1;
	table = lm_sys_map(room_of(chains, level));
	if (!table)
		return 0;
	if (!lm_compare_exchange(&chains->more[level - 1], &none, table))
		lm_sys_unmap(table, room_of(chains, level));
	return 1;
}

struct lm_link **lm_chains_place(struct lm_chains *chains, uint64_t hash, struct lm_link **first)
{
	for (unsigned level = 0;; level++) {
		struct lm_link **chain = lm_chains_chain(chains, level, hash);

		*first = lm_load_acquire(chain);
		if (length_of(*first) < LM_CHAINS_LENGTH || !has_level(chains, level + 1))
			return chain;
	}
}

static void visit_level(struct lm_link *const *table, size_t chains, void (*visit)(struct lm_link *))
{
	for (size_t i = 0; i < chains; i++) {
		for (struct lm_link *link = lm_load_acquire(&table[i]); link; link = link->next)
			visit(link);
	}
}

void lm_chains_visit(const struct lm_chains *chains, void (*visit)(struct lm_link *))
{
	for (unsigned level = 0; level < LM_CHAINS_LEVELS; level++) {
		struct lm_link **table = lm_chains_chain(chains, level, 0);

		if (!table)
			return;
		visit_level(table, (size_t)1 << (chains->bits + 2 * level), visit);
	}
}

void lm_chains_clear(struct lm_chains *chains)
{
	lm_sys_clear(chains->first, room_of(chains, 0));
	for (unsigned level = 1; level < LM_CHAINS_LEVELS && chains->more[level - 1]; level++) {
		lm_sys_unmap(chains->more[level - 1], room_of(chains, level));
		chains->more[level - 1] = NULL;
	}
}
