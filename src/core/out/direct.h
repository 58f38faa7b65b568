/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The trace's descriptor, and writing to it: what one call is given stands in
 * the trace in one piece, and in the order of the calls.
 *
 * Functions that write return 0 or -errno. Those of a whole record return the
 * positive errno where it could be written in part only and could not be taken
 * back: then the rest of it is kept and goes out in front of all that follows.
 * A failure that may pass (lm_direct_comes_back()) moves the phase from DIRECT
 * to STOPPED before another thread can write (state.h).
 *
 * A write takes as long as the descriptor's other end does.
 */
#ifndef LM_DIRECT_H
#define LM_DIRECT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * Takes over FD, the trace's descriptor: a private duplicate of it is kept
 * where programs do not look. The duplicate, or -errno.
 */
int lm_direct_open(int fd);

/* COUNT parts as one record, in phase DIRECT. -EAGAIN and nothing written if it is another phase by this call's turn.
 */
int lm_direct_write(const struct iovec *parts, int count);

/* The same in any phase: for the thread that begins a trace, ends it or makes it go on. */
int lm_direct_write_first(const struct iovec *parts, int count);

/* Of SIZE bytes as many as possible: *WRITTEN. 0, or -errno if that is less than all, and the caller keeps the rest. */
int lm_direct_write_some(const void *bytes, size_t size, size_t *written);

/* What is kept of a record that was written in part. */
int lm_direct_write_rest(void);

/* Can writing go on one day after ERROR, -errno of a write? */
int lm_direct_comes_back(int error);

/* The size of the trace, a regular file, in bytes. 0, or -errno. */
int lm_direct_size(uint64_t *size);

/*
 * Is there room for more than a line or two? On a disk that is full to the last
 * kilobyte, short lines find a place when nothing else does.
 */
int lm_direct_has_room(void);

/*
 * The file will grow to SIZE bytes, and probably more: where many writes cost
 * less that way, its blocks are asked for in advance. A hint.
 */
void lm_direct_grows_to(uint64_t size);

/* Blocks that were asked for in advance and not needed go back. */
void lm_direct_trim(void);

/* Is the file that FD is open on written by us alone, and at its end? Its size tells then what it has. */
int lm_direct_is_alone(int fd);

/* Calls FUNCTION while nobody writes. It must not write itself. */
void lm_direct_locked(void (*function)(void));

/* Nobody writes any more, ever: the process is about to end, and would cut a write of another thread in two. */
void lm_direct_lock_out(void);

/* In a child of fork: a thread that the child does not have may have had the lock. */
void lm_direct_reset_lock(void);

/* In a child of fork: as if nothing had ever been opened. */
void lm_direct_forked(void);

#endif
