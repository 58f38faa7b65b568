/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A hash table that grows, without locks, whose entries are never removed. It has
 * several levels, each a table of short chains and four times as large as the one
 * before. An entry goes to the first level where its chain has room. So an entry is
 * found after a few steps a level, however many there are.
 *
 * Nothing is moved when the table grows. Any thread, any signal handler.
 */
#ifndef LM_CHAINS_H
#define LM_CHAINS_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"

#define LM_CHAINS_LEVELS 7
#define LM_CHAINS_LENGTH 4

/* The first member of each entry. */
struct lm_link {
	struct lm_link *next;
};

struct lm_chains {
	unsigned bits;          /* the first level has 2 to the power of BITS chains */
	struct lm_link **first; /* the first level: the user's */
	struct lm_link **more[LM_CHAINS_LEVELS - 1];
};

/* The chain of HASH in LEVEL, or NULL if that level does not exist. The upper bits of HASH have to be mixed well. */
static inline struct lm_link **lm_chains_chain(const struct lm_chains *chains, unsigned level, uint64_t hash)
{
	struct lm_link **table = level ? lm_load_acquire(&chains->more[level - 1]) : chains->first;

	return table ? &table[hash >> (64 - chains->bits - 2 * level)] : NULL;
}

/* The entry of HASH that IS_WANTED says 1 of, or NULL. Inlined, so that IS_WANTED is. */
static inline __attribute__((always_inline)) struct lm_link *
lm_chains_find(const struct lm_chains *chains, uint64_t hash, int (*is_wanted)(struct lm_link *, const void *),
               const void *wanted)
{
	for (unsigned level = 0; level < LM_CHAINS_LEVELS; level++) {
		struct lm_link **chain = lm_chains_chain(chains, level, hash);
		unsigned length = 0;

		if (!chain)
			return NULL;
		for (struct lm_link *link = lm_load_acquire(chain); link; link = link->next, length++) {
			if (is_wanted(link, wanted))
				return link;
		}
		/* Only behind a full chain is there another one. */
		if (length < LM_CHAINS_LENGTH)
			return NULL;
	}
	return NULL;
}

/*
 * Where an entry of HASH can be put in front: *FIRST has to be its NEXT, and the place is changed with
 * lm_compare_exchange() if it still is. All entries of HASH that were there before are found after this call, and if
 * the exchange succeeds, no others have come.
 */
struct lm_link **lm_chains_place(struct lm_chains *chains, uint64_t hash, struct lm_link **first);

/* Calls VISIT for each entry that is there now. */
void lm_chains_visit(const struct lm_chains *chains, void (*visit)(struct lm_link *));

/* No entries any more, and no memory for them. No other thread may be at work. */
void lm_chains_clear(struct lm_chains *chains);

#endif
