/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See stacks.h. */
#include "stacks.h"
#include "array.h"
#include "frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool same_frame(const void *owner, uint32_t place, const void *key)
{
	const struct stacks *stacks = owner;
	const struct stacks_frame *frame = key;

	return stacks->frames[place].len == frame->len &&
	       memcmp(stacks->frames[place].text, frame->text, frame->len) == 0;
}

int stacks_add_frame(struct stacks *stacks, const char *text, size_t len, uint32_t *frame)
{
	struct stacks_frame key = {text, len}, *frames;
	uint64_t hash = hash_bytes(text, len);
	struct frame parts;

	*frame = hash_find(&stacks->frame_table, hash, same_frame, stacks, &key);
	if (*frame != HASH_NONE)
		return 0;
	/* So each distinct frame is checked only once. */
	if (frame_parse(text, len, &parts) != 0)
		return -EINVAL;
	frames = array_grow(stacks->frames, &stacks->frame_room, stacks->frame_count + 1, sizeof *frames);
	if (!frames)
		return -ENOMEM;
	stacks->frames = frames;
	key.text = pool_copy(&stacks->pool, text, len);
	if (!key.text)
		return -ENOMEM;
	*frame = (uint32_t)stacks->frame_count;
	frames[stacks->frame_count] = key;
	if (hash_add(&stacks->frame_table, hash, *frame) != 0)
		return -ENOMEM;
	stacks->frame_count++;
	return 0;
}

static bool same_stack(const void *owner, uint32_t place, const void *key)
{
	const struct stacks *stacks = owner;
	const struct stack *stack = key;

	return stacks->stacks[place].depth == stack->depth &&
	       memcmp(stacks->stacks[place].frames, stack->frames, stack->depth * sizeof *stack->frames) == 0;
}

int stacks_add(struct stacks *stacks, const uint32_t *frames, size_t depth, uint32_t *stack)
{
	struct stack key = {frames, depth}, *grown;
	uint64_t hash = hash_bytes(frames, depth * sizeof *frames);
	uint32_t place, *copy;

	*stack = STACK_NONE;
	if (depth == 0)
		return 0;
	place = hash_find(&stacks->stack_table, hash, same_stack, stacks, &key);
	if (place != HASH_NONE) {
		*stack = place + 1;
		return 0;
	}
	grown = array_grow(stacks->stacks, &stacks->stack_room, stacks->stack_count + 1, sizeof *grown);
	if (!grown)
		return -ENOMEM;
	stacks->stacks = grown;
	copy = pool_alloc(&stacks->pool, depth * sizeof *copy);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, frames, depth * sizeof *copy);
	grown[stacks->stack_count] = (struct stack){copy, depth};
	if (hash_add(&stacks->stack_table, hash, (uint32_t)stacks->stack_count) != 0)
		return -ENOMEM;
	*stack = (uint32_t)++stacks->stack_count;
	return 0;
}

int stacks_set_number(struct stacks *stacks, uint64_t number, uint32_t stack)
{
	return hash_set_number(&stacks->number_table, number, stack);
}

uint32_t stacks_find_number(const struct stacks *stacks, uint64_t number)
{
	uint32_t stack = hash_find_number(&stacks->number_table, number);

	return stack == HASH_NONE ? STACK_NONE : stack;
}

int stacks_add_guess(struct stacks *stacks, uint64_t address)
{
	return hash_set_number(&stacks->guess_table, address, 0);
}

bool stacks_is_guess(const struct stacks *stacks, uint64_t address)
{
	return stacks->guess_table.used && hash_find_number(&stacks->guess_table, address) != HASH_NONE;
}

/* A block and its text. */
struct block {
	const char *text;
	size_t len;
};

/* Are the lines of the block exactly the frames of the backtrace? */
static bool same_block(const void *owner, uint32_t stack, const void *key)
{
	const struct stacks *stacks = owner;
	struct stack frames = stacks->stacks[stack - 1];
	struct block block = *(const struct block *)key;

	for (size_t i = 0; i < frames.depth; i++) {
		struct stacks_frame frame = stacks->frames[frames.frames[i]];

		if (block.len <= frame.len || block.text[frame.len] != '\n' ||
		    memcmp(block.text, frame.text, frame.len) != 0)
			return false;
		block.text += frame.len + 1;
		block.len -= frame.len + 1;
	}
	return block.len == 0;
}

uint32_t stacks_find_block(const struct stacks *stacks, const char *text, const struct scan_block *block)
{
	struct block key = {text, block->len};
	uint32_t stack = hash_find(&stacks->block_table, block->hash, same_block, stacks, &key);

	return stack == HASH_NONE ? STACK_NONE : stack;
}

int stacks_set_block(struct stacks *stacks, const char *text, const struct scan_block *block, uint32_t stack)
{
	struct block key = {text, block->len};

	if (stack == STACK_NONE || !same_block(stacks, stack, &key))
		return 0;
	return hash_add(&stacks->block_table, block->hash, stack);
}

struct stack stacks_get(const struct stacks *stacks, uint32_t stack)
{
	if (stack == STACK_NONE || stack > stacks->stack_count)
		return (struct stack){0};
	return stacks->stacks[stack - 1];
}

struct stacks_frame stacks_frame_at(const struct stacks *stacks, uint32_t frame)
{
	return stacks->frames[frame];
}

void stacks_free(struct stacks *stacks)
{
	pool_free(&stacks->pool);
	free(stacks->frames);
	free(stacks->stacks);
	hash_free(&stacks->frame_table);
	hash_free(&stacks->stack_table);
	hash_free(&stacks->number_table);
	hash_free(&stacks->block_table);
	hash_free(&stacks->guess_table);
	*stacks = (struct stacks){0};
}
