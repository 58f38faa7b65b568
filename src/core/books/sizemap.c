/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See sizemap.h. */
#include "sizemap.h"

#include "atomic.h"
#include "sys.h"

struct lm_sizemap_middle *_Atomic lm_sizemap_top[1 << LM_SIZEMAP_TOP_BITS];
/* Page 1 belongs to place 1, so place 0 is free. */
struct lm_sizemap_near lm_sizemap_near = {.page = {[0] = 1}};
_Alignas(uint32_t) unsigned char lm_sizemap_filter[LM_SIZEMAP_FILTER_COUNTS];
int lm_sizemap_has_filter = 1;

enum {
	ENTRY_NONE = LM_SIZEMAP_ENTRY_NONE,
	ENTRY_SIZE = LM_SIZEMAP_ENTRY_SIZE,
	SMALL_MAX = LM_SIZEMAP_SMALL_MAX,
	ENTRY_PIECE = 0x8000, /* no block of its own: PIECE_BITS of a large block's size */
	PIECE_BITS = 14,
	PIECE_MASK = (1 << PIECE_BITS) - 1,
	PIECES = 4,
	ENTRY_WAYS = 0xc000,  /* the way, and a size up to WAYS_MAX */
	WAYS = LM_WAY_UNSURE, /* that are not C's */
	WAYS_MAX = (0xfffe - ENTRY_WAYS) / WAYS - 1,
	ENTRY_MOVING = 0xfffe,
	ENTRY_LARGE = 0xffff, /* the size stands in the next entries, and the way above SIZE_BITS */
	SIZE_BITS = 48,
};

/*
 * A piece can be told from a block. Pieces may outlive a large block whose
 * release was not seen, and small blocks may be placed there then.
 */
_Static_assert(SMALL_MAX + ENTRY_SIZE < ENTRY_PIECE, "sizes and pieces are distinct");
_Static_assert((ENTRY_PIECE | PIECE_MASK) < ENTRY_WAYS, "pieces and ways are distinct");
_Static_assert(ENTRY_WAYS + WAYS * (WAYS_MAX + 1) <= ENTRY_MOVING, "ways and marks are distinct");
_Static_assert(SIZE_BITS >= LM_SIZEMAP_ADDRESS_BITS, "every size has room");
_Static_assert(PIECES *PIECE_BITS - SIZE_BITS >= 3 && WAYS < 8, "every way has room");
_Static_assert(WAYS_MAX >= (PIECES + 1) * 16, "so do those of blocks that are large for their way");
_Static_assert(SMALL_MAX >= (PIECES + 1) * 16, "a large block covers the entries that its size is written to");

/*
 * Leaves are mapped several at a time, the more, the more there are: the kernel
 * permits a process so many mappings and no more, and the program needs them.
 */
struct chunk {
	_Atomic size_t used;
	size_t count;
	size_t mapped; /* bytes, of all of it */
	struct chunk *next;
	struct lm_sizemap_leaf leaf[];
};

#define CHUNK_MAX 32

static struct chunk *_Atomic current;
/* All chunks. */
static struct chunk *_Atomic chunks;
static _Atomic size_t leaves;

static struct chunk *map_chunk(size_t count)
{
	size_t size = sizeof(struct chunk) + count * sizeof(struct lm_sizemap_leaf);
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
	return lm_sys_map(sizeof(struct lm_sizemap_middle));
}

#define ODD_BYTES (LM_SIZEMAP_LEAF_ENTRIES * sizeof(lm_entry))

static void *new_odd(void)
{
	return lm_sys_map(ODD_BYTES);
}

/* A leaf's marks: a bit for each multiple of 8, in words, since not every machine changes a byte at once. */
#define MARK_BITS   32
#define MARKS       (2 * LM_SIZEMAP_LEAF_ENTRIES / MARK_BITS)
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
static struct lm_sizemap_leaf *leaf_of(const void *p)
{
	uintptr_t address = lm_pointer_address(p), page = address >> LM_SIZEMAP_LEAF_BITS;
	struct lm_sizemap_middle *middle;

	if (!lm_sizemap_covers(address))
		return NULL;
	middle = atomic_load_explicit(&lm_sizemap_top[page >> LM_SIZEMAP_MIDDLE_BITS], memory_order_acquire);
	if (!middle)
		return NULL;
	return atomic_load_explicit(&middle->leaf[page & ((1 << LM_SIZEMAP_MIDDLE_BITS) - 1)], memory_order_acquire);
}

lm_entry *lm_sizemap_far_entry(const void *p)
{
	uintptr_t address = lm_pointer_address(p);
	size_t index = address >> 4 & (LM_SIZEMAP_LEAF_ENTRIES - 1);
	struct lm_sizemap_leaf *leaf = leaf_of(p);
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
static void put_near(uintptr_t page, struct lm_sizemap_leaf *leaf)
{
	size_t place = page % LM_SIZEMAP_NEAR;
	struct lm_sizemap_leaf *none = NULL;

	/* Whoever sees the page finds the leaf. */
	if (atomic_compare_exchange_strong(&lm_sizemap_near.leaf[place], &none, leaf))
		atomic_store_explicit(&lm_sizemap_near.page[place], page, memory_order_release);
}

static lm_entry *made_entry(const void *p)
{
	uintptr_t address = lm_pointer_address(p), page = address >> LM_SIZEMAP_LEAF_BITS;
	struct lm_sizemap_middle *middle;
	struct lm_sizemap_leaf *leaf;

	if (!lm_sizemap_covers(address) || address & 7)
		return NULL;
	middle = INSTALLED(&lm_sizemap_top[page >> LM_SIZEMAP_MIDDLE_BITS], new_middle, sizeof *middle);
	leaf = middle ? INSTALLED(&middle->leaf[page & ((1 << LM_SIZEMAP_MIDDLE_BITS) - 1)], new_leaf, 0) : NULL;
	if (!leaf || (address & 8 && !INSTALLED(&leaf->odd, new_odd, ODD_BYTES)))
		return NULL;
	put_near(page, leaf);
	return lm_sizemap_entry(p);
}

static void unlock_leaf(struct lm_sizemap_leaf *leaf)
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
static void visit(void (*visit_leaf)(struct lm_sizemap_leaf *), void (*visit_middle)(struct lm_sizemap_middle *))
{
	for (size_t i = 0; i < sizeof lm_sizemap_top / sizeof *lm_sizemap_top; i++) {
		struct lm_sizemap_middle *middle = atomic_load_explicit(&lm_sizemap_top[i], memory_order_acquire);

		for (size_t j = 0; middle && j < sizeof middle->leaf / sizeof *middle->leaf; j++) {
			struct lm_sizemap_leaf *leaf = atomic_load_explicit(&middle->leaf[j], memory_order_acquire);

			if (leaf)
				visit_leaf(leaf);
		}
		if (middle && visit_middle)
			visit_middle(middle);
	}
}

static void unlock_middle(struct lm_sizemap_middle *middle)
{
	lm_sys_unlock(middle, sizeof *middle);
}

void lm_sizemap_unlock(void)
{
	visit(unlock_leaf, unlock_middle);
}

static lm_entry *entry_of(const void *p, int make)
{
	lm_entry *entry = lm_sizemap_entry(p);

	return entry || !make ? entry : made_entry(p);
}

/* The entry that belongs to the address 16 * STEP behind P; blocks may cross leaves. */
static lm_entry *entry_behind(const void *p, lm_entry *entry, size_t step, int make)
{
	size_t index = lm_pointer_address(p) >> 4 & (LM_SIZEMAP_LEAF_ENTRIES - 1);

	if (index + step < LM_SIZEMAP_LEAF_ENTRIES)
		return entry + step;
	return entry_of((const char *)p + 16 * step, make);
}

static inline int is_piece(uint16_t value)
{
	return value >= ENTRY_PIECE && value < ENTRY_WAYS;
}

static inline int has_way(uint16_t value)
{
	return value >= ENTRY_WAYS && value < ENTRY_MOVING;
}

/* The size and, above SIZE_BITS, the way. UINT64_MAX: a piece is missing. */
static uint64_t large(const void *p, lm_entry *entry)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < PIECES; i++) {
		lm_entry *piece = entry_behind(p, entry, i + 1, 0);
		uint16_t value = piece ? atomic_load_explicit(piece, memory_order_relaxed) : ENTRY_NONE;

		if (!is_piece(value))
			return UINT64_MAX;
		size |= (uint64_t)(value & PIECE_MASK) << (PIECE_BITS * i);
	}
	return size;
}

static size_t large_size(const void *p, lm_entry *entry)
{
	uint64_t size = large(p, entry);

	return size == UINT64_MAX ? LM_SIZEMAP_NONE : (size_t)(size & (((uint64_t)1 << SIZE_BITS) - 1));
}

/* ---- the filter ---- */

/* A count that is reached stays: how many there are is not known any more. */
#define COUNT_FULL 255

static unsigned char *count_of(const void *p)
{
	return &lm_sizemap_filter[(lm_pointer_address(p) >> 4) % LM_SIZEMAP_FILTER_COUNTS];
}

void lm_sizemap_filter_add(const void *p)
{
	unsigned char *count = count_of(p), before;

	do {
		before = lm_load(count);
		if (before == COUNT_FULL)
			return;
	} while (!lm_replace_byte(count, before, before + 1));
}

void lm_sizemap_filter_remove(const void *p)
{
	unsigned char *count = count_of(p), before;

	do {
		before = lm_load(count);
		if (before == COUNT_FULL || before == 0)
			return;
	} while (!lm_replace_byte(count, before, before - 1));
}

void lm_sizemap_drop_filter(void)
{
	lm_store(&lm_sizemap_has_filter, 0);
}

void lm_sizemap_filter_out(const void *start, size_t size)
{
	for (size_t at = 0; at < size; at += 16)
		lm_store(count_of((const char *)start + at), COUNT_FULL);
}

/*
 * P's entry gets VALUE, that of a block. A block that stood there, or whose mark did, is counted already. Its thread
 * may remove the mark at this moment, so that both have to be exchanged.
 */
static void store_block(const void *p, lm_entry *entry, uint16_t value)
{
	uint16_t before;

	if (!lm_sizemap_is_filtered()) {
		atomic_store_explicit(entry, value, memory_order_release);
		return;
	}
	do
		before = atomic_load_explicit(entry, memory_order_acquire);
	while (!lm_replace_half(entry, before, value));
	if (before == ENTRY_NONE || is_piece(before))
		lm_sizemap_filter_add(p);
}

static int put_large(const void *p, lm_entry *entry, uint64_t size)
{
	for (unsigned i = 0; i < PIECES; i++) {
		lm_entry *piece = entry_behind(p, entry, i + 1, 1);

		if (!piece)
			return -1;
		atomic_store_explicit(piece, (uint16_t)(ENTRY_PIECE | (size >> (PIECE_BITS * i) & PIECE_MASK)),
		                      memory_order_relaxed);
	}
	store_block(p, entry, ENTRY_LARGE);
	return 0;
}

static inline size_t decoded(const void *p, lm_entry *entry, uint16_t value)
{
	if (value == ENTRY_MOVING)
		return LM_SIZEMAP_MOVING;
	if (value == ENTRY_LARGE)
		return large_size(p, entry);
	if (value == ENTRY_NONE || is_piece(value))
		return LM_SIZEMAP_NONE;
	if (has_way(value))
		return (size_t)(value - ENTRY_WAYS) % (WAYS_MAX + 1);
	return (size_t)value - ENTRY_SIZE;
}

size_t lm_sizemap_get(const void *p)
{
	lm_entry *entry = entry_of(p, 0);

	if (!entry)
		return LM_SIZEMAP_NONE;
	return decoded(p, entry, atomic_load_explicit(entry, memory_order_acquire));
}

int lm_sizemap_put(const void *p, size_t size)
{
	lm_entry *entry = entry_of(p, 1);

	if (!entry)
		return -1;
	if (size > SMALL_MAX)
		return put_large(p, entry, size);
	store_block(p, entry, (uint16_t)(size + ENTRY_SIZE));
	return 0;
}

/* Does one of the entries that a large size at P takes carry a mark? */
static int covers_moving(const void *p, lm_entry *entry)
{
	for (unsigned i = 0; i < PIECES; i++) {
		lm_entry *piece = entry_behind(p, entry, i + 1, 0);

		if (piece && atomic_load_explicit(piece, memory_order_acquire) == ENTRY_MOVING)
			return 1;
	}
	return 0;
}

size_t lm_sizemap_look(const void *p, size_t size)
{
	lm_entry *entry = entry_of(p, 0);

	if (!entry)
		return LM_SIZEMAP_NONE;
	if (size > SMALL_MAX && covers_moving(p, entry))
		return LM_SIZEMAP_MOVING;
	return decoded(p, entry, atomic_load_explicit(entry, memory_order_acquire));
}

size_t lm_sizemap_put_new_slowly(const void *p, size_t size)
{
	size_t known;

	known = lm_sizemap_look(p, size);
	if (known == LM_SIZEMAP_NONE && lm_sizemap_put(p, size) != 0)
		return LM_SIZEMAP_FULL;
	return known;
}

/* The way of a block whose entry has VALUE. */
static int way_of(const void *p, lm_entry *entry, uint16_t value)
{
	if (value == ENTRY_LARGE)
		return (int)(large(p, entry) >> SIZE_BITS);
	return has_way(value) ? (value - ENTRY_WAYS) / (WAYS_MAX + 1) + 1 : LM_WAY_C;
}

int lm_sizemap_way(const void *p)
{
	lm_entry *entry = entry_of(p, 0);
	uint16_t value = entry ? atomic_load_explicit(entry, memory_order_acquire) : ENTRY_NONE;

	return decoded(p, entry, value) < LM_SIZEMAP_OPERATORS ? way_of(p, entry, value) : LM_WAY_NONE;
}

int lm_sizemap_set_way(const void *p, int way)
{
	lm_entry *entry = entry_of(p, 0);
	size_t size = lm_sizemap_get(p);
	uint16_t value;

	if (size >= LM_SIZEMAP_OPERATORS)
		return -1;
	if (size > (way ? (size_t)WAYS_MAX : (size_t)SMALL_MAX))
		return put_large(p, entry, size | (uint64_t)way << SIZE_BITS);
	value = (uint16_t)(way ? ENTRY_WAYS + (size_t)(way - 1) * (WAYS_MAX + 1) + size : size + ENTRY_SIZE);
	atomic_store_explicit(entry, value, memory_order_release);
	return 0;
}

static size_t taken(const void *p, uint16_t leave)
{
	lm_entry *entry = entry_of(p, 0);
	uint16_t value;
	size_t size;

	if (!entry)
		return LM_SIZEMAP_NONE;
	value = atomic_load_explicit(entry, memory_order_acquire);
	size = decoded(p, entry, value);
	if (size == LM_SIZEMAP_NONE || size == LM_SIZEMAP_MOVING)
		return size;
	if (way_of(p, entry, value) != LM_WAY_C)
		return LM_SIZEMAP_OPERATORS;
	atomic_store_explicit(entry, leave, memory_order_relaxed);
	if (leave == ENTRY_NONE && lm_sizemap_is_filtered())
		lm_sizemap_filter_remove(p);
	return size;
}

size_t lm_sizemap_take_slowly(const void *p)
{
	return taken(p, ENTRY_NONE);
}

size_t lm_sizemap_take_moving(const void *p)
{
	return taken(p, ENTRY_MOVING);
}

void lm_sizemap_end_moving(const void *p)
{
	lm_entry *entry = entry_of(p, 0);

	if (entry && lm_replace_half(entry, ENTRY_MOVING, ENTRY_NONE) && lm_sizemap_is_filtered())
		lm_sizemap_filter_remove(p);
}

/* ---- marks ---- */

/* The word of TABLE that P's mark is in. */
static unsigned *mark_word(unsigned *table, const void *p)
{
	return table + (lm_pointer_address(p) >> 3) / MARK_BITS % MARKS;
}

static unsigned mark_bit(const void *p)
{
	return 1U << (lm_pointer_address(p) >> 3) % MARK_BITS;
}

void lm_sizemap_mark(const void *p)
{
	struct lm_sizemap_leaf *leaf = leaf_of(p);
	unsigned *marks = leaf ? INSTALLED(&leaf->marks, new_marks, MARKS_BYTES) : NULL;

	if (marks)
		lm_fetch_or(mark_word(marks, p), mark_bit(p));
}

int lm_sizemap_unmark(const void *p)
{
	struct lm_sizemap_leaf *leaf = leaf_of(p);
	unsigned *marks = leaf ? atomic_load_explicit(&leaf->marks, memory_order_acquire) : NULL;

	if (!marks || !(lm_load(mark_word(marks, p)) & mark_bit(p)))
		return 0;
	lm_fetch_and(mark_word(marks, p), ~mark_bit(p));
	return 1;
}

static void forget_marks(struct lm_sizemap_leaf *leaf)
{
	unsigned *marks = atomic_load_explicit(&leaf->marks, memory_order_relaxed);

	if (marks)
		lm_sys_unmap(marks, MARKS_BYTES);
	atomic_store_explicit(&leaf->marks, NULL, memory_order_relaxed);
}

void lm_sizemap_unmark_all(void)
{
	visit(forget_marks, NULL);
}

/* ---- releasing ---- */

/* The leaf itself lies in a chunk. */
static void release_leaf(struct lm_sizemap_leaf *leaf)
{
	lm_entry *odd = atomic_load_explicit(&leaf->odd, memory_order_relaxed);

	forget_marks(leaf);
	if (odd)
		lm_sys_unmap(odd, ODD_BYTES);
}

static void release_middle(struct lm_sizemap_middle *middle)
{
	lm_sys_unmap(middle, sizeof *middle);
}

void lm_sizemap_release(void)
{
	struct chunk *chunk = atomic_exchange(&chunks, NULL), *next;

	visit(release_leaf, release_middle);
	for (; chunk; chunk = next) {
		next = chunk->next;
		lm_sys_unmap(chunk, chunk->mapped);
	}
	lm_sys_clear(lm_sizemap_top, sizeof lm_sizemap_top);
	lm_sys_clear(&lm_sizemap_near, sizeof lm_sizemap_near);
	lm_sys_clear(lm_sizemap_filter, sizeof lm_sizemap_filter);
	lm_store(&lm_sizemap_has_filter, 1);
	atomic_store(&lm_sizemap_near.page[0], 1);
	atomic_store(&current, NULL);
	atomic_store(&leaves, 0);
}
