/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Where the bytes of the trace go. A record goes out whole and in its place
 * among the others: for any address, the order of lm_sink_write() calls is the
 * order in the trace.
 */
#ifndef LM_SINK_H
#define LM_SINK_H

#include <sys/uio.h>

/*
 * Takes over FD, the trace's descriptor: a private duplicate of it is kept
 * where programs do not look. The duplicate, or -errno.
 */
int lm_sink_open(int fd);

/*
 * Writes COUNT parts as one record. 0; or -errno if the record could not be
 * written, which is then the last. No lock may be held that another thread's
 * allocation needs.
 */
int lm_sink_write(const struct iovec *parts, int count);

#endif
