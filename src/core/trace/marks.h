/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The lines of a trace that are no events: those that a process image begins
 * and ends with, loaded objects, lost events, the program's own text. Called
 * with the guard at LM_GUARD_TRACKER. Functions return 0; or -1 where the line
 * is not in the trace.
 */
#ifndef LM_MARKS_H
#define LM_MARKS_H

#include <stdint.h>
#include <sys/uio.h>

#include "module.h"

/* A record of the calling thread's, COUNT parts: lm_sink_write() says what they have to be. */
int lm_marks_send(const struct iovec *parts, int count);

/* LENGTH bytes, whole lines, between records. Returns LENGTH, or 0 where it could not be written. */
int lm_marks_text(const char *text, int length);

/* Where MODULE lies. It is announced then. */
int lm_marks_module(struct lm_module *module);

/* How many events are missing here, if any are that the trace does not tell of yet. */
int lm_marks_lost(void);

/* How many it tells of, of this process image. */
uint64_t lm_marks_missing(void);

/* ---- by the thread that holds the phase, or makes a stopped trace go on (sink.h) ---- */

/* The lines that a process image begins with, up to INIT. PARENT: whose blocks it has; 0: it has none. */
int lm_marks_begin(uint64_t parent);

int lm_marks_lost_first(void);

/* FINI, and behind it the memory map if there is room for it. 0, or -1 without FINI. */
int lm_marks_end(void);

#endif
