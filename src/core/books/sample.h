/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Time and the process's memory status, sampled at most once in the interval
 * that LOG_MALLOC_STATM sets.
 */
#ifndef LM_SAMPLE_H
#define LM_SAMPLE_H

#include <stdint.h>

#include "trace_format.h"

/* An interval: no samples at all. */
#define LM_SAMPLE_NEVER UINT64_MAX

struct lm_statm {
	uint64_t pages[LM_TRACE_STATM_FIELDS];
};

/* INTERVAL_MS: 0 for a sample with every event, or LM_SAMPLE_NEVER. Opens /proc/self/statm where programs do not look;
 * without it there are no samples. */
void lm_sample_start(uint64_t interval_ms);

/* No samples any more; closes what lm_sample_start() opened. */
void lm_sample_stop(void);

/* Milliseconds since the start. */
uint64_t lm_sample_now(void);

/* The trace's file begins now. */
void lm_sample_renew(void);

/* MS, which lm_sample_now() returned, as the trace's file tells it: since that began. */
uint64_t lm_sample_in_file(uint64_t ms);

/* Does the trace have times? */
int lm_sample_is_wanted(void);

/* Is it the turn of every event? */
int lm_sample_is_constant(void);

/* At MS, is it the turn of some event? */
int lm_sample_is_due(uint64_t ms);

/* Is it the turn of this one? Then 1, with STATM. */
int lm_sample_take(uint64_t ms, struct lm_statm *statm);

#endif
