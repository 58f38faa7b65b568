/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The frames of a backtrace as lines. The objects that they lie in are
 * announced in the trace first.
 */
#ifndef LM_FRAMES_H
#define LM_FRAMES_H

#include "backtraces.h"
#include "symbol.h"

/*
 * The frames' lines, of as many as fit into one record: *FOUND; FRAMES has room
 * for all. 0, or -1 where what has to stand in front of them could not be written.
 */
int lm_frames_find(const struct lm_frame **frames, const uintptr_t *pcs, unsigned count, unsigned *found);

/* The same of BACKTRACE, to be kept with it. 0, or -1: without memory, too. */
int lm_frames_keep(struct lm_backtrace *backtrace);

/* The last of COUNT bytes may be followed by somebody else's: all texts but the last are copied in pieces. */
static inline void lm_frames_copy(unsigned char *at, const struct lm_backtrace *backtrace)
{
	const struct lm_frame *const *frame = backtrace->frame, *const *last = frame + backtrace->frames - 1;

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
