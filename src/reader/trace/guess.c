/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See guess.h. */
#include "guess.h"
#include "stacks.h"

#include <stdlib.h>
#include <string.h>

/* Does TEXT begin with the text of ENTRY, and does a record follow? */
static inline bool is_it(const struct guess *guess, const struct guess_entry *entry, const char *text, size_t len)
{
	return entry->len && entry->len < len && (text[entry->len] == '+' || text[entry->len] == '#') &&
	       memcmp(guess->texts + entry->begin, text, entry->len) == 0;
}

/* Puts STACK, which is at index WAY, first. Those in front of it move back by one. */
static void to_front(uint32_t *next, unsigned way, uint32_t stack)
{
	for (; way; way--)
		next[way] = next[way - 1];
	next[0] = stack;
}

uint32_t guess_stack(struct guess *guess, const char *text, size_t len, struct guess_block *block)
{
	uint32_t *next;

	if (guess->last >= guess->count)
		return STACK_NONE;
	next = guess->entries[guess->last].next;
	for (unsigned way = 0; way < GUESS_WAYS; way++) {
		uint32_t stack = next[way];
		const struct guess_entry *entry = &guess->entries[stack];

		if (!is_it(guess, entry, text, len))
			continue;
		if (way)
			to_front(next, way, stack);
		guess->last = stack;
		*block = (struct guess_block){entry->len, entry->lines};
		return stack;
	}
	return STACK_NONE;
}

/* Makes entries for all backtraces up to STACK. False if there is no memory. */
static bool make_room(struct guess *guess, uint32_t stack)
{
	size_t count = guess->count ? guess->count : 64;
	struct guess_entry *entries;

	if (!guess->texts)
		guess->texts = malloc(GUESS_TEXTS);
	if (!guess->texts || stack < guess->count)
		return guess->texts;
	while (count <= stack)
		count *= 2;
	entries = reallocarray(guess->entries, count, sizeof *entries);
	if (!entries)
		return false;
	memset(entries + guess->count, 0, (count - guess->count) * sizeof *entries);
	guess->entries = entries;
	guess->count = count;
	return true;
}

static void keep_text(struct guess *guess, struct guess_entry *entry, const char *text, const struct guess_block *block)
{
	if (block->len > GUESS_TEXTS)
		return;
	if (guess->used + block->len > GUESS_TEXTS) {
		for (size_t i = 0; i < guess->count; i++)
			guess->entries[i].len = 0;
		guess->used = 0;
	}
	memcpy(guess->texts + guess->used, text, block->len);
	entry->begin = (uint32_t)guess->used;
	entry->len = (uint32_t)block->len;
	entry->lines = (uint32_t)block->lines;
	guess->used += block->len;
}

void guess_learn(struct guess *guess, uint32_t stack, const char *text, const struct guess_block *block)
{
	uint32_t last = guess->last;
	uint32_t *next;
	unsigned way = 0;

	if (!make_room(guess, stack))
		return;
	next = guess->entries[last].next;
	while (way < GUESS_WAYS - 1 && next[way] != stack)
		way++;
	to_front(next, way, stack);
	if (!guess->entries[stack].len)
		keep_text(guess, &guess->entries[stack], text, block);
	guess->last = stack;
}

void guess_free(struct guess *guess)
{
	free(guess->entries);
	free(guess->texts);
	*guess = (struct guess){0};
}
