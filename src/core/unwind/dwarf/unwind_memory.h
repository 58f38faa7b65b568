/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What UNWIND=dwarf keeps for each thread: its last backtrace, with the places
 * on the stack where each part of it stood. Only the thread itself uses it.
 */
#ifndef LM_UNWIND_MEMORY_H
#define LM_UNWIND_MEMORY_H

#include <stdint.h>

#include "trace_format.h"

/* Frames that are remembered. A frame is where a call returns to, and the registers then. */
#define LM_UNWIND_FRAMES (LM_BACKTRACE_DEPTH_MAX + 32)

struct lm_backtrace;

/*
 * A field a row, for frames that were just found and for those that are remembered.
 * They are read as they were written, a word at a time.
 */
struct lm_unwind_memory {
	/*
	 * The last backtrace, from FIRST on, innermost frame first: it grows down,
	 * as the stack does. While a walk is under way, nothing is remembered.
	 */
	unsigned generation;
	unsigned first;
	int whole; /* the last frame is the thread's outermost */
	/* Behind the last frame, there is one above everything, which is no remembered one, and has no row. */
	uintptr_t pcs[LM_UNWIND_FRAMES + 1];
	uintptr_t sp[LM_UNWIND_FRAMES + 1];
	uint64_t rows[LM_UNWIND_FRAMES + 1]; /* the way to the caller (rules.h), and marks (remember.h) */
	uintptr_t fp[LM_UNWIND_FRAMES + 1];  /* of frames whose way out depends on it */
	/* Of each frame and all outside of it. */
	uint64_t sums[LM_UNWIND_FRAMES + 1];
	/* Where PCS can be read again, if nothing else has to be looked at; else a place that holds no pc. */
	const uintptr_t *watch[LM_UNWIND_FRAMES + 1];
	/* The caller's notes on the backtraces that begin here, if the rest of it is as remembered. */
	struct lm_backtrace *known[LM_UNWIND_FRAMES];
	/* Frames that were just found and are not among those yet; and the one behind them, perhaps. */
	struct lm_unwind_fresh {
		int careful; /* one of them went by its frame pointer, or has no usual row */
		uintptr_t pc[LM_BACKTRACE_DEPTH_MAX + 1];
		uintptr_t sp[LM_BACKTRACE_DEPTH_MAX + 1];
		uint64_t row[LM_BACKTRACE_DEPTH_MAX + 1];
		uintptr_t fp[LM_BACKTRACE_DEPTH_MAX + 1]; /* of frames whose row goes by it */
	} fresh;
};

#endif
