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
	uint32_t lost;      /* events, until now */
	uint32_t untold;    /* of those, the ones that the trace does not tell of yet */
	uint16_t second;    /* of the last TIME line, plus one; its lower half */
	uint8_t format : 2; /* enum lm_format */
	uint8_t is_off : 1; /* by log_malloc_trace_disable() */
	uint8_t torn : 4;   /* if a record was taken in part: how many bytes, modulo eight, plus one; else 0 */
} lm_output LM_INTERNAL;

static inline int lm_output_is_on(void)
{
	return lm_output.writer && !lm_output.is_off;
}

static inline int lm_output_is_packed(void)
{
	return lm_output.format == LM_FORMAT_PACKED;
}

/* An event is missing. */
void lm_output_lose(void);

/* Writes a record, of which a packed one's SIZE is a multiple of eight: 0. -1: it is lost, and was not counted. */
int lm_output_send(const void *record, size_t size);

/* The longest line of an event, and what a packed trace fills it up with. */
#define LM_OUTPUT_LINE 168

/* Ends the text from START on with a newline, as a record of the format, and writes it. As lm_output_send(). */
int lm_output_send_text(char *start, struct lm_text *text);

#endif
