/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See reach.h. Blocks are followed in two passes, as memcheck does. The first one begins at the roots: what it comes to
 * is reachable, or possibly lost if a pointer into the inside of a block was needed on the way. The second one goes
 * through the blocks that are left, in the order of their addresses. From each of them it follows pointers to others
 * that are left: these are lost indirectly. If blocks point to each other in a circle, the first one that was
 * looked at stays definitely lost, unless a later block leads to it.
 */
#include "reach.h"
#include "allocator.h"
#include "array.h"
#include "index.h"
#include "inside.h"
#include "main_arena.h"
#include "pointer.h"
#include "released.h"
#include "unused_stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct marking {
	struct reach_copy *copy;
	struct reach_block *blocks;
	struct index index;
	struct inside inside;
	uint32_t *waiting; /* blocks whose content is to be looked at */
	size_t waiting_count, waiting_room;
	bool from_roots;  /* the first pass */
	bool is_definite; /* what is looked at is reachable itself */
	bool is_loader;   /* what is looked at is the loader's: it knows blocks by addresses inside of them */
	size_t leader;    /* in the second pass: the block that it follows pointers from */
	int error;
};

/* The address that WORD is, if it is a pointer. */
static inline uint64_t address_in(const struct marking *m, uint64_t word)
{
	return word & ~m->copy->memory.tags;
}

static void push(struct marking *m, size_t place, enum reach reach)
{
	uint32_t *waiting = array_grow(m->waiting, &m->waiting_room, m->waiting_count + 1, sizeof *waiting);

	if (!waiting) {
		m->error = -ENOMEM;
		return;
	}
	m->blocks[place].reach = reach;
	m->waiting = waiting;
	waiting[m->waiting_count++] = (uint32_t)place;
}

/* A pointer to the block at PLACE was found in the first pass. A block that turns out reachable is looked at again. */
static void reach_from_root(struct marking *m, size_t place, uint64_t pointer)
{
	const struct reach_block *block = &m->blocks[place];

	if (block->reach == REACH_REACHABLE)
		return;
	if (m->is_definite &&
	    (pointer == block->address || m->is_loader || inside_counts(&m->inside, &m->copy->memory, block, pointer)))
		push(m, place, REACH_REACHABLE);
	else if (block->reach == REACH_LOST)
		push(m, place, REACH_POSSIBLE);
}

static inline void take_word(struct marking *m, uint64_t word)
{
	const uint64_t pointer = address_in(m, word);
	size_t place = index_find(&m->index, pointer);

	if (place == INDEX_NONE)
		return;
	if (m->from_roots)
		reach_from_root(m, place, pointer);
	else if (m->blocks[place].reach == REACH_LOST && place != m->leader)
		push(m, place, REACH_INDIRECT);
}

static void scan_bytes(struct marking *m, const unsigned char *bytes, size_t size)
{
	const unsigned word = m->copy->memory.word;

	m->copy->scanned += size;
	if (word == 8) {
		for (size_t at = 0; at + 8 <= size; at += 8)
			take_word(m, copy_load(bytes + at, 8));
	} else {
		for (size_t at = 0; at + 4 <= size; at += 4)
			take_word(m, copy_load(bytes + at, 4));
	}
}

/* Looks at the pointers that lie as a whole between FROM and TO. */
static void scan(struct marking *m, uint64_t from, uint64_t to)
{
	const struct copy *copy = &m->copy->memory;

	from = (from + copy->word - 1) / copy->word * copy->word;
	for (size_t i = copy_find(copy, from); i < copy->piece_count && copy->pieces[i].address < to; i++) {
		const struct copy_piece *piece = &copy->pieces[i];
		uint64_t begin = piece->address > from ? piece->address : from;
		uint64_t end = piece->address + piece->size;

		if (end > to)
			end = to;
		if (begin < end)
			scan_bytes(m, piece->bytes + (begin - piece->address), (size_t)(end - begin));
	}
}

static void follow(struct marking *m)
{
	while (m->waiting_count && !m->error) {
		const struct reach_block *block = &m->blocks[m->waiting[--m->waiting_count]];

		m->is_definite = block->reach != REACH_POSSIBLE;
		scan(m, block->address, block->address + block->size);
	}
}

/* ---- roots ---------------------------------------------------------------------- */

/* Live blocks lie among the roots where an allocator's memory is not known as such. They are none. */
static void scan_around_blocks(struct marking *m, uint64_t from, uint64_t to)
{
	const struct index *index = &m->index;

	for (size_t i = index_first_behind(index, from); from < to; i++) {
		if (i >= index->count || m->blocks[i].address >= to) {
			scan(m, from, to);
			return;
		}
		if (m->blocks[i].address > from)
			scan(m, from, m->blocks[i].address);
		if (index_end(&m->blocks[i]) > from)
			from = index_end(&m->blocks[i]);
	}
}

/*
 * glibc's table of a thread's dynamic thread-local storage belongs to the loader. The thread TP, which may have ended,
 * has a pointer to the second entry.
 */
static void take_table(struct marking *m, uint64_t tp)
{
	const struct copy *copy = &m->copy->memory;
	const uint64_t entry = (uint64_t)2 * copy->word;

	for (unsigned i = 0; tp && i < 2; i++) {
		uint64_t word, table;
		size_t place;

		if (!copy_word(copy, tp + (uint64_t)i * copy->word, &word))
			continue;
		table = address_in(m, word) - entry;
		place = index_find(&m->index, table);
		if (place != INDEX_NONE && m->blocks[place].address == table)
			take_word(m, table);
	}
}

/* A thread whose stack is a block uses all of that. */
static void take_thread(struct marking *m, const struct registers_thread *thread)
{
	size_t place = index_find(&m->index, address_in(m, thread->sp));

	for (size_t i = 0; i < thread->count; i++)
		take_word(m, thread->registers[i]);
	if (place != INDEX_NONE && m->blocks[place].reach != REACH_REACHABLE)
		push(m, place, REACH_REACHABLE);
	take_table(m, thread->tp);
}

/* glibc's loader aligns what it gets by malloc() for itself, and keeps the address that it aligned. */
static void take_loader(struct marking *m)
{
	const struct regions *regions = &m->copy->memory.regions;

	m->is_loader = true;
	for (size_t i = 0; i < regions->count; i++) {
		const char *name = strrchr(regions->items[i].name, '/');

		if (name && strncmp(name, "/ld-", 4) == 0 && regions->items[i].writable)
			scan(m, regions->items[i].start, regions->items[i].end);
	}
	m->is_loader = false;
}

/* What of the copy is a root, and where threads that have ended lie. 0 or -ENOMEM. */
static int find_roots(struct ranges *roots, struct ranges *ended, const struct marking *m)
{
	const struct copy *copy = &m->copy->memory;
	struct ranges others = {.items = NULL};
	int error = unused_stacks_find(&others, ended, copy);

	if (!error)
		error = main_arena_find(&others, copy);
	if (!error && m->copy->is_partial)
		error = released_find(&others, copy, m->blocks, m->index.count);
	else if (!error)
		error = allocator_find(&others, copy, m->blocks, m->index.count);
	for (size_t i = 0; !error && i < copy->piece_count; i++)
		error = ranges_add(roots, copy->pieces[i].address, copy->pieces[i].address + copy->pieces[i].size);
	ranges_sort(roots);
	ranges_sort(&others);
	if (!error)
		error = ranges_subtract(roots, &others);
	ranges_free(&others);
	return error;
}

static int mark_from_roots(struct marking *m)
{
	struct ranges roots = {.items = NULL}, ended = {.items = NULL};
	int error = find_roots(&roots, &ended, m);

	m->from_roots = m->is_definite = true;
	for (size_t i = 0; !error && i < m->copy->memory.thread_count; i++)
		take_thread(m, &m->copy->memory.threads[i]);
	if (!error)
		take_loader(m);
	for (size_t i = 0; !error && i < ended.count; i++)
		take_table(m, ended.items[i].from);
	for (size_t i = 0; !error && i < roots.count; i++)
		scan_around_blocks(m, roots.items[i].from, roots.items[i].to);
	ranges_free(&roots);
	ranges_free(&ended);
	follow(m);
	return error ? error : m->error;
}

static int mark_indirect(struct marking *m)
{
	m->from_roots = false;
	for (size_t i = 0; i < m->index.count && !m->error; i++) {
		if (m->blocks[i].reach != REACH_LOST)
			continue;
		m->leader = i;
		scan(m, m->blocks[i].address, m->blocks[i].address + m->blocks[i].size);
		follow(m);
	}
	return m->error;
}

/* ---- all ------------------------------------------------------------------------ */

/* Each block is sought by its address alone, and keeps what that had as a tag. */
static void take_tags_off(struct reach_block *blocks, size_t count, uint64_t tags)
{
	for (size_t i = 0; i < count; i++) {
		blocks[i].tag = (unsigned char)((blocks[i].address & tags) >> LM_POINTER_TAG_SHIFT);
		blocks[i].address &= ~tags;
	}
}

static void put_tags_back(struct reach_block *blocks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		blocks[i].address |= (uint64_t)blocks[i].tag << LM_POINTER_TAG_SHIFT;
}

static int compare(const void *a, const void *b)
{
	const struct reach_block *left = a, *right = b;

	return left->address < right->address ? -1 : left->address > right->address;
}

int reach_prepare(struct reach_copy *copy, pid_t pid)
{
	return copy_prepare(&copy->memory, pid);
}

int reach_copy(struct reach_copy *copy, const struct stop *stop, struct reach_block *blocks, size_t count)
{
	(void)blocks, (void)count;
	return copy_take(&copy->memory, stop);
}

int reach_mark(struct reach_copy *copy, struct reach_block *blocks, size_t count)
{
	struct marking *m = calloc(1, sizeof *m);
	int error;

	if (!m)
		return -ENOMEM;
	*m = (struct marking){.copy = copy, .blocks = blocks};
	for (size_t i = 0; i < count; i++)
		blocks[i].reach = REACH_LOST;
	take_tags_off(blocks, count, copy->memory.tags);
	if (count)
		qsort(blocks, count, sizeof *blocks, compare);
	error = index_make(&m->index, blocks, count);
	if (!error)
		error = mark_from_roots(m);
	if (!error)
		error = mark_indirect(m);
	put_tags_back(blocks, count);
	index_free(&m->index);
	free(m->waiting);
	free(m);
	return error;
}

void reach_free(struct reach_copy *copy)
{
	copy_free(&copy->memory);
	*copy = (struct reach_copy){.is_partial = false};
}
