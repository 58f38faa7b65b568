/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The trace's descriptor, and writing to it: what a call of lm_direct_write()
 * is given stands in the trace in one piece and in the order of the calls.
 */
#ifndef LM_DIRECT_H
#define LM_DIRECT_H

#include <sys/uio.h>

/*
 * Takes over FD, the trace's descriptor: a private duplicate of it is kept
 * where programs do not look. The duplicate, or -errno.
 */
int lm_direct_open(int fd);

/*
 * Writes all of COUNT parts. 0, or -errno: then part of it may be written.
 * Takes as long as the descriptor's other end does.
 */
int lm_direct_write(const struct iovec *parts, int count);

/* The same, but -EAGAIN and nothing written if *FLAG is set when it is this call's turn. */
int lm_direct_write_unless(const int *flag, const struct iovec *parts, int count);

/* In a child of fork: what the descriptor is open on is the parent's, and not written to any more. */
void lm_direct_leave(void);

/* The same, and it is closed: as if it had never been opened. */
void lm_direct_forked(void);

/* Calls FUNCTION while nobody writes. It must not write itself. */
void lm_direct_locked(void (*function)(void));

#endif
