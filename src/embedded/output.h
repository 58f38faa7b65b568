/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Where records go: to the writer, in whole ones; what it does not take is counted as
 * lost. Called between lm_port_lock() and lm_port_unlock() alone, but for
 * lm_output_lose().
 */
#ifndef LM_OUTPUT_H
#define LM_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"
#include "log-malloc2-embedded.h"
#include "text.h"
#include "trace_format.h"

extern struct lm_output {
	log_malloc_writer *writer; /* NULL: nothing is traced */
	void *arg;
	uint32_t lost;        /* events, until now */
	uint16_t untold;      /* of those, the ones that the trace does not tell of yet; at most UINT16_MAX */
	uint8_t inside;       /* so many calls are in the middle of one that may call others (tracker.c) */
	uint8_t second;       /* of the last TIME line, plus one; its lowest bits */
	uint8_t format : 2;   /* enum lm_format */
	uint8_t is_off : 1;   /* by log_malloc_trace_disable() */
	uint8_t is_torn : 1;  /* a record was taken in part */
	uint8_t rest : 3;     /* packed: so many bytes of its last word are missing */
	uint8_t is_quick : 1; /* lm_output_settle() */
	uint8_t word[7];      /* REST bytes at its beginning */
} lm_output LM_INTERNAL;

static inline __attribute__((always_inline)) int lm_output_is_on(void)
{
	return lm_output.writer && !lm_output.is_off;
}

static inline __attribute__((always_inline)) int lm_output_is_packed(void)
{
	return lm_output.format == LM_FORMAT_PACKED;
}

/*
 * Finds out if an event can be told the quick way: there is a packed trace, nothing is to be written in front of the
 * event, no call is in the middle of another one, the table is in use, and the system is plain (turn.h). To be called
 * after each change.
 */
void lm_output_settle(void);

/* An event is missing. */
void lm_output_lose(void);

/*
 * Writes a record, of which a packed one's SIZE is a multiple of eight: 0. -1: nothing of it is in the trace, and that
 * was not counted.
 */
int lm_output_send(const void *record, size_t size);

/* Nothing is to be written in front of it: TAKEN bytes of the record were taken. As lm_output_send(). */
int lm_output_send_rest(const void *record, size_t size, size_t taken);

/* The longest line of an event, and what a packed trace fills it up with: realloc has six numbers of a word's size. */
#define LM_OUTPUT_LINE (sizeof(uintptr_t) > 4 ? 224 : 144)

/* Ends the text from START on with a newline, as a record of the format, and writes it. As lm_output_send(). */
int lm_output_send_text(char *start, struct lm_text *text);

#endif
