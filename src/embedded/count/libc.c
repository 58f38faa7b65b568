/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See libc.h. */
#include "libc.h"

/* newlib's malloc_usable_size() does nothing but call the function that is called here. */
#ifdef _REENT
size_t _malloc_usable_size_r(struct _reent *reent, void *block);

static size_t usable(void *block)
{
	return _malloc_usable_size_r(_REENT, block);
}
#else
size_t malloc_usable_size(void *block);

static size_t usable(void *block)
{
	return malloc_usable_size(block);
}
#endif

void *lm_count_malloc(void *p, size_t size)
{
	lm_count_new(p, size, p ? usable(p) : 0);
	return p;
}

void lm_count_free(void *p)
{
	if (p)
		lm_count_gone(usable(p));
}

void lm_count_begin_resize(struct lm_count_resize *resize, void *old)
{
	resize->old = old;
	resize->bytes = old ? usable(old) : 0;
	resize->muted = lm_count_mute();
}

/* Picolibc's enlarges the old block before it gives up and moves it, and a failed one leaves it so. */
void *lm_count_end_resize(const struct lm_count_resize *resize, void *p, size_t size)
{
	void *left = p || !size ? p : resize->old;

	lm_count_unmute(resize->muted);
	lm_count_realloc(resize->old, resize->bytes, p, size, left ? usable(left) : 0);
	return p;
}
