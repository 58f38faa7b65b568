/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The distinct backtraces of a process image. A frame's text is kept once, a
 * backtrace is a list of frames and is kept once as well, so memory grows with
 * what differs and not with the trace.
 */
#ifndef LM_READER_STACKS_H
#define LM_READER_STACKS_H

#include "hash.h"
#include "pool.h"
#include "scan.h"

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
	struct hash_table number_table; /* compact format: the trace's numbers */
	struct hash_table block_table;  /* full format: frames as they are written, one below the other */
};

/* The number of a frame; 0, -EINVAL if TEXT is no frame, -ENOMEM. */
int stacks_add_frame(struct stacks *stacks, const char *text, size_t len, uint32_t *frame);

/* The number of a backtrace of DEPTH frames, STACK_NONE if that is 0; 0 or -ENOMEM. */
int stacks_add(struct stacks *stacks, const uint32_t *frames, size_t depth, uint32_t *stack);

/* Compact format: the trace calls STACK by NUMBER from here on; 0 or -ENOMEM. */
int stacks_set_number(struct stacks *stacks, uint64_t number, uint32_t stack);

/* What the trace calls by NUMBER; STACK_NONE if it never said. */
uint32_t stacks_find_number(const struct stacks *stacks, uint64_t number);

/*
 * Full format: the backtrace whose frames BLOCK is, TEXT being its text, each
 * of them a line. STACK_NONE if stacks_set_block() has not told. What it finds
 * was compared byte for byte.
 */
uint32_t stacks_find_block(const struct stacks *stacks, const char *text, const struct scan_block *block);

/* BLOCK was read and gave STACK; does nothing if it contains anything else. 0 or -ENOMEM. */
int stacks_set_block(struct stacks *stacks, const char *text, const struct scan_block *block, uint32_t stack);

/* Valid until the next addition. */
struct stack stacks_get(const struct stacks *stacks, uint32_t stack);
struct stacks_frame stacks_frame_at(const struct stacks *stacks, uint32_t frame);

void stacks_free(struct stacks *stacks);

#endif
