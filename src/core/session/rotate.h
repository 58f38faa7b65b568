/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A sampled trace that has a limit goes on in a new file at its limit. The new file
 * begins with what is live; the one before gets another name: TRACE.old-1 is the
 * youngest older file, TRACE.old-2 the one before that, up to as many as the user
 * wants. Each file is a trace of its own. So a trace of weeks has a bounded size, and
 * the difference between two of its files is what happened between their ends.
 *
 * The thread of the next event does that, in phase HELD, while the others wait. At
 * any moment, every name leads to a whole trace, and TRACE to the youngest.
 */
#ifndef LM_ROTATE_H
#define LM_ROTATE_H

#include <stdint.h>

/*
 * The trace on FD, of SIZE bytes, is about to begin. Older files of the trace that had its name before are removed. If
 * it can go on in new files, live blocks are kept from here on. If the settings ask for that and it can't, a line on
 * standard error says so, and it takes no more allocations at its limit. IS_CONTINUED: an earlier image of this process
 * wrote to it. PARENT: as for lm_marks_begin().
 */
void lm_rotate_begin(int fd, uint64_t size, int is_continued, long parent);

/* Another trace begins: there is nothing to be done for this one. */
void lm_rotate_forget(void);

/*
 * Before an event, where LM_STATE_READY was taken away: begins a new file if it is time. Not in a signal handler that
 * interrupted the tracker. If no file can be begun, the trace takes no allocations until one can.
 */
void lm_rotate_in_time(void);

/*
 * Before the last lines of the trace: begins a new file if they have no room in this one. Otherwise as
 * lm_rotate_in_time().
 */
void lm_rotate_for_end(void);

/*
 * Goes on in a new file now. The one before is kept as TRACE.SUFFIX: it does not count as one of the older files, and
 * is never removed. 0; -ENOTSUP: the trace can't go on in another file; -EAGAIN: it can't now, as nothing can be
 * written or the process ends; -EEXIST: there is a file of that name; or another -errno. The guard has to be at
 * LM_GUARD_TRACKER and must have been idle before, and no record may be begun.
 */
int lm_rotate_keep(const char *suffix);

#endif
