/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See sizemap.h. */
#include "sizemap.h"

#include "atomic.h"
#include "sparse.h"

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
_Static_assert(SIZE_BITS >= LM_LEAVES_ADDRESS_BITS, "every size has room");
_Static_assert(PIECES *PIECE_BITS - SIZE_BITS >= 3 && WAYS < 8, "every way has room");
_Static_assert(WAYS_MAX >= (PIECES + 1) * 16, "so do those of blocks that are large for their way");
_Static_assert(SMALL_MAX >= (PIECES + 1) * 16, "a large block covers the entries that its size is written to");

static int blocks_are_few;

/* Are blocks few? Then no leaves are made for them. Where there are some from before, they are used. */
static int is_sparse(void)
{
	return lm_load(&blocks_are_few);
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
		lm_entry *piece = lm_leaves_entry_behind(p, entry, i + 1, 0);
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

/*
 * P's entry gets VALUE, that of a block. A block that stood there, or whose mark did, is counted already. Its thread
 * may remove the mark at this moment, so that both have to be exchanged.
 */
static void store_block(const void *p, lm_entry *entry, uint16_t value)
{
	uint16_t before;

	if (!lm_filter_is_kept()) {
		atomic_store_explicit(entry, value, memory_order_release);
		return;
	}
	do
		before = atomic_load_explicit(entry, memory_order_acquire);
	while (!lm_replace_half(entry, before, value));
	if (before == ENTRY_NONE || is_piece(before))
		lm_filter_add(p);
}

static int put_large(const void *p, lm_entry *entry, uint64_t size)
{
	for (unsigned i = 0; i < PIECES; i++) {
		lm_entry *piece = lm_leaves_entry_behind(p, entry, i + 1, 1);

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

/* What is known at P. */
struct known {
	lm_entry *entry; /* or NULL: there are no leaves for P */
	uint16_t value;
	struct lm_sparse_place *place; /* or NULL: it is not among those that are far apart */
	size_t size;                   /* or one of LM_SIZEMAP_ */
};

static void look_among_sparse(const void *p, struct known *known)
{
	known->place = lm_sparse_find(p);
	if (known->place)
		known->size = lm_sparse_is_moving(known->place) ? LM_SIZEMAP_MOVING : lm_load(&known->place->size);
}

static struct known known_at(const void *p)
{
	struct known known = {.entry = lm_leaves_entry(p), .size = LM_SIZEMAP_NONE};

	if (known.entry) {
		known.value = atomic_load_explicit(known.entry, memory_order_acquire);
		known.size = decoded(p, known.entry, known.value);
	}
	if (known.size == LM_SIZEMAP_NONE && is_sparse())
		look_among_sparse(p, &known);
	return known;
}

size_t lm_sizemap_get(const void *p)
{
	return known_at(p).size;
}

int lm_sizemap_put(const void *p, size_t size)
{
	lm_entry *entry = lm_leaves_entry(p);

	if (!entry && is_sparse())
		return lm_sparse_put(p, size);
	if (!entry)
		entry = lm_leaves_made_entry(p);
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
		lm_entry *piece = lm_leaves_entry_behind(p, entry, i + 1, 0);

		if (piece && atomic_load_explicit(piece, memory_order_acquire) == ENTRY_MOVING)
			return 1;
	}
	return 0;
}

size_t lm_sizemap_look(const void *p, size_t size)
{
	struct known known = known_at(p);

	return size > SMALL_MAX && known.entry && covers_moving(p, known.entry) ? LM_SIZEMAP_MOVING : known.size;
}

size_t lm_sizemap_put_new_slowly(const void *p, size_t size)
{
	size_t known;

	known = lm_sizemap_look(p, size);
	if (known == LM_SIZEMAP_NONE && lm_sizemap_put(p, size) != 0)
		return LM_SIZEMAP_FULL;
	return known;
}

/* The way of a block that is KNOWN at P. */
static int way_of(const void *p, const struct known *known)
{
	if (known->place)
		return (int)lm_load(&known->place->way);
	if (known->value == ENTRY_LARGE)
		return (int)(large(p, known->entry) >> SIZE_BITS);
	return has_way(known->value) ? (known->value - ENTRY_WAYS) / (WAYS_MAX + 1) + 1 : LM_WAY_C;
}

int lm_sizemap_way(const void *p)
{
	struct known known = known_at(p);

	return known.size < LM_SIZEMAP_OPERATORS ? way_of(p, &known) : LM_WAY_NONE;
}

int lm_sizemap_set_way(const void *p, int way)
{
	struct known known = known_at(p);
	uint16_t value;

	if (known.size >= LM_SIZEMAP_OPERATORS)
		return -1;
	if (known.place) {
		lm_store(&known.place->way, (unsigned)way);
		return 0;
	}
	if (known.size > (way ? (size_t)WAYS_MAX : (size_t)SMALL_MAX))
		return put_large(p, known.entry, known.size | (uint64_t)way << SIZE_BITS);
	value = (uint16_t)(way ? ENTRY_WAYS + (size_t)(way - 1) * (WAYS_MAX + 1) + known.size
	                       : known.size + ENTRY_SIZE);
	atomic_store_explicit(known.entry, value, memory_order_release);
	return 0;
}

static int leave(const struct known *known, const void *p, uint16_t value)
{
	if (known->place)
		return value == ENTRY_MOVING ? lm_sparse_move(known->place, p) : lm_sparse_remove(known->place, p, 0);
	atomic_store_explicit(known->entry, value, memory_order_relaxed);
	if (value == ENTRY_NONE && lm_filter_is_kept())
		lm_filter_remove(p);
	return 1;
}

/* LEAVES VALUE, ENTRY_NONE or ENTRY_MOVING, where a block was known. */
static size_t taken(const void *p, uint16_t value)
{
	struct known known = known_at(p);

	if (known.size == LM_SIZEMAP_NONE || known.size == LM_SIZEMAP_MOVING)
		return known.size;
	if (way_of(p, &known) != LM_WAY_C)
		return LM_SIZEMAP_OPERATORS;
	return leave(&known, p, value) ? known.size : LM_SIZEMAP_NONE;
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
	struct known known = known_at(p);

	if (known.size != LM_SIZEMAP_MOVING)
		return;
	if (known.place)
		lm_sparse_remove(known.place, p, LM_SPARSE_MOVING);
	else if (lm_replace_half(known.entry, ENTRY_MOVING, ENTRY_NONE) && lm_filter_is_kept())
		lm_filter_remove(p);
}

/* ---- marks ---- */

void lm_sizemap_mark(const void *p)
{
	struct lm_sparse_place *place = known_at(p).place;
	unsigned bit, *word = place ? NULL : lm_leaves_mark(p, &bit, 1);

	if (place)
		lm_sparse_mark(place);
	else if (word)
		lm_fetch_or(word, bit);
}

int lm_sizemap_unmark(const void *p)
{
	unsigned bit, *word = lm_leaves_mark(p, &bit, 0);

	if (!word || !(lm_load(word) & bit))
		return is_sparse() && lm_sparse_unmark(p);
	lm_fetch_and(word, ~bit);
	return 1;
}

void lm_sizemap_unmark_all(void)
{
	lm_leaves_forget_marks();
	lm_sparse_unmark_all();
}

/* ---- the whole ---- */

void lm_sizemap_set_sparse(int few)
{
	lm_store(&blocks_are_few, few);
}

void lm_sizemap_unlock(void)
{
	lm_leaves_unlock();
}

void lm_sizemap_release(void)
{
	lm_leaves_release();
	lm_filter_reset();
	lm_sparse_forget();
	lm_store(&blocks_are_few, 0);
}
