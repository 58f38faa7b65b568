/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See backtraces.h. */
#include "backtraces.h"

#include <stddef.h>

#include "arena.h"
#include "atomic.h"
#include "clock.h"
#include "guard.h"
#include "module.h"
#include "sys.h"
#include "wait.h"

#define WAIT_MS 1000

struct lm_backtrace *lm_backtraces_table[1 << LM_BACKTRACES_BITS];
static uint64_t last_number;
unsigned lm_backtraces_generation;

/* Nearly always they are the same, so comparing all frames without branches is faster than memcmp(). */
static inline int are_same(const uintptr_t *a, const uintptr_t *b, unsigned count)
{
	uintptr_t difference = 0;

	for (; count % 4; count--)
		difference |= a[count - 1] ^ b[count - 1];
	for (; count; count -= 4, a += 4, b += 4)
		difference |= (a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]);
	return difference == 0;
}

/* The number of the module of each frame. */
static unsigned *modules_of(struct lm_backtrace *entry)
{
	return (unsigned *)(entry->pcs + entry->depth);
}

/* Code was unloaded since ENTRY was checked last. Do its pcs still lie in the same modules? */
static __attribute__((noinline)) int is_still_right(struct lm_backtrace *entry, unsigned now)
{
	const unsigned *modules = modules_of(entry);

	for (unsigned i = 0; i < entry->depth; i++) {
		if (lm_module_number(entry->pcs[i] - 1) != modules[i])
			return 0;
	}
	lm_store(&entry->generation, now);
	return 1;
}

static inline struct lm_backtrace *listed(struct lm_backtrace *first, const struct lm_backtrace *end,
                                          const struct lm_unwound *wanted)
{
	unsigned now = lm_load(&lm_backtraces_generation);

	for (struct lm_backtrace *entry = first; entry != end; entry = entry->next) {
		if (entry->sum == wanted->sum && entry->depth == wanted->count &&
		    are_same(entry->pcs, wanted->pcs, wanted->count) &&
		    (lm_load(&entry->generation) == now || is_still_right(entry, now)))
			return entry;
	}
	return NULL;
}

static struct lm_backtrace *made(const struct lm_unwound *unwound)
{
	size_t size = unwound->count * sizeof *unwound->pcs;
	struct lm_backtrace *entry = lm_arena_alloc_aligned(sizeof *entry + size + unwound->count * sizeof(unsigned),
	                                                    _Alignof(struct lm_backtrace));

	if (!entry)
		return NULL;
	entry->sum = unwound->sum;
	entry->generation = lm_load(&lm_backtraces_generation);
	entry->depth = (unsigned short)unwound->count;
	entry->number = lm_add(&last_number, 1);
	entry->tail_length = (unsigned char)lm_line_tail(entry->tail, entry->number);
	__builtin_memcpy(entry->pcs, unwound->pcs, size);
	for (unsigned i = 0; i < unwound->count; i++) {
		/* Also finds modules that were loaded since the last look at the loader's list. */
		const struct lm_module *module = lm_module_find(unwound->pcs[i] - 1);

		modules_of(entry)[i] = module ? module->number : 0;
	}
	return entry;
}

struct lm_backtrace *lm_backtraces_search(const struct lm_unwound *unwound)
{
	struct lm_backtrace **slot = lm_backtraces_slot(unwound);
	struct lm_backtrace *first = lm_load_acquire(slot);
	struct lm_backtrace *entry = listed(first, NULL, unwound), *added;

	if (entry)
		return entry;
	added = made(unwound);
	if (!added)
		return NULL;
	for (;;) {
		struct lm_backtrace *seen = first;

		added->next = first;
		if (lm_compare_exchange(slot, &first, added))
			return added;
		/* Other threads added entries meanwhile. One of them may be this backtrace. */
		entry = listed(first, seen, unwound);
		if (entry)
			return entry;
	}
}

int lm_backtraces_take(struct lm_backtrace *backtrace)
{
	const void *taker = NULL;

	return lm_compare_exchange(&backtrace->taken, &taker, &lm_tls) || taker == &lm_tls;
}

void lm_backtraces_written(struct lm_backtrace *backtrace)
{
	lm_store_release(&backtrace->written, 1);
}

void lm_backtraces_give_back(struct lm_backtrace *backtrace)
{
	lm_store(&backtrace->taken, 0);
}

int lm_backtraces_wait(const struct lm_backtrace *backtrace)
{
	uint64_t start = lm_clock_coarse_ms();

	for (unsigned round = 0; lm_clock_coarse_ms() - start < WAIT_MS; round++) {
		if (lm_backtraces_is_written(backtrace))
			return 0;
		if (!lm_load(&backtrace->taken))
			return -1;
		lm_wait_pause(round);
	}
	return -1;
}

void lm_backtraces_forget(void)
{
	lm_add(&lm_backtraces_generation, 1);
}

void lm_backtraces_forked(void)
{
	/* The entries that threads remember are out of date, as after unloading. The table is emptied. */
	lm_backtraces_forget();
	for (size_t i = 0; i < (size_t)1 << LM_BACKTRACES_BITS; i++) {
		if (lm_backtraces_table[i])
			lm_backtraces_table[i] = NULL;
	}
	last_number = 0;
}
