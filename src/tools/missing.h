/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a trace does not say by itself: that events are missing because they could
 * not be written, and "# LOST" neither.
 */
#ifndef LM_MISSING_H
#define LM_MISSING_H

#include <sys/types.h>

struct destination;
struct tally;

/*
 * Adds to TALLY what the tracker noted at FD's file; or, if it could not even do
 * that, what can be found out: whether a trace without an end has room to grow.
 */
void missing_find(int fd, struct tally *tally);

/* At the start: a note of an earlier trace in FD's file does not concern the next one. */
void missing_forget(int fd);

/*
 * Why a trace that can't be read back could not be written, as far as that can be
 * seen when the command has ended: an errno, or 0. FD: of the trace, for writing.
 */
int missing_in_stream(int fd);

#endif
