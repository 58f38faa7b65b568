/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See replay.h. A processor can't predict which of malloc and free comes next. So a
 * record is taken apart without a branch on its kind, and a table says what it has.
 */
#include "replay.h"
#include "packed.h"
#include "parse_packed.h"

#include <string.h>

enum {
	/* So many events are read before they are applied. Their slots come into the cache meanwhile. */
	BATCH = 16,
	/* After so many bytes the input is told how far reading is. */
	CHUNK = 4096,
};

/* What a kind of record has. Masks are 0 or all ones. */
struct way {
	uint64_t releases, adds;
	uint64_t second;    /* ones in the lowest byte if there is a second word */
	unsigned char size; /* in bytes; 0: it is no event, or one of the longer ones */
	unsigned char call;
};

enum { KINDS = 128 };

#define ALL           UINT64_MAX
#define BY_KIND(kind) ((kind) / 2 - LM_PACKED_FREE / 2)

/* By a record's first byte without its lowest bit. Lines of text begin with smaller bytes, and are at the end. */
static const struct way ways[KINDS] = {
	[BY_KIND(LM_PACKED_FREE)] = {ALL, 0, 0, 8, LM_CALL_FREE},
	[BY_KIND(LM_PACKED_FREE_OF)] = {ALL, 0, 0xff, 16, LM_CALL_FREE},
	[BY_KIND(LM_PACKED_MALLOC)] = {0, ALL, 0xff, 16, LM_CALL_MALLOC},
	[BY_KIND(LM_PACKED_CALLOC)] = {0, ALL, 0xff, 16, LM_CALL_CALLOC},
	[BY_KIND(LM_PACKED_REALLOC_AT)] = {ALL, ALL, 0xff, 16, LM_CALL_REALLOC},
};

/* What is known of the trace. It does not change while records are read here. */
struct known {
	const uint32_t *stacks; /* by nodes, see node_table_known() */
	size_t nodes;
	const uint32_t *threads; /* by numbers, see threads_place() */
	size_t numbers;
};

static struct known what_is_known(const struct trace_image *image)
{
	return (struct known){image->nodes.known, image->nodes.known_room, image->threads.places,
	                      image->threads.numbers};
}

/*
 * Takes the record at TEXT apart, which has LINE. Returns its length; 0 if it is not
 * such an event, is damaged, or has something new. CHANGE has zeros where no packed
 * record has anything.
 */
static inline __attribute__((always_inline)) size_t take(const struct known known, const unsigned char *text,
                                                         uint64_t line, struct heap_change *change)
{
	uint64_t first = lm_packed_load(text), block = lm_packed_load(text + LM_PACKED_WORD);
	uint64_t address = lm_packed_address(first);
	const struct way *way = &ways[((first & 0xff) ^ LM_PACKED_FREE) >> 1];
	uint64_t node = lm_packed_trace(block) & way->adds;
	unsigned number = lm_packed_thread(first);
	uint32_t stack, thread;

	/* An allocation at no address failed, and was not the tracker's to pack. */
	if ((~block & way->second) | (node >= known.nodes) | (number >= known.numbers) |
	    ((address == 0) & (way->adds & 1)))
		return 0;
	stack = known.stacks[node];
	thread = known.threads[number];
	if ((stack == NUMBERS_NONE) | ((thread == THREADS_OTHER) & (number != 0)))
		return 0;
	change->released = address & way->releases;
	change->added = (struct heap_block){
		.address = address & way->adds,
		.size = lm_packed_size(block),
		.line = line,
		.call = (enum lm_call)way->call,
		.thread = thread,
		.stack = stack,
		.slack = (int32_t)(lm_packed_usable(block) - lm_packed_size(block)),
	};
	return way->size;
}

/* A calloc of several elements, or a realloc that moved the block. As take(). Inlined, it would take its registers. */
static __attribute__((noinline)) size_t take_long(const struct known known, const unsigned char *text, uint64_t line,
                                                  struct heap_change *change)
{
	unsigned char two[2 * LM_PACKED_WORD];
	uint64_t third = lm_packed_load(text + (size_t)2 * LM_PACKED_WORD);
	enum lm_packed_kind kind = lm_packed_kind(*text);
	bool moves = kind == LM_PACKED_REALLOC;

	if ((!moves && kind != LM_PACKED_CALLOC_OF) || (third & 0xff) != LM_PACKED_REST)
		return 0;
	/* A realloc that returned null failed, and released nothing. */
	if (moves && !(third >> LM_PACKED_NEW))
		return 0;
	/* The same with two words, but for the new address. */
	memcpy(two, text, sizeof two);
	two[0] = (unsigned char)((moves ? LM_PACKED_REALLOC_AT : LM_PACKED_CALLOC) | (*text & 1));
	if (!take(known, two, line, change))
		return 0;
	if (moves)
		change->added.address = third >> LM_PACKED_NEW;
	return (size_t)3 * LM_PACKED_WORD;
}

/* Can the next event be read in the short way? */
static bool is_plain(const struct trace *trace)
{
	return trace->section == SECTION_PACKED && !trace->ending && !trace->image.live_left && !trace->unfinished &&
	       !trace->without_short_cuts && !trace->without_stacks && input_at_word(&trace->input) &&
	       input_at_line(&trace->input);
}

/* COUNT events in LEN bytes were read. */
static void pass(struct trace *trace, size_t len, size_t count)
{
	trace->below_text = trace->in_file = false;
	trace->records += count;
	trace->image.events += count;
	input_pass(&trace->input, len, count);
	trace->image.last_line = trace->input.lines;
}

/* Reads and applies events from at most CHUNK bytes. Returns their number, or -ENOMEM. */
static ssize_t replay_chunk(struct heap *heap, struct trace *trace)
{
	const struct known known = what_is_known(&trace->image);
	struct heap_change changes[BATCH] = {{.released = 0}};
	uint64_t line = trace->input.lines;
	size_t len, at = 0, count, all = 0;
	const unsigned char *text = (const unsigned char *)input_ahead(&trace->input, &len);
	int error = 0;

	do {
		for (count = 0; count < BATCH && at + PARSE_PACKED_MAX <= len; count++) {
			size_t size = take(known, text + at, ++line, &changes[count]);

			if (!size)
				size = take_long(known, text + at, line, &changes[count]);
			if (!size)
				break;
			/* One of both is 0, or they are the same, or the block was moved: then that is as good as
			 * nothing. */
			heap_fetch(heap, changes[count].released | changes[count].added.address);
			at += size;
		}
		error = heap_apply_all(heap, changes, count);
		all += count;
	} while (!error && count == BATCH && at < CHUNK);
	if (all)
		pass(trace, at, all);
	return error ? error : (ssize_t)all;
}

int replay_packed(struct heap *heap, struct trace *trace)
{
	int error = 0;
	ssize_t count = 1;

	if (!is_plain(trace))
		return 0;
	error = heap_settle(heap);
	while (!error && count > 0) {
		count = replay_chunk(heap, trace);
		error = count < 0 ? (int)count : 0;
	}
	return error;
}
