/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The frames of a backtrace as lines. The modules that they lie in are
 * announced in the trace first.
 */
#ifndef LM_FRAMES_H
#define LM_FRAMES_H

#include "backtraces.h"
#include "symbol.h"

/*
 * Puts the frames' lines into FRAMES, which has room for COUNT. *FOUND is how
 * many of them fit into one record. 0; or -1 if a module could not be announced.
 */
int lm_frames_find(struct lm_frame **frames, const uintptr_t *pcs, unsigned count, unsigned *found);

/* Finds the lines of BACKTRACE and keeps them in it. 0; or -1, also if there is no memory. */
int lm_frames_keep(struct lm_backtrace *backtrace);

/*
 * The lines of BACKTRACE, as lm_frames_find() gives them. Those that are kept are the ones of the time when the block
 * was allocated: its code may have been unloaded since.
 */
int lm_frames_of(const struct lm_backtrace *backtrace, struct lm_frame **frames, unsigned *found);

/*
 * Copies the frames' lines to AT. Copying in whole pieces is quick, but writes behind the text. That is allowed only
 * where another text of ours overwrites it: behind the last text, another thread's record may begin.
 */
static inline void lm_frames_copy(unsigned char *at, const struct lm_backtrace *backtrace)
{
	struct lm_frame *const *frame = backtrace->frame, *const *last = frame + backtrace->frames - 1;

	for (; frame < last && (*last)->length >= LM_FRAME_SLACK; frame++) {
		unsigned length = (*frame)->length;

		for (unsigned i = 0; i < length; i += LM_FRAME_SLACK)
			__builtin_memcpy(at + i, (*frame)->text + i, LM_FRAME_SLACK);
		at += length;
	}
	for (; frame <= last; frame++) {
		__builtin_memcpy(at, (*frame)->text, (*frame)->length);
		at += (*frame)->length;
	}
}

#endif
