/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The table of distinct backtraces: their numbers in the compact format, and
 * the text of their frames. All frames are compared, so two backtraces never
 * share a number. There are no locks. Entries are never removed; only a child of
 * fork starts with an empty table.
 */
#ifndef LM_BACKTRACES_H
#define LM_BACKTRACES_H

#include <stdint.h>

#include "atomic.h"
#include "cache.h"
#include "chains.h"
#include "compiler.h"
#include "line.h"
#include "symbol.h"
#include "unwind.h"

/*
 * With many backtraces, an entry is rarely in the cache. So what an event reads lies in few cache lines: every field
 * that it needs before PCS is in the first one.
 */
struct lm_backtrace {
	_Alignas(LM_CACHE_LINE) struct lm_link link;
	uint64_t sum;        /* lm_unwound_sum() */
	const void *taken;   /* the thread that writes it */
	unsigned generation; /* lm_backtraces_generation when the entry was last checked */
	unsigned short depth;
	unsigned char written; /* compact: the backtrace is in the trace; full: FRAME, FRAMES and LENGTH are valid */
	/* The end of each line that names this backtrace: the last TAIL_LENGTH bytes of TAIL. */
	char tail[LM_LINE_TAIL];
	unsigned char tail_length;
	unsigned char frames;    /* how many frames fit into a record, innermost first */
	unsigned length;         /* of the frames' texts, in bytes */
	struct lm_frame **frame; /* allocated apart, so that the entry stays small */
	uint64_t number;         /* from 1 */
	/* DEPTH return addresses. The numbers of the modules that they lie in follow them. */
	uintptr_t pcs[];
};

/* Incremented when code was unloaded. */
extern unsigned lm_backtraces_generation LM_INTERNAL;

#define LM_BACKTRACES_BITS 16

extern struct lm_link *lm_backtraces_table[1 << LM_BACKTRACES_BITS] LM_INTERNAL;
extern unsigned lm_backtraces_shift LM_INTERNAL;

/* The lower bits of a sum depend only on the lower bits of the addresses. Of this, the upper bits are used. */
static inline uint64_t lm_backtraces_hash(const struct lm_unwound *unwound)
{
	return unwound->sum * LM_UNWOUND_BASE;
}

/* The first entry of its chain. */
static inline struct lm_link *lm_backtraces_first(const struct lm_unwound *unwound)
{
	return lm_load_acquire(&lm_backtraces_table[lm_backtraces_hash(unwound) >> lm_load(&lm_backtraces_shift)]);
}

/* Before the first backtrace. FEW: they come rarely, so the table begins small. */
void lm_backtraces_begin(int few);

/* This backtrace will be looked up in a moment: prefetches the first entry of its slot. */
static inline void lm_backtraces_expect(const struct lm_unwound *unwound)
{
	const char *entry;

	if (!unwound->count)
		return;
	entry = (const char *)lm_backtraces_first(unwound);
	__builtin_prefetch(entry);
	__builtin_prefetch(entry + 64);
	__builtin_prefetch(entry + 128);
}

struct lm_backtrace *lm_backtraces_search(const struct lm_unwound *unwound);

/* The entry for a backtrace of at least one frame. A new entry is not written yet. NULL if there is no memory. */
static inline struct lm_backtrace *lm_backtraces_find(const struct lm_unwound *unwound)
{
	struct lm_backtrace *known = unwound->known ? *unwound->known : NULL;

	if (known && lm_load(&known->generation) == lm_load(&lm_backtraces_generation))
		return known;
	known = lm_backtraces_search(unwound);
	if (unwound->known)
		*unwound->known = known;
	return known;
}

static inline int lm_backtraces_is_written(const struct lm_backtrace *backtrace)
{
	return lm_load_acquire(&backtrace->written);
}

/*
 * For an entry that is not written yet. 1: the caller writes it, and then calls
 * lm_backtraces_written(). 0: another thread writes it. A thread that left the
 * writing by longjmp can take the same entry again.
 */
int lm_backtraces_take(struct lm_backtrace *backtrace);

void lm_backtraces_written(struct lm_backtrace *backtrace);

/* The thread that took the entry could not write it: any thread may take it again. */
void lm_backtraces_give_back(struct lm_backtrace *backtrace);

/*
 * Waits until another thread has written the entry: 0. Returns -1 if that thread gave it back or needs too long: then
 * the caller writes it, perhaps a second time.
 */
int lm_backtraces_wait(const struct lm_backtrace *backtrace);

/* The trace begins a new file, which has no backtraces yet. No thread may be writing one. */
void lm_backtraces_renew(void);

/* In a child of fork: the child's trace has no backtraces yet. */
void lm_backtraces_forked(void);

/* No backtrace is known any more; the arena has what was. No other thread may be at work. */
void lm_backtraces_release(void);

/* Code was unloaded, and other code may use its addresses now. Entries are checked again at their next lookup. */
void lm_backtraces_forget(void);

#endif
