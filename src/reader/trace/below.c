/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See below.h. */
#include "below.h"
#include "complain.h"
#include "noise.h"
#include "packed.h"
#include "packed_part.h"

#include <errno.h>
#include <string.h>

/* Blanks that fill a record of a packed trace up to a multiple of eight bytes. */
enum { PADDING_MAX = 7 };

/* Can the line that was just read be a record's last one? A record of several lines has no padding in front of that. */
static bool can_end_record(const struct trace *trace)
{
	size_t len;
	const char *next = input_ahead(&trace->input, &len);

	return !len || *next == '+' || *next == '#' || *next == '\0' || (unsigned char)*next >= LM_PACKED_FREE;
}

/* A record of a packed trace ends here. Takes the blanks away that it was filled up with. */
static void strip_padding(struct line *line)
{
	size_t len = line->len;

	while (len && line->len - len < PADDING_MAX && line->text[len - 1] == ' ')
		len--;
	/* A line of '#' and blanks stands for a call that had not returned. */
	if (len != 1 || line->text[0] != '#')
		line->len = len;
}

int below_read_line(struct trace *trace, bool *whole)
{
	const struct line *line = &trace->line;
	int got = input_next(&trace->input, &trace->line);

	if (got <= 0)
		return got;
	complain_of_gap(trace, line->number, line->after_nuls);
	trace->below_text = true;
	if ((trace->section == SECTION_UNKNOWN || trace->noisy || input_at_word(&trace->input)) &&
	    can_end_record(trace))
		strip_padding(&trace->line);
	*whole = line->finished;
	if (line->cut)
		complain(trace, line->number, "the line is too long");
	else if (!line->finished)
		trace->unfinished = line->number;
	return 1;
}

/*
 * Does the next line belong to the record above, because it does not begin with '+'
 * or '#'? 1, 0 if a record or nothing follows, or -errno.
 */
static int is_below(struct trace *trace)
{
	char byte;
	int got = input_peek(&trace->input, &byte);

	if (got <= 0 || byte == '+' || byte == '#')
		return got < 0 ? got : 0;
	got = packed_is_next(trace);
	return got < 0 ? got : !got;
}

/* Reads the next line that can be used, if it belongs to the record above. 1, 0 if it does not, or -errno. */
static int next_below(struct trace *trace)
{
	bool whole = false;
	int got;

	do {
		got = is_below(trace);
		if (got > 0)
			got = below_read_line(trace, &whole);
	} while (got > 0 && !whole);
	return got;
}

static int take_frame(struct trace *trace, size_t *depth)
{
	const struct line *line = &trace->line;
	int error;

	if (trace->without_stacks || line->len == 0 || *depth == TRACE_DEPTH_MAX || trace->torn)
		return 0;
	if (trace->noisy && noise_doubts_frame(trace, line)) {
		trace->malformed++;
		trace->torn = true;
		return 0;
	}
	error = stacks_add_frame(&trace->image.stacks, line->text, line->len, &trace->frames[*depth]);
	if (error == -EINVAL && trace->noisy) {
		trace->torn = noise_has_remains(line);
		trace->malformed += line->len > 3 && memcmp(line->text, "[0x", 3) == 0;
		noise_take_line(trace);
		return 0;
	}
	if (error == -EINVAL) {
		complain(trace, line->number, "this is neither a record nor a frame");
		return 0;
	}
	if (!error)
		++*depth;
	return error;
}

/* Reads the frames below a record one by one. 0 or -errno. */
static int take_frames(struct trace *trace, uint32_t *stack)
{
	size_t depth = 0;
	int got, error = 0;

	trace->torn = false;
	while ((got = next_below(trace)) > 0) {
		error = take_frame(trace, &depth);
		if (error)
			return error;
	}
	return got < 0 ? got : stacks_add(&trace->image.stacks, trace->frames, depth, stack);
}

/*
 * Reads the frames below a record as one block. Most backtraces were there before,
 * and are recognised as a whole. 0 or -errno.
 */
static int take_block(struct trace *trace, const char *text, const struct scan_block *block, uint32_t *stack)
{
	struct stacks *stacks = &trace->image.stacks;
	struct guess_block known = {.len = block->len};
	int error;

	*stack = stacks_find_block(stacks, text, block);
	if (*stack != STACK_NONE) {
		known.lines = stacks_get(stacks, *stack).depth;
		guess_learn(&trace->image.guess, *stack, text, &known);
		input_pass(&trace->input, known.len, known.lines);
		return 0;
	}
	/* The whole block is in memory, and does not move meanwhile. */
	error = take_frames(trace, stack);
	return error ? error : stacks_set_block(stacks, text, block, *stack);
}

int below_take_stack(struct trace *trace, uint32_t *stack)
{
	struct scan_block block;
	const char *text;
	size_t len;
	int got = is_below(trace);

	if (got <= 0)
		return got;
	text = input_ahead(&trace->input, &len);
	if (trace->unfinished || trace->without_short_cuts || trace->section == SECTION_PACKED ||
	    !scan_block(text, len, &block))
		return take_frames(trace, stack);
	if (!trace->without_stacks)
		return take_block(trace, text, &block, stack);
	input_pass(&trace->input, block.len, scan_count_lines(text, block.len));
	return 0;
}

int below_take_expected(struct trace *trace, uint32_t *stack)
{
	struct guess_block block;
	const char *text;
	size_t len;

	text = input_ahead(&trace->input, &len);
	*stack = guess_stack(&trace->image.guess, text, len, &block);
	if (*stack == STACK_NONE)
		return below_take_stack(trace, stack);
	input_pass(&trace->input, block.len, block.lines);
	return 0;
}

int below_take_single_frame(struct trace *trace)
{
	uint64_t number = trace->record.number;
	size_t depth = 0;
	int got = next_below(trace), error;

	if (got <= 0)
		return got;
	error = take_frame(trace, &depth);
	return error || !depth ? error : node_table_set_frame(&trace->image.nodes, number, trace->frames[0]);
}

int below_take_file_line(struct trace *trace)
{
	int error = 0;

	if (trace->in_map)
		error = maps_add_line(&trace->image.maps, trace->line.text, trace->line.len);
	if (error != -EINVAL)
		return error ? error : 1;
	if (trace->noisy)
		noise_take_line(trace);
	else
		complain(trace, trace->line.number, "this is not a line of a memory map");
	return 0;
}

int below_take_file(struct trace *trace)
{
	int got;

	while ((got = next_below(trace)) > 0 && (got = below_take_file_line(trace)) >= 0)
		continue;
	return got;
}
