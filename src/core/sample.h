/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Time and the process's memory status, sampled at most once in the interval
 * that LOG_MALLOC_STATM sets.
 */
#ifndef LM_SAMPLE_H
#define LM_SAMPLE_H

#include <stdint.h>

#include "record.h"

/* Opens /proc/self/statm where programs do not look; without it there are no samples. */
void lm_sample_start(uint64_t interval_ms);

/* Is it this event's turn? Then 1, with STATM and the milliseconds since the start. */
int lm_sample_take(struct lm_statm *statm, uint64_t *ms);

#endif
