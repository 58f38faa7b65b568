/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See sparse.h. */
#include "sparse.h"

#include "arena.h"
#include "filter.h"
#include "pointer.h"

/* What HOLDS has beside an address, which is a multiple of eight. */
#define FREE   ((uintptr_t)0)
#define FILLED ((uintptr_t)1) /* without an address: a thread fills it in */
#define GONE   ((uintptr_t)1) /* beside one: the block is not known any more, but its mark is */
#define BITS   ((uintptr_t)7)

static struct lm_sparse_place *root;

/* All marks are gone when this is counted up. */
static unsigned generation = 1;

/* Its highest bits lead the way, two for each place. Two addresses never have the same, so no way is long. */
static uint64_t way_to(const void *p)
{
	return ((uint64_t)lm_pointer_address(p) >> 3) * UINT64_C(0x9e3779b97f4a7c15);
}

static struct lm_sparse_place **next_of(struct lm_sparse_place *place, uint64_t *way)
{
	struct lm_sparse_place **next = &place->next[*way >> 62];

	*way <<= 2;
	return next;
}

static int is_possible(const void *p)
{
	return p && !(lm_pointer_address(p) & BITS);
}

/* The place that has P's address, and *HOLDS, what it holds. NULL: none. */
static struct lm_sparse_place *find(const void *p, uintptr_t *holds)
{
	struct lm_sparse_place *place = lm_load_acquire(&root);
	uint64_t way = way_to(p);

	if (!is_possible(p))
		return NULL;
	for (; place; place = lm_load_acquire(next_of(place, &way))) {
		*holds = lm_load_acquire(&place->holds);
		if ((*holds & ~BITS) == lm_pointer_address(p))
			return place;
	}
	return NULL;
}

struct lm_sparse_place *lm_sparse_find(const void *p)
{
	uintptr_t holds;
	struct lm_sparse_place *place = find(p, &holds);

	return place && !(holds & GONE) ? place : NULL;
}

/* PLACE has what HOLDS says, and becomes this thread's: 1. Else 0. */
static int takes(struct lm_sparse_place *place, uintptr_t holds)
{
	return lm_load(&place->holds) == holds && lm_compare_exchange(&place->holds, &holds, FILLED);
}

/* The first free place on P's way, which is this thread's then. NULL without memory. */
static struct lm_sparse_place *free_place(const void *p)
{
	struct lm_sparse_place **next = &root, *place, *fresh;
	uint64_t way = way_to(p);

	for (; (place = lm_load_acquire(next)); next = next_of(place, &way)) {
		if (takes(place, FREE))
			return place;
	}
	fresh = lm_arena_alloc(sizeof *fresh);
	if (!fresh)
		return NULL;
	lm_store(&fresh->holds, FILLED);
	/* Another thread may have added a place here. Then this one is added behind that. */
	while (!lm_compare_exchange(next, &place, fresh)) {
		next = next_of(place, &way);
		place = NULL;
	}
	return fresh;
}

/* PLACE is this thread's: nobody finds a block in it. From here on, everybody does. */
static void fill(struct lm_sparse_place *place, const void *p, size_t size)
{
	lm_store(&place->size, size);
	lm_store(&place->way, 0);
	lm_store_release(&place->holds, lm_pointer_address(p));
}

static int put_new(const void *p, size_t size)
{
	struct lm_sparse_place *place = free_place(p);

	if (!place)
		return -1;
	lm_filter_add(p);
	lm_store(&place->marked, 0);
	fill(place, p, size);
	return 0;
}

int lm_sparse_put(const void *p, size_t size)
{
	struct lm_sparse_place *place;
	uintptr_t holds;

	if (!is_possible(p))
		return -1;
	/* A block whose release was not seen, or is waited for in vain, or whose mark is left. It may go just now. */
	while ((place = find(p, &holds))) {
		if (!takes(place, holds))
			continue;
		if (holds & GONE)
			lm_filter_add(p);
		fill(place, p, size);
		return 0;
	}
	return put_new(p, size);
}

int lm_sparse_move(struct lm_sparse_place *place, const void *p)
{
	uintptr_t holds = lm_pointer_address(p);

	return lm_compare_exchange(&place->holds, &holds, lm_pointer_address(p) | LM_SPARSE_MOVING);
}

static int is_marked(const struct lm_sparse_place *place)
{
	return lm_load(&place->marked) == lm_load(&generation);
}

int lm_sparse_remove(struct lm_sparse_place *place, const void *p, uintptr_t moving)
{
	uintptr_t holds = lm_pointer_address(p) | moving;

	if (!lm_compare_exchange(&place->holds, &holds, is_marked(place) ? lm_pointer_address(p) | GONE : FREE))
		return 0;
	lm_filter_remove(p);
	return 1;
}

/* ---- marks ---- */

void lm_sparse_mark(struct lm_sparse_place *place)
{
	lm_store(&place->marked, lm_load(&generation));
}

int lm_sparse_unmark(const void *p)
{
	uintptr_t holds;
	struct lm_sparse_place *place = find(p, &holds);

	if (!place || !is_marked(place))
		return 0;
	lm_store(&place->marked, 0);
	if (holds & GONE)
		lm_compare_exchange(&place->holds, &holds, FREE);
	return 1;
}

void lm_sparse_unmark_all(void)
{
	lm_store(&generation, lm_load(&generation) + 1);
}

void lm_sparse_forget(void)
{
	lm_store(&root, NULL);
	lm_store(&generation, 1);
}
