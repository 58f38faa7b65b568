/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A counting filter in front of the size map: how many known blocks there are whose addresses have the same bits 8 to
 * 23. So one look tells of most addresses that nothing is known there. Every block is counted from before the program
 * has it until behind its release. The filter is kept where few blocks are known: then it is almost empty.
 *
 * Blocks that lie side by side share a count, so that a heap's counts take few lines of the processor's cache.
 */
#ifndef LM_FILTER_H
#define LM_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "pointer.h"

#define LM_FILTER_COUNTS ((size_t)1 << 16)
#define LM_FILTER_SHARED ((size_t)256) /* bytes of addresses */

extern unsigned char lm_filter[LM_FILTER_COUNTS] LM_INTERNAL;
extern int lm_filter_kept LM_INTERNAL;

static inline unsigned char *lm_filter_count(const void *p)
{
	return &lm_filter[lm_pointer_address(p) / LM_FILTER_SHARED % LM_FILTER_COUNTS];
}

/* Is it certain that nothing is known at P? The filter has to be kept. */
static inline int lm_filter_lacks(const void *p)
{
	return !lm_load(lm_filter_count(p));
}

static inline int lm_filter_is_kept(void)
{
	return unlikely(lm_load(&lm_filter_kept));
}

/* A block is known at P, or not any more. */
void lm_filter_add(const void *p);
void lm_filter_remove(const void *p);

/* SIZE bytes at START are blocks of somebody else's: lm_filter_lacks() will never be certain there. */
void lm_filter_out(const void *start, size_t size);

/* From the start on, there is a filter. It is not kept any more, and has nothing to tell. */
void lm_filter_drop(void);

/* As at the start. No other thread may be at work. */
void lm_filter_reset(void);

#endif
