/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Wrong releases: those that are not certain, and those that the user accepts. */
#ifndef LM_READER_WRONG_FREES_H
#define LM_READER_WRONG_FREES_H

#include "frees.h"
#include "suppress.h"
#include "trace.h"

/*
 * Removes the mismatches that may be none. Of a program that the library was preloaded into, the tracker can't know
 * whether a library has operators of its own: the files of both callers have to show that they have none. To be called
 * behind frees_finish().
 */
void wrong_frees_confirm(struct frees *frees, const struct trace_image *image, const struct resolver *resolver);

/*
 * Removes the mismatches that one of the user's suppressions matches, by the backtrace of the allocation or by that of
 * the release, and counts them as FREES->suppressed. To be called behind frees_finish(). 0 or -ENOMEM.
 */
int wrong_frees_suppress(struct frees *frees, struct suppressions *suppressions, const struct resolver *resolver,
                         const struct stacks *stacks);

#endif
