/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The distinct backtraces of a process image. The text of each distinct frame is kept
 * once, and so is each distinct list of frames. So memory does not grow with the
 * length of the trace.
 */
#ifndef LM_READER_STACKS_H
#define LM_READER_STACKS_H

#include "hash.h"
#include "pool.h"
#include "scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STACK_NONE = 0, /* the backtrace without a frame */
};

struct stacks_frame {
	const char *text;
	size_t len;
};

struct stack {
	const uint32_t *frames; /* innermost first, for stacks_frame_at() */
	size_t depth;
};

struct stacks {
	struct pool pool;
	struct stacks_frame *frames;
	size_t frame_count, frame_room;
	struct hash_table frame_table;
	struct stack *stacks;
	size_t stack_count, stack_room;
	struct hash_table stack_table;
	struct hash_table number_table; /* compact format: backtraces by the trace's numbers */
	struct hash_table block_table;  /* full format: backtraces by their text */
	struct hash_table guess_table;  /* return addresses that the tracker guessed */
};

/* Gives FRAME the number of a frame. 0, -EINVAL if TEXT is no frame, or -ENOMEM. */
int stacks_add_frame(struct stacks *stacks, const char *text, size_t len, uint32_t *frame);

/* Gives STACK the number of a backtrace of DEPTH frames; STACK_NONE if DEPTH is 0. 0 or -ENOMEM. */
int stacks_add(struct stacks *stacks, const uint32_t *frames, size_t depth, uint32_t *stack);

/* Compact format: notes that the trace calls STACK by NUMBER from here on. 0 or -ENOMEM. */
int stacks_set_number(struct stacks *stacks, uint64_t number, uint32_t stack);

/* The backtrace that the trace calls by NUMBER; STACK_NONE if it never said. */
uint32_t stacks_find_number(const struct stacks *stacks, uint64_t number);

/*
 * Full format: the backtrace whose frames are the lines of BLOCK, which has the text
 * TEXT. STACK_NONE if it is not known from stacks_set_block(). The text was compared
 * byte for byte.
 */
uint32_t stacks_find_block(const struct stacks *stacks, const char *text, const struct scan_block *block);

/* Notes that BLOCK has the frames of STACK. Does nothing if BLOCK contains anything else. 0 or -ENOMEM. */
int stacks_set_block(struct stacks *stacks, const char *text, const struct scan_block *block, uint32_t stack);

/* Notes that the tracker guessed ADDRESS. 0 or -ENOMEM. */
int stacks_add_guess(struct stacks *stacks, uint64_t address);

bool stacks_is_guess(const struct stacks *stacks, uint64_t address);

/* Valid until the next addition. */
struct stack stacks_get(const struct stacks *stacks, uint32_t stack);
struct stacks_frame stacks_frame_at(const struct stacks *stacks, uint32_t frame);

void stacks_free(struct stacks *stacks);

#endif
