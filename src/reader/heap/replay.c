/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See replay.h. A processor can't predict which of malloc and free comes next. So a
 * record is taken apart without a branch on its kind, and a table says what it has.
 */
#include "replay.h"
#include "packed.h"
#include "parse_packed.h"

enum {
	/* So many events are read before they are applied. Their slots come into the cache meanwhile. */
	BATCH = 16,
	/* After so many bytes the input is told how far reading is. */
	CHUNK = 4096,
};

/* What a kind of record has. Masks are 0 or all ones. */
struct way {
	uint64_t releases, adds, moves;
	uint64_t second, third; /* ones in the lowest byte if there is such a word */
	unsigned char words;    /* 0: it is no event */
	unsigned char call;
};

enum { KINDS = 128 };

#define ALL UINT64_MAX

/* By a record's first byte without its lowest bit. */
static const struct way ways[KINDS] = {
	[LM_PACKED_FREE / 2 - 64] = {ALL, 0, 0, 0, 0, 1, LM_CALL_FREE},
	[LM_PACKED_MALLOC / 2 - 64] = {0, ALL, 0, 0xff, 0, 2, LM_CALL_MALLOC},
	[LM_PACKED_CALLOC / 2 - 64] = {0, ALL, 0, 0xff, 0, 2, LM_CALL_CALLOC},
	[LM_PACKED_CALLOC_OF / 2 - 64] = {0, ALL, 0, 0xff, 0xff, 3, LM_CALL_CALLOC},
	[LM_PACKED_REALLOC / 2 - 64] = {ALL, ALL, ALL, 0xff, 0xff, 3, LM_CALL_REALLOC},
	[LM_PACKED_REALLOC_AT / 2 - 64] = {ALL, ALL, 0, 0xff, 0, 2, LM_CALL_REALLOC},
};

/* Lines of text begin with smaller bytes, and are at the end of the table. */
static inline const struct way *find_way(uint64_t first)
{
	return &ways[((first & 0xff) ^ LM_PACKED_FREE) >> 1];
}

/* The place of the thread that has NUMBER now; THREADS_OTHER if none has had it. */
static inline uint32_t find_thread(const struct threads *threads, unsigned number)
{
	return number < threads->numbers ? threads->places[number] : THREADS_OTHER;
}

/*
 * Takes the record at TEXT apart, which has LINE. Returns its length; 0 if it is not an
 * event, is damaged, or has something new.
 */
static inline __attribute__((always_inline)) size_t take(const struct trace *trace, const unsigned char *text,
                                                         uint64_t line, struct heap_change *change)
{
	const struct trace_image *image = &trace->image;
	uint64_t first = lm_packed_load(text), block = lm_packed_load(text + LM_PACKED_WORD);
	uint64_t third = lm_packed_load(text + (size_t)2 * LM_PACKED_WORD), address = lm_packed_address(first);
	const struct way *way = find_way(first);
	unsigned number = lm_packed_thread(first);
	uint32_t stack = node_table_known(&image->nodes, lm_packed_trace(block) & way->adds);
	uint32_t thread = find_thread(&image->threads, number);
	uint64_t added = (address & ~way->moves) | (third >> LM_PACKED_NEW & way->moves);

	if (!way->words || (~block & way->second) || (~third & way->third) || stack == NUMBERS_NONE ||
	    (thread == THREADS_OTHER && number))
		return 0;
	change->released = address & way->releases;
	change->foreign = false;
	change->added = (struct heap_block){
		.address = added & way->adds,
		.size = lm_packed_size(block),
		.line = line,
		.call = (enum lm_call)way->call,
		.thread = thread,
		.stack = stack,
		.slack = (int32_t)(lm_packed_usable(block) - lm_packed_size(block)),
	};
	return (size_t)way->words * LM_PACKED_WORD;
}

/* Can the next event be read in the short way? */
static bool is_plain(const struct trace *trace)
{
	return trace->section == SECTION_PACKED && !trace->ending && !trace->unfinished && !trace->without_short_cuts &&
	       !trace->without_stacks && input_at_word(&trace->input) && input_at_line(&trace->input);
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
	struct heap_change changes[BATCH];
	uint64_t line = trace->input.lines;
	size_t len, at = 0, count, all = 0;
	const unsigned char *text = (const unsigned char *)input_ahead(&trace->input, &len);
	int error = 0;

	do {
		for (count = 0; count < BATCH && at + PARSE_PACKED_MAX <= len; count++) {
			size_t size = take(trace, text + at, ++line, &changes[count]);

			if (!size)
				break;
			heap_fetch(heap, lm_packed_address(lm_packed_load(text + at)));
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
