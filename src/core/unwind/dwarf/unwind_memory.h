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

struct lm_unwind_frame {
	uintptr_t sp, fp;
	uintptr_t pc_at; /* where PC was read from; 0: in a way that a look at the stack can't repeat */
	uintptr_t fp_at; /* where FP was read from, or 0: it is the callee's */
	/* The caller's note on the backtrace that begins here, if the rest of it is as remembered. */
	struct lm_backtrace *known;
	unsigned char exact;    /* PC is the instruction itself, not a return address */
	unsigned char uses_fp;  /* the way to its caller goes by FP */
	unsigned char needs_fp; /* the way out from here depends on FP */
};

struct lm_unwind_memory {
	/*
	 * The last backtrace, from FIRST on, innermost frame first: it grows down,
	 * as the stack does. SUMS is of each frame and all outside of it.
	 */
	unsigned generation;
	unsigned first;
	int whole; /* the last frame is the thread's outermost */
	uintptr_t pcs[LM_UNWIND_FRAMES];
	uint64_t sums[LM_UNWIND_FRAMES + 1];
	/* Where PCS can be read again, if nothing else has to be looked at; else a place that holds no pc. */
	const uintptr_t *watch[LM_UNWIND_FRAMES];
	struct lm_unwind_frame frames[LM_UNWIND_FRAMES];
	/*
	 * Frames that were just found and are not among those yet; and the one
	 * behind them, perhaps. A field a row: they are read as they were written,
	 * a word at a time.
	 */
	struct lm_unwind_fresh {
		uintptr_t pc[LM_BACKTRACE_DEPTH_MAX + 1];
		uintptr_t sp[LM_BACKTRACE_DEPTH_MAX + 1];
		uintptr_t fp[LM_BACKTRACE_DEPTH_MAX + 1];
		uintptr_t pc_at[LM_BACKTRACE_DEPTH_MAX + 1];
		uintptr_t fp_at[LM_BACKTRACE_DEPTH_MAX + 1];
		unsigned char exact[LM_BACKTRACE_DEPTH_MAX + 1];
		unsigned char uses_fp[LM_BACKTRACE_DEPTH_MAX + 1];
	} fresh;
};

#endif
