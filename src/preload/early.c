/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See early.h. Nothing here may call another object, or use a pointer that has to be relocated. */
#include "early.h"

#include <errno.h>

#include "boot.h"

/* The page size can't be asked for yet. Where pages are larger, the buffer has no room for one. */
#define PAGE ((size_t)4096)

void *volatile lm_early_witness = (void *)&lm_early_witness;

void *lm_early_malloc(size_t size)
{
	return lm_boot_alloc(1, size);
}

/* The buffer is zeroed, and no part of it is used twice. */
void *lm_early_calloc(size_t count, size_t size)
{
	size_t total;

	return __builtin_mul_overflow(count, size, &total) ? NULL : lm_boot_alloc(1, total);
}

void *lm_early_realloc(void *p, size_t size)
{
	const char *from = p;
	size_t keep;
	char *to;

	if (!p)
		return lm_boot_alloc(1, size);
	if (!lm_boot_has(p))
		return NULL;
	keep = lm_boot_usable(p);
	if (size <= keep)
		return p;
	to = lm_boot_alloc(1, size);
	for (size_t i = 0; to && i < keep; i++) {
		to[i] = from[i];
		/* Or the compiler makes a call of memcpy() of this. */
		__asm__ volatile("" ::: "memory");
	}
	return to;
}

void lm_early_free(void *p)
{
	(void)p;
}

void *lm_early_reallocarray(void *p, size_t count, size_t size, const struct lm_caller *caller)
{
	size_t total;

	(void)caller;
	return __builtin_mul_overflow(count, size, &total) ? NULL : lm_early_realloc(p, total);
}

static int is_power_of_two(size_t n)
{
	return n && !(n & (n - 1));
}

void *lm_early_memalign(size_t alignment, size_t size, const struct lm_caller *caller)
{
	(void)caller;
	return is_power_of_two(alignment) ? lm_boot_alloc(alignment, size) : NULL;
}

void *lm_early_aligned_alloc(size_t alignment, size_t size, const struct lm_caller *caller)
{
	return lm_early_memalign(alignment, size, caller);
}

int lm_early_posix_memalign(void **result, size_t alignment, size_t size, const struct lm_caller *caller)
{
	void *p;

	if (!is_power_of_two(alignment) || alignment % sizeof(void *))
		return EINVAL;
	p = lm_early_memalign(alignment, size, caller);
	if (!p)
		return ENOMEM;
	*result = p;
	return 0;
}

void *lm_early_valloc(size_t size, const struct lm_caller *caller)
{
	return lm_early_memalign(PAGE, size, caller);
}

void *lm_early_pvalloc(size_t size, const struct lm_caller *caller)
{
	return size > LM_BOOT_SIZE ? NULL : lm_early_memalign(PAGE, (size + PAGE - 1) & ~(PAGE - 1), caller);
}

void lm_early_free_sized(void *p, size_t size, const struct lm_caller *caller)
{
	(void)size;
	(void)caller;
	lm_early_free(p);
}

void lm_early_free_aligned_sized(void *p, size_t alignment, size_t size, const struct lm_caller *caller)
{
	(void)alignment;
	(void)size;
	(void)caller;
	lm_early_free(p);
}
