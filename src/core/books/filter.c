/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See filter.h. */
#include "filter.h"

#include "sys.h"

/* A count that is reached stays: how many there are is not known any more. */
#define COUNT_FULL 255

_Alignas(uint32_t) unsigned char lm_filter[LM_FILTER_COUNTS];
int lm_filter_kept = 1;

void lm_filter_add(const void *p)
{
	unsigned char *count = lm_filter_count(p), before;

	do {
		before = lm_load(count);
		if (before == COUNT_FULL)
			return;
	} while (!lm_replace_byte(count, before, before + 1));
}

void lm_filter_remove(const void *p)
{
	unsigned char *count = lm_filter_count(p), before;

	do {
		before = lm_load(count);
		if (before == COUNT_FULL || before == 0)
			return;
	} while (!lm_replace_byte(count, before, before - 1));
}

void lm_filter_out(const void *start, size_t size)
{
	const char *end = (const char *)start + size;

	for (const char *at = start; at < end; at += LM_FILTER_SHARED - (uintptr_t)at % LM_FILTER_SHARED)
		lm_store(lm_filter_count(at), COUNT_FULL);
}

void lm_filter_drop(void)
{
	lm_store(&lm_filter_kept, 0);
}

void lm_filter_reset(void)
{
	lm_sys_clear(lm_filter, sizeof lm_filter);
	lm_store(&lm_filter_kept, 1);
}
