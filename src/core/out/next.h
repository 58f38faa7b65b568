/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The next file of a trace, while it is made. Nobody knows it yet; when it is whole, it
 * gets the trace's name (rotate.h). One thread at a time, with all signals blocked.
 */
#ifndef LM_NEXT_H
#define LM_NEXT_H

#include <stdint.h>
#include <sys/uio.h>

#include "descriptor.h"

/*
 * Makes the file PATH, with the permissions of the file that FD is open on. One that was left there by a process that
 * was killed is replaced, if nobody else can have made it. The file may have MOST bytes. 0, or -errno.
 */
int lm_next_begin(const char *path, int fd, uint64_t most);

/* Adds COUNT parts. 0; or -1: an error, which lm_next_finish() tells. */
int lm_next_write(const struct iovec *parts, int count);

/* All is written: 0; or -errno, -EOVERFLOW if it would have more than MOST bytes. */
int lm_next_finish(void);

/* How many bytes were added. */
uint64_t lm_next_size(void);

/* The descriptor. */
const struct lm_descriptor *lm_next_file(void);

/* The file is the trace now, and its descriptor belongs to that. */
void lm_next_end(void);

/* The file is not wanted: removes it. */
void lm_next_drop(void);

#endif
