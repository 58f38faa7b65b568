/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The short way from a packed trace to the live blocks, for those who need nothing else
 * of the events.
 */
#ifndef LM_READER_REPLAY_H
#define LM_READER_REPLAY_H

#include "heap.h"
#include "trace.h"

/*
 * Applies to HEAP the packed events that come next in TRACE, as long as they are in
 * memory and have nothing new: no backtrace or thread that was not there before. There
 * may be none. Whatever is next then is trace_next()'s. The result is the same as with
 * trace_next() and heap_apply() for each. 0 or -ENOMEM.
 */
int replay_packed(struct heap *heap, struct trace *trace);

#endif
