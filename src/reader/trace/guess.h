/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Full format: which backtrace stands below the next event, guessed from the one
 * below the last. Programs do the same things in the same order: nearly all
 * guesses are right, and one comparison with a text that is known shows it. A
 * wrong one costs little; no answer rests on a guess alone.
 */
#ifndef LM_READER_GUESS_H
#define LM_READER_GUESS_H

#include <stddef.h>
#include <stdint.h>

enum {
	/* What came behind a backtrace is remembered so often: the last first. */
	GUESS_WAYS = 4,
	/* Bytes of text that are kept: where there is more, all of it is forgotten and learned anew. */
	GUESS_TEXTS = 4 * 1024 * 1024,
};

struct guess_entry {
	uint32_t next[GUESS_WAYS]; /* STACK_NONE: none yet */
	uint32_t begin, len;       /* of its text; no bytes if it is not kept */
	uint32_t lines;
};

struct guess {
	struct guess_entry *entries; /* by backtrace; a guess of zeros is an empty one */
	size_t count;
	char *texts;
	size_t used;
	uint32_t last;
};

struct guess_block {
	size_t len; /* with the last newline */
	size_t lines;
};

/*
 * The backtrace whose frames TEXT, LEN bytes of a trace, begins with, up to a
 * record that follows; BLOCK is how long that is. STACK_NONE if no guess was right.
 */
uint32_t guess_stack(struct guess *guess, const char *text, size_t len, struct guess_block *block);

/*
 * It was STACK, whose frames are the LINES lines in LEN bytes of TEXT and
 * nothing else. Without memory, less is remembered.
 */
void guess_learn(struct guess *guess, uint32_t stack, const char *text, const struct guess_block *block);

void guess_free(struct guess *guess);

#endif
