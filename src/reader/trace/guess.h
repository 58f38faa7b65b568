/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the full format: guesses the backtrace of the next event from that of the last
 * event. Programs repeat themselves, so nearly all guesses are right. Each guess is
 * compared with the text of the trace, so a wrong one costs a little time and does
 * no harm.
 */
#ifndef LM_READER_GUESS_H
#define LM_READER_GUESS_H

#include <stddef.h>
#include <stdint.h>

enum {
	/* So many backtraces that followed a backtrace are remembered, the latest first. */
	GUESS_WAYS = 4,
	/* Bytes of text that are kept. If they are full, all of them are forgotten, and learning begins again. */
	GUESS_TEXTS = 4 * 1024 * 1024,
};

struct guess_entry {
	uint32_t next[GUESS_WAYS]; /* STACK_NONE if there is none yet */
	uint32_t begin, len;       /* where its text is; LEN is 0 if that is not kept */
	uint32_t lines;
};

struct guess {
	struct guess_entry *entries; /* by backtrace; a guess of zeros is valid and empty */
	size_t count;
	char *texts;
	size_t used;
	uint32_t last;
};

struct guess_block {
	size_t len; /* including the last newline */
	size_t lines;
};

/*
 * TEXT is LEN bytes of a trace. Returns the backtrace whose frames it begins with,
 * with a record behind them; BLOCK is their length. STACK_NONE if no guess was right.
 */
uint32_t guess_stack(struct guess *guess, const char *text, size_t len, struct guess_block *block);

/*
 * Learns that STACK was next. Its frames are the LINES lines in LEN bytes of TEXT and
 * nothing else. Without memory, less is remembered.
 */
void guess_learn(struct guess *guess, uint32_t stack, const char *text, const struct guess_block *block);

void guess_free(struct guess *guess);

#endif
