/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See unused_stacks.h. A thread's stack is a mapping with a page below that nobody may touch, the guard. glibc keeps
 * the stacks of threads that have ended for later ones. On top of each lies its struct pthread, which has three words
 * one after the other: where the mapping begins, its size, and the size of the guard.
 *
 * A stack that is not recognised is in use as a whole. So is that of a thread which is on another one just now.
 */
#include "unused_stacks.h"

#include <errno.h>
#include <string.h>

enum { PAGE = 4096 };

/* A thread's stack, and the struct pthread on top of it. */
struct thread_stack {
	uint64_t low, high;
	uint64_t described; /* where the three words are; 0: it is not known */
};

static bool is_inside(uint64_t address, uint64_t from, uint64_t to)
{
	return address >= from && address < to;
}

/* What lies below the region that can't be touched, or NULL. */
static const struct region *guard_of(const struct copy *copy, size_t place)
{
	const struct region *region = &copy->regions.items[place], *below = region - 1;

	if (!place || region->inode || region->shared || !region->writable || below->end != region->start)
		return NULL;
	return below->readable || below->writable || below->executable ? NULL : below;
}

/* ---- a thread that has ended ---------------------------------------------------- */

/* The struct pthread near AT has its own address in its first and third word on x86. 0: not found. */
static uint64_t find_pthread(const struct copy *copy, uint64_t at)
{
	enum { LARGEST = 3072, ALIGNMENT = 64 };
	uint64_t pthread = at / ALIGNMENT * ALIGNMENT, first, third;

	for (; at - pthread < LARGEST; pthread -= ALIGNMENT) {
		if (copy_word(copy, pthread, &first) && first == pthread &&
		    copy_word(copy, pthread + (uint64_t)2 * copy->word, &third) && third == pthread)
			return pthread;
	}
	return 0;
}

/*
 * Has somebody joined the thread, or was it detached? Then nobody will ask for its result. The thread's number is -1
 * after a join. A detached thread's struct has its own address once more.
 */
static bool is_forgotten(const struct copy *copy, uint64_t pthread, uint64_t end)
{
	const uint64_t number = pthread + (copy->word == 8 ? 720 : 104);
	uint64_t word;
	int32_t tid;

	if (copy_read(copy, number, &tid, sizeof tid) && tid == -1)
		return true;
	for (uint64_t at = pthread + (uint64_t)3 * copy->word; at < end; at += copy->word) {
		if (copy_word(copy, at, &word) && word == pthread)
			return true;
	}
	return false;
}

/* Of the stack of a thread that has ended, its result can be in use, if somebody may still ask for it. */
static int add_ended(struct ranges *unused, struct ranges *ended, const struct copy *copy,
                     const struct thread_stack *stack)
{
	enum { PTHREAD = 2304 };
	uint64_t pthread = find_pthread(copy, stack->described);
	int error;

	if (!pthread)
		return ranges_add(unused, stack->low, stack->described - PTHREAD);
	error = ranges_add(ended, pthread, stack->high);
	if (error)
		return error;
	return ranges_add(unused, stack->low, is_forgotten(copy, pthread, stack->high) ? stack->high : pthread);
}

/* ---- any thread ----------------------------------------------------------------- */

/* Do the three words at AT describe a stack whose lowest byte that can be used is LOW? */
static bool describes(const struct copy *copy, uint64_t at, uint64_t low, const struct region *guard,
                      const struct region *region, struct thread_stack *stack)
{
	uint64_t begin, size, guarded;

	if (!copy_word(copy, at, &begin) || begin < guard->start || begin >= low || begin % PAGE)
		return false;
	if (!copy_word(copy, at + copy->word, &size) || !copy_word(copy, at + (uint64_t)2 * copy->word, &guarded))
		return false;
	if (guarded != low - begin || size % PAGE || size > region->end - begin || begin + size <= at)
		return false;
	*stack = (struct thread_stack){low, begin + size, at};
	return true;
}

/* Searches a piece of REGION, from its end on. */
static bool search_piece(const struct copy *copy, const struct copy_piece *piece, const struct region *guard,
                         const struct region *region, struct thread_stack *stack)
{
	for (size_t at = piece->size / copy->word; at--;) {
		uint64_t word = copy_load(piece->bytes + at * copy->word, copy->word);

		if (is_inside(word, guard->start, guard->end) &&
		    describes(copy, piece->address + at * copy->word, region->start, guard, region, stack))
			return true;
	}
	return false;
}

/* Finds the stack that the region begins with. */
static bool find_described(const struct copy *copy, const struct region *guard, const struct region *region,
                           struct thread_stack *stack)
{
	for (size_t i = copy_find(copy, region->start); i < copy->piece_count; i++) {
		if (copy->pieces[i].address >= region->end)
			return false;
		if (search_piece(copy, &copy->pieces[i], guard, region, stack))
			return true;
	}
	return false;
}

/* Is a thread at home there? *SP is then the lowest stack pointer in it, or 0 if the thread is on another stack. */
static bool is_alive(const struct copy *copy, const struct thread_stack *stack, uint64_t *sp)
{
	bool alive = false;

	*sp = 0;
	for (size_t i = 0; i < copy->thread_count; i++) {
		const struct registers_thread *thread = &copy->threads[i];
		bool is_on = is_inside(thread->sp, stack->low, stack->high);

		alive |= is_on || is_inside(thread->tp, stack->low, stack->high);
		if (is_on && (!*sp || thread->sp < *sp))
			*sp = thread->sp;
	}
	return alive;
}

/*
 * Does every thread that is there have its thread-local storage there, too? A stack that is not a thread's may end
 * anywhere.
 */
static bool is_of_thread(const struct copy *copy, const struct thread_stack *stack)
{
	bool found = false;

	for (size_t i = 0; i < copy->thread_count; i++) {
		const struct registers_thread *thread = &copy->threads[i];

		if (!is_inside(thread->sp, stack->low, stack->high))
			continue;
		if (!is_inside(thread->tp, stack->low, stack->high))
			return false;
		found = true;
	}
	return found;
}

static int add_below(struct ranges *unused, const struct thread_stack *stack, uint64_t sp)
{
	return sp > stack->low + MACHINE_RED_ZONE ? ranges_add(unused, stack->low, sp - MACHINE_RED_ZONE) : 0;
}

static int look_at(struct ranges *unused, struct ranges *ended, const struct copy *copy, size_t place)
{
	const struct region *region = &copy->regions.items[place], *guard = guard_of(copy, place);
	struct thread_stack stack = {region->start, region->end, 0};
	bool is_known, alive;
	uint64_t sp;

	if (strcmp(region->name, "[stack]") == 0)
		return is_alive(copy, &stack, &sp) ? add_below(unused, &stack, sp) : 0;
	if (!guard)
		return 0;
	is_known = find_described(copy, guard, region, &stack);
	alive = is_alive(copy, &stack, &sp);
	if (alive)
		return is_known || is_of_thread(copy, &stack) ? add_below(unused, &stack, sp) : 0;
	return is_known ? add_ended(unused, ended, copy, &stack) : 0;
}

/* Where each thread is, has to be known. On some machines it is not. */
static bool is_known_of_all(const struct copy *copy)
{
	for (size_t i = 0; i < copy->thread_count; i++) {
		if (!copy->threads[i].sp || !copy->threads[i].tp)
			return false;
	}
	return true;
}

int unused_stacks_find(struct ranges *unused, struct ranges *ended, const struct copy *copy)
{
	int error = 0;

	if (!is_known_of_all(copy))
		return 0;
	for (size_t i = 0; !error && i < copy->regions.count; i++)
		error = look_at(unused, ended, copy, i);
	return error;
}
