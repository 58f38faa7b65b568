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

/* Of the table where backtraces are few. Each chain that is used takes a page of a table that is large for them. */
#define FEW_BITS 12

struct lm_link *lm_backtraces_table[1 << LM_BACKTRACES_BITS];
unsigned lm_backtraces_shift = 64 - LM_BACKTRACES_BITS;
static struct lm_chains backtraces = {.bits = LM_BACKTRACES_BITS, .first = lm_backtraces_table};
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

/* Of the module that the call before the return address PC lies in; 0: it lies in none. */
static unsigned module_number(uintptr_t pc)
{
	const struct lm_module *module = lm_module_find(pc - 1);

	return module ? module->number : 0;
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
		if (module_number(entry->pcs[i]) != modules[i])
			return 0;
	}
	lm_store(&entry->generation, now);
	return 1;
}

static inline int is_wanted(struct lm_link *link, const void *unwound)
{
	struct lm_backtrace *entry = (struct lm_backtrace *)link;
	const struct lm_unwound *wanted = unwound;
	unsigned now;

	if (entry->sum != wanted->sum || entry->depth != wanted->count ||
	    !are_same(entry->pcs, wanted->pcs, wanted->count))
		return 0;
	now = lm_load(&lm_backtraces_generation);
	return lm_load(&entry->generation) == now || is_still_right(entry, now);
}

static inline struct lm_backtrace *listed(const struct lm_unwound *wanted)
{
	return (struct lm_backtrace *)lm_chains_find(&backtraces, lm_backtraces_hash(wanted), is_wanted, wanted);
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
	for (unsigned i = 0; i < unwound->count; i++)
		modules_of(entry)[i] = module_number(unwound->pcs[i]);
	return entry;
}

static __attribute__((noinline)) struct lm_backtrace *search_further(const struct lm_unwound *unwound)
{
	struct lm_backtrace *entry = listed(unwound), *added;
	struct lm_link **place;

	if (entry)
		return entry;
	added = made(unwound);
	if (!added)
		return NULL;
	do {
		place = lm_chains_place(&backtraces, lm_backtraces_hash(unwound), &added->link.next);
		/* Other threads may have added entries meanwhile. One of them may be this backtrace. */
		entry = listed(unwound);
		if (entry)
			return entry;
	} while (!lm_compare_exchange(place, &added->link.next, &added->link));
	return added;
}

/* Mostly, the first of its chain is the one. */
struct lm_backtrace *lm_backtraces_search(const struct lm_unwound *unwound)
{
	struct lm_link *first = lm_backtraces_first(unwound);

	return likely(first && is_wanted(first, unwound)) ? (struct lm_backtrace *)first : search_further(unwound);
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

static void forget_written(struct lm_link *link)
{
	struct lm_backtrace *entry = (struct lm_backtrace *)link;

	lm_store(&entry->taken, NULL);
	lm_store(&entry->written, 0);
}

void lm_backtraces_renew(void)
{
	lm_chains_visit(&backtraces, forget_written);
}

void lm_backtraces_begin(int few)
{
	backtraces.bits = few ? FEW_BITS : LM_BACKTRACES_BITS;
	lm_store(&lm_backtraces_shift, 64 - backtraces.bits);
}

void lm_backtraces_release(void)
{
	lm_chains_clear(&backtraces);
	last_number = 0;
}

void lm_backtraces_forked(void)
{
	/* The entries that threads remember are out of date, as after unloading. */
	lm_backtraces_forget();
	lm_backtraces_release();
}
