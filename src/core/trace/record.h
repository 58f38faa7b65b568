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

/* More than the longest line has: 14 numbers of 20 digits, with words between them. */
#define LM_RECORD_LINE_MAX 512

struct lm_event {
	enum lm_call call;
	int error;            /* errno of a call that failed, or 0 */
	uint8_t foreign;      /* the block passed to the call was never seen allocated */
	uint8_t busy;         /* the call interrupted the tracker, at work on this thread */
	uint8_t unseen;       /* not a call, but a release that the tracker concluded */
	uint8_t unkept;       /* the books could not take P up, so TOTALS do not include it */
	uint8_t tells_usable; /* USABLE is written: the line is in a packed trace */
	uint8_t calling;      /* the call is about to be made; its own event follows if it returns */
	uint8_t by, of;       /* CALLING: if these ways differ, what releases the block and what it was asked for by */
	int64_t change;       /* what the call added to the requested bytes in use */
	const void *old;      /* the block passed to realloc or free */
	const void *p;        /* the result */
	size_t old_size;      /* of OLD: requested size; the usable size if it is foreign */
	size_t old_usable;    /* usable bytes of the block passed to realloc */
	size_t size;          /* requested bytes, SIZE_MAX if the request overflowed */
	size_t usable;        /* usable bytes of P, or of the block that is released */
	size_t alignment;     /* requested from the memalign family */
	size_t count;         /* calloc, reallocarray: the number of elements */
	size_t each;          /* calloc, reallocarray: the size of one element */
	uint64_t backtrace;   /* its number in the compact format, or 0 */
	unsigned thread;      /* the calling thread's number; 0: not known */
	uint8_t names_thread; /* the line has THREAD */
	struct lm_totals totals; /* after the event */
};

/* The event's line with its newline, without frames. STATM may be NULL. */
void lm_record_event(struct lm_text *text, const struct lm_event *event, const struct lm_statm *statm);

/* The lines of a trace's head that name its format and its flavour. */
const char *lm_record_format(enum lm_format format);

/* Inline, so that a chip, which has only one flavour, has the words of that one. */
static inline const char *lm_record_flavour(enum lm_flavour flavour)
{
#define LINE(id, word)                                                                                                 \
	case LM_FLAVOUR_##id:                                                                                          \
		return "# " LM_TRACE_FLAVOUR " " word "\n";
	switch (flavour) {
		LM_TRACE_FLAVOURS(LINE)
	case LM_FLAVOUR_COUNT:
		break;
	}
#undef LINE
	return "";
}

/* "+ INIT" or "+ FINI" with the totals and the counts of calls. */
void lm_record_mark(struct lm_text *text, const char *mark, struct lm_totals totals,
                    const uint64_t calls[LM_CALL_COUNT]);

/* "# WORD value" */
void lm_record_number(struct lm_text *text, const char *word, uint64_t value);
void lm_record_hex(struct lm_text *text, const char *word, uint64_t value);
void lm_record_path(struct lm_text *text, const char *word, const char *path);

/* "# GUESSED 0xPC" */
void lm_record_guess(struct lm_text *text, uintptr_t pc);

/* "# NODE number caller frame" */
void lm_record_node(struct lm_text *text, uint64_t number, uint64_t caller, uint64_t frame);

/* "# THREAD number tid name" */
void lm_record_thread(struct lm_text *text, unsigned number, uint64_t tid, const char *name);

#endif
