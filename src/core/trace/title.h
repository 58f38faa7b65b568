/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The process's title, where the program changes it: many daemons write what they are over
 * their command line. Looked at once a second, in the process's own memory: without a
 * system call, and without a file that the program could notice.
 */
#ifndef LM_TITLE_H
#define LM_TITLE_H

#include <stdint.h>

#include "trace_format.h"

/*
 * The image begins. What the title is now is its command line, which is not told: it may have secrets in it. In a child
 * of fork, IS_FORKED, the title may be another one by now.
 */
void lm_title_begin(int is_forked);

/* Is it time to look, at MS? */
int lm_title_is_due(uint64_t ms);

/* Has the title changed since the last time? Then 1, and TITLE with its first bytes. Async-signal-safe. */
int lm_title_take(uint64_t ms, char title[LM_TRACE_TITLE_MAX + 1]);

#endif
