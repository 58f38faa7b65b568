/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The trace's descriptor, and writing to it: what a call of lm_direct_write()
 * is given stands in the trace in one piece and in the order of the calls.
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

/*
 * Writes all of COUNT parts, or nothing: what was cut in the middle is taken
 * back, or kept to go out first later. 0, or -errno, and so for all that follow
 * until lm_direct_retry(). Takes as long as the descriptor's other end does.
 */
int lm_direct_write(const struct iovec *parts, int count);

/* The same, but -EAGAIN and nothing written if *FLAG is set when it is this call's turn. */
int lm_direct_write_unless(const int *flag, const struct iovec *parts, int count);

/*
 * Of SIZE bytes as many as possible, whatever went wrong before: *WRITTEN. 0, or
 * -errno if that is less than all. For who knows the rest by other means.
 */
int lm_direct_write_some(const void *bytes, size_t size, size_t *written);

/* Can writing go on one day after ERROR, -errno of a write? */
int lm_direct_comes_back(int error);

/* -errno if nothing is written any more; or 0. */
int lm_direct_fault(void);

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

/* What was asked for and not needed goes back. */
void lm_direct_trim(void);

/* Tries once more: 0, or -errno, and nothing is written as before. */
int lm_direct_retry(void);

/* Is the file that FD is open on written by us alone, and at its end? Its size tells then what it has. */
int lm_direct_is_alone(int fd);

/* In a child of fork: what the descriptor is open on is the parent's, and not written to any more. */
void lm_direct_leave(void);

/* The same, and it is closed: as if it had never been opened. */
void lm_direct_forked(void);

/* Calls FUNCTION while nobody writes. It must not write itself. */
void lm_direct_locked(void (*function)(void));

#endif
