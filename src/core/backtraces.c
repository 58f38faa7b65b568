/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See backtraces.h. */
#include "backtraces.h"

#include <stddef.h>
#include <time.h>

#include "arena.h"
#include "sys.h"

#define TABLE_BITS 16
#define WAIT_MS    1000

static struct lm_backtrace *table[1 << TABLE_BITS];
static uint64_t last_number;
static unsigned generation;

static uint64_t hash_of(const uintptr_t *pcs, unsigned depth)
{
	uint64_t hash = depth;

	for (unsigned i = 0; i < depth; i++)
		hash = (hash ^ pcs[i]) * UINT64_C(0x9e3779b97f4a7c15) + (hash >> 29);
	return hash ^ hash >> 32;
}

static struct lm_backtrace *listed(struct lm_backtrace *first, const struct lm_backtrace *end, uint64_t hash,
                                   const uintptr_t *pcs, unsigned depth)
{
	unsigned now = __atomic_load_n(&generation, __ATOMIC_RELAXED);

	for (struct lm_backtrace *entry = first; entry != end; entry = entry->next) {
		if (entry->hash == hash && entry->depth == depth && entry->generation == now &&
		    __builtin_memcmp(entry->pcs, pcs, depth * sizeof *pcs) == 0)
			return entry;
	}
	return NULL;
}

static struct lm_backtrace *made(uint64_t hash, const uintptr_t *pcs, unsigned depth)
{
	struct lm_backtrace *entry = lm_arena_alloc(sizeof *entry + depth * sizeof *pcs);

	if (!entry)
		return NULL;
	entry->hash = hash;
	entry->generation = __atomic_load_n(&generation, __ATOMIC_RELAXED);
	entry->depth = depth;
	entry->number = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED);
	__builtin_memcpy(entry->pcs, pcs, depth * sizeof *pcs);
	return entry;
}

struct lm_backtrace *lm_backtraces_find(const uintptr_t *pcs, unsigned depth, int *is_new)
{
	uint64_t hash = hash_of(pcs, depth);
	struct lm_backtrace **slot = &table[hash & ((1 << TABLE_BITS) - 1)];
	struct lm_backtrace *first = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
	struct lm_backtrace *entry = listed(first, NULL, hash, pcs, depth), *added;

	*is_new = 0;
	if (entry)
		return entry;
	added = made(hash, pcs, depth);
	if (!added)
		return NULL;
	for (;;) {
		struct lm_backtrace *seen = first;

		added->next = first;
		if (__atomic_compare_exchange_n(slot, &first, added, 0, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
			break;
		/* Others came first: with the same one, perhaps. */
		entry = listed(first, seen, hash, pcs, depth);
		if (entry)
			return entry;
	}
	*is_new = 1;
	return added;
}

void lm_backtraces_written(struct lm_backtrace *backtrace)
{
	__atomic_store_n(&backtrace->written, 1, __ATOMIC_RELEASE);
}

int lm_backtraces_wait(const struct lm_backtrace *backtrace)
{
	const struct timespec pause = {0, 1000000};

	for (int i = 0; i < 100 + WAIT_MS; i++) {
		if (__builtin_expect(__atomic_load_n(&backtrace->written, __ATOMIC_ACQUIRE), 1))
			return 0;
		if (i < 100)
			lm_sys(SYS_sched_yield);
		else
			lm_sys(SYS_nanosleep, &pause, NULL);
	}
	return -1;
}

void lm_backtraces_forget(void)
{
	__atomic_add_fetch(&generation, 1, __ATOMIC_RELAXED);
}
