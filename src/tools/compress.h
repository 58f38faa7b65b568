/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Compresses a trace when its process has ended: with zstd, into a file that then
 * takes the trace's name. Until it does, the trace is there as it was written, so
 * nothing is lost if log-malloc is killed meanwhile.
 */
#ifndef LM_COMPRESS_H
#define LM_COMPRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct destination;

/*
 * To be called once, when the command has ended. From now on SIGINT, SIGTERM and the
 * like stop compressing, and do not end log-malloc. SHOWS_PROGRESS: on a terminal, if
 * it takes long.
 */
void compress_prepare(bool shows_progress);

/*
 * Compresses TO's trace, which process PID wrote. TO's descriptor still leads to the
 * trace as it was written. Returns the size of the compressed file; or 0 if the trace
 * stays as it is, after a message that says why.
 */
uintmax_t compress_trace(const struct destination *to, pid_t pid);

/* The same of its older files (older.h), and of those that are kept for moments (kept.h). */
void compress_others(const struct destination *to, pid_t pid);

#endif
