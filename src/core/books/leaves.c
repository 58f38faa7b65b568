/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See leaves.h. */
#include "leaves.h"

#include "atomic.h"
#include "sys.h"

struct lm_leaves_middle *_Atomic lm_leaves_top[1 << LM_LEAVES_TOP_BITS];
/* Page 1 belongs to place 1, so place 0 is free. */
struct lm_leaves_near lm_leaves_near = {.page = {[0] = 1}};

/*
 * Leaves are mapped several at a time, the more, the more there are: the kernel
 * permits a process so many mappings and no more, and the program needs them.
 */
struct chunk {
	_Atomic size_t used;
	size_t count;
	size_t mapped; /* bytes, of all of it */
	struct chunk *next;
	struct lm_leaf leaf[];
};

#define CHUNK_MAX 32

static struct chunk *_Atomic current;
/* All chunks. */
static struct chunk *_Atomic chunks;
static _Atomic size_t leaves;

static struct chunk *map_chunk(size_t count)
{
	size_t size = sizeof(struct chunk) + count * sizeof(struct lm_leaf);
	struct chunk *chunk = lm_sys_map(size);

	if (!chunk)
		return NULL;
	chunk->count = count;
	chunk->mapped = size;
	chunk->next = atomic_load_explicit(&chunks, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&chunks, &chunk->next, chunk))
		;
	return chunk;
}

static struct chunk *new_chunk(void)
{
	size_t count = atomic_load_explicit(&leaves, memory_order_relaxed) / 8 + 1;
	struct chunk *chunk;

	count = count < CHUNK_MAX ? count : CHUNK_MAX;
	chunk = map_chunk(count);
	return chunk || count == 1 ? chunk : map_chunk(1);
}

/* If two threads need a leaf at once, what one of them leaves unused costs address space alone. */
static void *new_leaf(void)
{
	struct chunk *chunk = atomic_load_explicit(&current, memory_order_acquire);
	size_t at = chunk ? atomic_fetch_add(&chunk->used, 1) : 0;

	atomic_fetch_add(&leaves, 1);
	if (chunk && at < chunk->count)
		return &chunk->leaf[at];
	chunk = new_chunk();
	if (!chunk)
		return NULL;
	atomic_store_explicit(&chunk->used, 1, memory_order_relaxed);
	atomic_store_explicit(&current, chunk, memory_order_release);
	return chunk->leaf;
}

static void *new_middle(void)
{
	return lm_sys_map(sizeof(struct lm_leaves_middle));
}

#define ODD_BYTES (LM_LEAF_ENTRIES * sizeof(lm_entry))

static void *new_odd(void)
{
	return lm_sys_map(ODD_BYTES);
}

/* A leaf's marks: a bit for each multiple of 8, in words, since not every machine changes a byte at once. */
#define MARK_BITS   32
#define MARKS       (2 * LM_LEAF_ENTRIES / MARK_BITS)
#define MARKS_BYTES (MARKS * sizeof(unsigned))

static void *new_marks(void)
{
	return lm_sys_map(MARKS_BYTES);
}

/*
 * The table in SLOT, made by MAKE if there is none. If two threads make one at once, both use the first one. The other
 * one, of MAPPED bytes, is given back; 0: it lies in a chunk.
 */
static void *installed(void *_Atomic *slot, void *(*make)(void), size_t mapped)
{
	void *table = atomic_load_explicit(slot, memory_order_acquire), *fresh;

	if (table)
		return table;
	fresh = make();
	if (!fresh)
		return atomic_load_explicit(slot, memory_order_acquire);
	if (atomic_compare_exchange_strong(slot, &table, fresh))
		return fresh;
	if (mapped)
		lm_sys_unmap(fresh, mapped);
	return table;
}

/* The tables are typed; the slots differ in nothing else. */
#define INSTALLED(slot, make, mapped) installed((void *_Atomic *)(void *)(slot), make, mapped)

/* NULL where no block can be known. */
static struct lm_leaf *leaf_of(const void *p)
{
	uintptr_t address = lm_pointer_address(p), page = address >> LM_LEAF_BITS;
	struct lm_leaves_middle *middle;

	if (!lm_leaves_cover(address))
		return NULL;
	middle = atomic_load_explicit(&lm_leaves_top[page >> LM_LEAVES_MIDDLE_BITS], memory_order_acquire);
	if (!middle)
		return NULL;
	return atomic_load_explicit(&middle->leaf[page & ((1 << LM_LEAVES_MIDDLE_BITS) - 1)], memory_order_acquire);
}

lm_entry *lm_leaves_far_entry(const void *p)
{
	uintptr_t address = lm_pointer_address(p);
	size_t index = address >> 4 & (LM_LEAF_ENTRIES - 1);
	struct lm_leaf *leaf = leaf_of(p);
	lm_entry *odd;

	if (!leaf || address & 7)
		return NULL;
	if (!(address & 8))
		return &leaf->even[index];
	/* Many allocators know no odd multiples of 8. */
	odd = atomic_load_explicit(&leaf->odd, memory_order_acquire);
	return odd ? &odd[index] : NULL;
}

/* LEAF is the one of PAGE. Gives it a place among the near ones if that is free. */
static void put_near(uintptr_t page, struct lm_leaf *leaf)
{
	size_t place = page % LM_LEAVES_NEAR;
	struct lm_leaf *none = NULL;

	/* Whoever sees the page finds the leaf. */
	if (atomic_compare_exchange_strong(&lm_leaves_near.leaf[place], &none, leaf))
		atomic_store_explicit(&lm_leaves_near.page[place], page, memory_order_release);
}

lm_entry *lm_leaves_made_entry(const void *p)
{
	uintptr_t address = lm_pointer_address(p), page = address >> LM_LEAF_BITS;
	struct lm_leaves_middle *middle;
	struct lm_leaf *leaf;

	if (!lm_leaves_cover(address) || address & 7)
		return NULL;
	middle = INSTALLED(&lm_leaves_top[page >> LM_LEAVES_MIDDLE_BITS], new_middle, sizeof *middle);
	leaf = middle ? INSTALLED(&middle->leaf[page & ((1 << LM_LEAVES_MIDDLE_BITS) - 1)], new_leaf, 0) : NULL;
	if (!leaf || (address & 8 && !INSTALLED(&leaf->odd, new_odd, ODD_BYTES)))
		return NULL;
	put_near(page, leaf);
	return lm_leaves_entry(p);
}

static void unlock_leaf(struct lm_leaf *leaf)
{
	lm_entry *odd = atomic_load_explicit(&leaf->odd, memory_order_acquire);

	unsigned *marks = atomic_load_explicit(&leaf->marks, memory_order_acquire);

	lm_sys_unlock(leaf, sizeof *leaf);
	if (odd)
		lm_sys_unlock(odd, ODD_BYTES);
	if (marks)
		lm_sys_unlock(marks, MARKS_BYTES);
}

/* Calls VISIT_LEAF for each leaf, and VISIT_MIDDLE, unless it is NULL, for each table of leaves. */
static void visit(void (*visit_leaf)(struct lm_leaf *), void (*visit_middle)(struct lm_leaves_middle *))
{
	for (size_t i = 0; i < sizeof lm_leaves_top / sizeof *lm_leaves_top; i++) {
		struct lm_leaves_middle *middle = atomic_load_explicit(&lm_leaves_top[i], memory_order_acquire);

		for (size_t j = 0; middle && j < sizeof middle->leaf / sizeof *middle->leaf; j++) {
			struct lm_leaf *leaf = atomic_load_explicit(&middle->leaf[j], memory_order_acquire);

			if (leaf)
				visit_leaf(leaf);
		}
		if (middle && visit_middle)
			visit_middle(middle);
	}
}

static void unlock_middle(struct lm_leaves_middle *middle)
{
	lm_sys_unlock(middle, sizeof *middle);
}

void lm_leaves_unlock(void)
{
	visit(unlock_leaf, unlock_middle);
}

lm_entry *lm_leaves_entry_behind(const void *p, lm_entry *entry, size_t step, int make)
{
	size_t index = lm_pointer_address(p) >> 4 & (LM_LEAF_ENTRIES - 1);
	const void *behind = (const char *)p + 16 * step;

	if (index + step < LM_LEAF_ENTRIES)
		return entry + step;
	entry = lm_leaves_entry(behind);
	return entry || !make ? entry : lm_leaves_made_entry(behind);
}

/* ---- marks ---- */

unsigned *lm_leaves_mark(const void *p, unsigned *bit, int make)
{
	struct lm_leaf *leaf = leaf_of(p);
	unsigned *marks = leaf ? atomic_load_explicit(&leaf->marks, memory_order_acquire) : NULL;

	if (leaf && !marks && make)
		marks = INSTALLED(&leaf->marks, new_marks, MARKS_BYTES);
	*bit = 1U << (lm_pointer_address(p) >> 3) % MARK_BITS;
	return marks ? marks + (lm_pointer_address(p) >> 3) / MARK_BITS % MARKS : NULL;
}

static void forget_marks(struct lm_leaf *leaf)
{
	unsigned *marks = atomic_load_explicit(&leaf->marks, memory_order_relaxed);

	if (marks)
		lm_sys_unmap(marks, MARKS_BYTES);
	atomic_store_explicit(&leaf->marks, NULL, memory_order_relaxed);
}

void lm_leaves_forget_marks(void)
{
	visit(forget_marks, NULL);
}

/* ---- releasing ---- */

/* The leaf itself lies in a chunk. */
static void release_leaf(struct lm_leaf *leaf)
{
	lm_entry *odd = atomic_load_explicit(&leaf->odd, memory_order_relaxed);

	forget_marks(leaf);
	if (odd)
		lm_sys_unmap(odd, ODD_BYTES);
}

static void release_middle(struct lm_leaves_middle *middle)
{
	lm_sys_unmap(middle, sizeof *middle);
}

void lm_leaves_release(void)
{
	struct chunk *chunk = atomic_exchange(&chunks, NULL), *next;

	visit(release_leaf, release_middle);
	for (; chunk; chunk = next) {
		next = chunk->next;
		lm_sys_unmap(chunk, chunk->mapped);
	}
	lm_sys_clear(lm_leaves_top, sizeof lm_leaves_top);
	lm_sys_clear(&lm_leaves_near, sizeof lm_leaves_near);
	atomic_store(&lm_leaves_near.page[0], 1);
	atomic_store(&current, NULL);
	atomic_store(&leaves, 0);
}
