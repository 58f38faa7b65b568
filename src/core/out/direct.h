/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The trace's descriptor, and writing to it. The bytes of one call are in the
 * trace in one piece, in the order of the calls.
 *
 * Functions that write return 0 or -errno. A function that writes a record can
 * also return a positive errno: only a part of the record was written, and that
 * could not be taken back. Then the rest of the record is kept and written before
 * anything else. A failure that may be temporary (lm_direct_comes_back()) moves
 * the phase from DIRECT to STOPPED before another thread can write (state.h).
 *
 * A write waits as long as the other end of a pipe or socket makes it wait.
 */
#ifndef LM_DIRECT_H
#define LM_DIRECT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "descriptor.h"

/*
 * FILE, which becomes ours, is the trace from now on. Descriptor 1022 is moved, too, if it was open on the trace. The
 * file before is closed. Nobody may be writing.
 */
void lm_direct_move(const struct lm_descriptor *file);

/*
 * Writes COUNT parts as one record. -EAGAIN, and nothing is written, if the phase
 * is not DIRECT at this call's turn, or *ENDER is not EXPECTED any more: a
 * thread has begun to end the process since the caller looked.
 */
int lm_direct_write(const struct iovec *parts, int count, const long *ender, long expected);

/* The same in any phase: for the thread that begins a trace, ends it or resumes it. */
int lm_direct_write_first(const struct iovec *parts, int count);

/*
 * From here on, the calling thread writes several records with one lock, which no other thread comes in between. It has
 * blocked all signals: SIGNALS. THREAD is its number. 1; 0: it does not have the lock, because the phase is not DIRECT,
 * *ENDER has begun to end the process, or this is a child of vfork. It must not wait for others meanwhile.
 */
struct lm_signals;
int lm_direct_begin_several(const struct lm_signals *signals, int thread, const long *ender);
void lm_direct_end_several(void);
int lm_direct_has_several(void);

/* Writes as many of SIZE bytes as possible: *WRITTEN. 0; or -errno if not all were: the caller keeps the rest. */
int lm_direct_write_some(const void *bytes, size_t size, size_t *written);

/* Cuts the last SIZE bytes off the trace, which were just written, if nobody else writes to the file. */
void lm_direct_take_back(size_t size);

/* Writes what is kept of a record that was written in part. */
int lm_direct_write_rest(void);

/* How many bytes this process has written by lm_direct_write() and lm_direct_write_first(). */
uint64_t lm_direct_written(void);

/*
 * A hint: the file will grow to SIZE bytes, and probably more. Allocates blocks
 * in advance on file systems where that makes writing cheaper.
 */
void lm_direct_grows_to(uint64_t size);

/* Frees blocks that were allocated in advance and not used. */
void lm_direct_trim(void);

/* Can the trace still be found? 0, or -errno. */
int lm_direct_check(void);

/* Calls FUNCTION while no thread writes. FUNCTION must not write either. */
void lm_direct_locked(void (*function)(void));

/* Waits until the thread that writes, or opens a ring, has done so. Others that wait for that do not come in front. */
void lm_direct_wait_for_others(void);

/* No thread can write from here on. The process is about to end, which would cut another thread's write in two. */
void lm_direct_lock_out(void);

/* In a child of fork: a thread that the child does not have may have had the lock. */
void lm_direct_reset_lock(void);

/* Closes the trace and forgets all about it: in a child of fork, its parent's. */
void lm_direct_forget(void);

#endif
