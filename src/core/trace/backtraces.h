/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The distinct backtraces, their numbers in the compact format, and their
 * frames' text. Frames are compared, so two backtraces never share a number.
 * No locks; what is in the table stays there.
 */
#ifndef LM_BACKTRACES_H
#define LM_BACKTRACES_H

#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "line.h"
#include "symbol.h"
#include "unwind.h"

/* With many backtraces, what an event needs of one is in no cache: it lies in few lines, and all of it before PCS in
 * one. */
struct lm_backtrace {
	_Alignas(64) struct lm_backtrace *next;
	uint64_t sum;        /* lm_unwound_sum() */
	const void *taken;   /* the thread that writes it */
	unsigned generation; /* of the loaded objects, when it was last right */
	unsigned short depth;
	unsigned char written; /* it stands in the trace, and what follows is there */
	/* How the lines that name it end: the last TAIL_LENGTH bytes of TAIL. */
	char tail[LM_LINE_TAIL];
	unsigned char tail_length;
	unsigned char frames;          /* of those, as many as fit into a record; innermost first */
	unsigned length;               /* of their texts, in bytes */
	const struct lm_frame **frame; /* elsewhere: what is compared is to be small */
	uint64_t number;               /* from 1 */
	/* Behind them, the numbers of the objects that they lie in. */
	uintptr_t pcs[];
};

/* Counts up when code was unloaded. */
extern unsigned lm_backtraces_generation LM_INTERNAL;

#define LM_BACKTRACES_BITS 16

extern struct lm_backtrace *lm_backtraces_table[1 << LM_BACKTRACES_BITS] LM_INTERNAL;

static inline struct lm_backtrace **lm_backtraces_slot(const struct lm_unwound *unwound)
{
	/* The lower bits of a sum depend on the lower bits of the addresses alone. */
	return &lm_backtraces_table[(unwound->sum * LM_UNWOUND_BASE) >> (64 - LM_BACKTRACES_BITS)];
}

/* It will be looked for in a moment: fetches what is there. */
static inline void lm_backtraces_expect(const struct lm_unwound *unwound)
{
	const char *entry;

	if (!unwound->count)
		return;
	entry = (const char *)lm_load(lm_backtraces_slot(unwound));
	__builtin_prefetch(entry);
	__builtin_prefetch(entry + 64);
	__builtin_prefetch(entry + 128);
}

struct lm_backtrace *lm_backtraces_search(const struct lm_unwound *unwound);

/* The entry for a backtrace of some frames; a new one is not written yet. NULL without memory. */
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
 * A new one: it is the caller's to write, and then to say so with
 * lm_backtraces_written(), if 1 is returned; 0: it is somebody else's. What the
 * same thread took before and left by longjmp is its own again.
 */
int lm_backtraces_take(struct lm_backtrace *backtrace);

void lm_backtraces_written(struct lm_backtrace *backtrace);

/* It could not be written: somebody else may. */
void lm_backtraces_give_back(struct lm_backtrace *backtrace);

/* Waits until somebody else has written it. Not for ever: -1, and it has to be written, twice perhaps. */
int lm_backtraces_wait(const struct lm_backtrace *backtrace);

/* In a child of fork: none is written. */
void lm_backtraces_forked(void);

/* Code was unloaded: its addresses may come to mean something else. Who is looked for next is looked at. */
void lm_backtraces_forget(void);

#endif
