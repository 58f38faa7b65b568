/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See frames.h. */
#include "frames.h"

#include "arena.h"
#include "atomic.h"
#include "compiler.h"
#include "marks.h"
#include "record.h"
#include "sink.h"

int lm_frames_find(struct lm_frame **frames, const uintptr_t *pcs, unsigned count, unsigned *found)
{
	size_t room = LM_SINK_RECORD_MAX - 2 * LM_RECORD_LINE_MAX;
	int guesses = lm_load(&lm_symbol_has_guesses);

	*found = 0;

	for (unsigned i = 0; i < count; i++) {
		struct lm_frame *frame = lm_symbol_frame(pcs[i]);

		if (!frame)
			continue;
		if (frame->length > room)
			break;
		if (frame->module && !lm_load_acquire(&frame->module->announced) && lm_marks_module(frame->module) != 0)
			return -1;
		if (unlikely(guesses) && lm_symbol_is_untold_guess(pcs[i]) && lm_marks_guess(pcs[i]) != 0)
			return -1;
		frames[(*found)++] = frame;
		room -= frame->length;
	}
	return 0;
}

int lm_frames_keep(struct lm_backtrace *backtrace)
{
	unsigned found;

	backtrace->frame = lm_arena_alloc(backtrace->depth * sizeof(void *));
	if (!backtrace->frame || lm_frames_find(backtrace->frame, backtrace->pcs, backtrace->depth, &found) != 0)
		return -1;
	backtrace->frames = (unsigned char)found;
	backtrace->length = 0;
	for (unsigned i = 0; i < backtrace->frames; i++)
		backtrace->length += backtrace->frame[i]->length;
	return 0;
}
