/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Puts the copy of a trace and the copy of its journal together. The process may
 * have gone on while they were made, so they are of different moments, and the
 * journal's copy is not even of one moment. What is read is what the process had
 * done at some moment while it was copied.
 *
 * Nothing in the journal's copy is believed.
 */
#ifndef LM_READER_COPIED_H
#define LM_READER_COPIED_H

#include "journal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct copied {
	const struct lm_journal_header *header; /* its positions can be */
	const unsigned char *ring;
	int trace;           /* the descriptor of the trace's copy */
	uint64_t flushed;    /* what the journal's trailer says */
	uint64_t trace_size; /* at least what was there before the journal began: header->base */
	bool fill;           /* places that are not whole keep their length */
};

struct copied_rest {
	uint64_t size; /* the text comes behind so many bytes of the trace; only the rest of a cut record is left out */
	char *text;    /* to be freed */
	size_t len;
	bool is_apart;    /* the journal begins behind the end of the trace */
	bool is_cut;      /* records are missing, and what is behind them is left out */
	uint64_t missing; /* bytes of them, if that is known; else 0 */
};

/*
 * Does the journal belong to the trace? Both have what the process wrote out after
 * the journal was copied, and some of what it wrote before.
 */
bool copied_agree(const struct copied *copied);

/* Finds what belongs behind the trace. 0 or -ENOMEM. */
int copied_join(const struct copied *copied, struct copied_rest *rest);

#endif
