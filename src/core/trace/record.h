/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * An event and its line in the trace. Pure: no libc, no state. The grammar is
 * in log-malloc2(5).
 */
#ifndef LM_RECORD_H
#define LM_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "sample.h"
#include "text.h"
#include "trace_format.h"

/* The longest line: 13 numbers of 20 digits, words and marks between them. */
#define LM_RECORD_LINE_MAX 512

struct lm_event {
	enum lm_call call;
	int error;               /* errno of a call that failed, or 0 */
	uint8_t foreign;         /* the block given to it was never seen allocated */
	uint8_t busy;            /* the tracker was at work on this thread */
	uint8_t unseen;          /* not a call: a release that the tracker concluded */
	int64_t change;          /* what the call added to the requested bytes in use */
	const void *old;         /* realloc's and free's argument */
	const void *p;           /* the result */
	size_t old_size;         /* of that: requested, or usable of a foreign block */
	size_t size;             /* the request in bytes, SIZE_MAX where it overflowed */
	size_t alignment;        /* of the memalign family */
	size_t count;            /* calloc, reallocarray: elements */
	size_t each;             /* and the size of one */
	uint64_t backtrace;      /* its number in the compact format, or 0 */
	struct lm_totals totals; /* after it */
};

/* The event's line with its end, without a backtrace. STATM may be NULL. */
void lm_record_event(struct lm_text *text, const struct lm_event *event, const struct lm_statm *statm);

/* "+ INIT" or "+ FINI" with the books as they are. */
void lm_record_mark(struct lm_text *text, const char *mark, struct lm_totals totals,
                    const uint64_t calls[LM_CALL_COUNT]);

/* "# WORD value" */
void lm_record_number(struct lm_text *text, const char *word, uint64_t value);
void lm_record_path(struct lm_text *text, const char *word, const char *path);

#endif
