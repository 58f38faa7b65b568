/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See framelist.h. */
#include "framelist.h"

#include <stddef.h>

#include "arena.h"
#include "atomic.h"
#include "cfi.h"
#include "elf_file.h"
#include "frametable.h"

typedef int32_t pair[2];

/* The list of every object whose .eh_frame can't be found. */
static const struct lm_frame_list nothing;

/* Counts the functions in the SIZE bytes from LIST->base on, and puts at most MAX of them into LIST->pairs. */
static size_t read_all(const struct lm_loaded *loaded, uintptr_t size, const struct lm_frame_list *list, size_t max)
{
	uintptr_t at = list->base, start, next;
	size_t found = 0;

	for (; at - list->base < size && (next = lm_cfi_entry(loaded, at, &start)); at = next) {
		intptr_t function = (intptr_t)(start - list->base);

		if (!start || function != (int32_t)function)
			continue;
		if (found < max) {
			list->pairs[found][0] = (int32_t)function;
			list->pairs[found][1] = (int32_t)(at - list->base);
		}
		found++;
	}
	return found;
}

static void swap(pair *a, pair *b)
{
	pair was;

	__builtin_memcpy(was, *a, sizeof was);
	__builtin_memcpy(*a, *b, sizeof was);
	__builtin_memcpy(*b, was, sizeof was);
}

static void sift_down(pair *pairs, size_t root, size_t count)
{
	for (size_t child; (child = 2 * root + 1) < count; root = child) {
		if (child + 1 < count && pairs[child + 1][0] > pairs[child][0])
			child++;
		if (pairs[child][0] <= pairs[root][0])
			return;
		swap(&pairs[child], &pairs[root]);
	}
}

/* Heapsort: qsort() may call malloc. */
static void sort(pair *pairs, size_t count)
{
	for (size_t i = count / 2; i-- > 0;)
		sift_down(pairs, i, count);
	while (count > 1) {
		swap(&pairs[0], &pairs[--count]);
		sift_down(pairs, 0, count);
	}
}

static const struct lm_frame_list *made(const struct lm_module *module)
{
	const struct lm_loaded *loaded = &module->loaded;
	struct lm_frame_list found = {0}, *list;
	uint64_t address, size;

	if (lm_elf_find_section(module, ".eh_frame", &address, &size) != 0 || size > INT32_MAX)
		return &nothing;
	found.base = loaded->bias + (uintptr_t)address;
	found.count = read_all(loaded, (uintptr_t)size, &found, 0);
	if (!found.count)
		return &nothing;
	list = lm_arena_alloc(sizeof *list);
	found.pairs = lm_arena_alloc(found.count * sizeof *found.pairs);
	if (!list || !found.pairs)
		return &nothing;
	*list = found;
	read_all(loaded, (uintptr_t)size, list, list->count);
	sort(list->pairs, list->count);
	return list;
}

int lm_framelist_make(struct lm_module *module)
{
	const struct lm_frame_list *none = NULL, *list;

	if (!lm_frametable_is_missing(&module->loaded))
		return 0;
	/* Threads that do this at the same time find the same. */
	list = made(module);
	lm_compare_exchange(&module->loaded.list, &none, list);
	return list->count != 0;
}
