/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See frames.h. */
#include "frames.h"

#include "arena.h"
#include "atomic.h"
#include "compiler.h"
#include "marks.h"
#include "record.h"
#include "sink.h"

/* Writes what the trace has to say in front of the line of FRAME, whose return address is PC. 0, or -1. */
static int announce(const struct lm_frame *frame, uintptr_t pc)
{
	if (frame->module && !lm_load_acquire(&frame->module->announced) && lm_marks_module(frame->module) != 0)
		return -1;
	if (unlikely(lm_load(&lm_symbol_has_guesses)) && lm_symbol_is_untold_guess(pc) && lm_marks_guess(pc) != 0)
		return -1;
	return 0;
}

int lm_frames_find(struct lm_frame **frames, const uintptr_t *pcs, unsigned count, unsigned *found)
{
	size_t room = LM_SINK_RECORD_MAX - 2 * LM_RECORD_LINE_MAX;

	*found = 0;

	for (unsigned i = 0; i < count; i++) {
		struct lm_frame *frame = lm_symbol_frame(pcs[i]);

		if (!frame)
			continue;
		if (frame->length > room)
			break;
		if (announce(frame, pcs[i]) != 0)
			return -1;
		frames[(*found)++] = frame;
		room -= frame->length;
	}
	return 0;
}

int lm_frames_keep(struct lm_backtrace *backtrace)
{
	struct lm_frame **frames = lm_arena_alloc(backtrace->depth * sizeof(struct lm_frame *));
	unsigned found;

	if (!frames || lm_frames_find(frames, backtrace->pcs, backtrace->depth, &found) != 0)
		return -1;
	backtrace->frames = (unsigned char)found;
	backtrace->length = 0;
	for (unsigned i = 0; i < found; i++)
		backtrace->length += frames[i]->length;
	backtrace->frame = frames;
	return 0;
}

int lm_frames_of(const struct lm_backtrace *backtrace, struct lm_frame **frames, unsigned *found)
{
	if (!backtrace->frame)
		return lm_frames_find(frames, backtrace->pcs, backtrace->depth, found);
	*found = backtrace->frames;
	for (unsigned i = 0; i < backtrace->frames; i++) {
		frames[i] = backtrace->frame[i];
		if (announce(frames[i], frames[i]->pc) != 0)
			return -1;
	}
	return 0;
}
