/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See export_trace.h. */
#include "export_trace.h"
#include "digits.h"
#include "print_event.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- lines ------------------------------------------------------------------ */

/* "# WORD NUMBER" */
static void put_number(struct text_out *out, const char *word, uint64_t number)
{
	char *to = stpcpy(text_out_begin(out), "# ");

	to = stpcpy(to, word);
	*to++ = ' ';
	to = digits_unsigned(to, number);
	*to++ = '\n';
	text_out_end(out, to);
}

static void put_frames(struct text_out *out, const struct stacks *stacks, uint32_t stack)
{
	struct stack frames = stacks_get(stacks, stack);

	for (size_t i = 0; i < frames.depth; i++) {
		struct stacks_frame frame = stacks_frame_at(stacks, frames.frames[i]);

		text_out_line(out, frame.text, frame.len);
	}
}

/* ---- moments ------------------------------------------------------------------ */

/* The tracker writes a TIME line in front of an event, and a new backtrace in front of both. So the line waits. */
static void put_time(struct export_trace *export)
{
	if (export->has_time)
		put_number(export->out, LM_TRACE_TIME, export->time);
	export->has_time = false;
}

static void take_time(struct export_trace *export, uint64_t time)
{
	if (!export->is_part)
		put_time(export);
	export->has_time = true;
	export->time = time;
}

/* ---- backtraces in the compact format ----------------------------------------- */

/* Writes the backtrace unless NUMBER stands for it already. 0 or -ENOMEM. */
static int put_backtrace(struct export_trace *export, const struct stacks *stacks, uint64_t number, uint32_t stack)
{
	if (numbers_find(&export->written, number) == stack)
		return 0;
	put_number(export->out, LM_TRACE_BACKTRACE, number);
	put_frames(export->out, stacks, stack);
	return numbers_set(&export->written, number, stack);
}

/* The number of a backtrace in a full trace. 0 or -ENOMEM. */
static int find_number(struct export_trace *export, uint32_t stack, uint64_t *number)
{
	uint32_t known = numbers_find(&export->numbers, stack);

	if (known == NUMBERS_NONE) {
		known = ++export->count;
		*number = known;
		return numbers_set(&export->numbers, stack, known);
	}
	*number = known;
	return 0;
}

/* Does NUMBER stand for no frames? A piece of a trace can lack those of a number. */
static bool is_unknown(const struct export_trace *export, uint64_t number)
{
	uint32_t stack = numbers_find(&export->written, number);

	return stack == NUMBERS_NONE || stack == STACK_NONE;
}

/* Finds what the event has instead of frames, and writes them in front of it if they are new. 0 or -ENOMEM. */
static int number_event(struct export_trace *export, const struct trace *trace, const struct trace_item *item,
                        struct print_tail *tail)
{
	const struct event *event = &item->event;
	/* The numbers of a packed trace are those of nodes, of which most are no event's. */
	bool has_number = event->has_backtrace && trace->section != SECTION_PACKED;
	int error = 0;

	tail->backtrace = event->backtrace;
	tail->has_backtrace = has_number && is_unknown(export, event->backtrace);
	if (item->stack == STACK_NONE)
		return 0;
	tail->has_backtrace = true;
	if (!has_number)
		error = find_number(export, item->stack, &tail->backtrace);
	return error ? error : put_backtrace(export, &trace->image.stacks, tail->backtrace, item->stack);
}

/* ---- items -------------------------------------------------------------------- */

/* INIT or FINI, which has no backtrace. */
static void put_mark(struct export_trace *export, const struct trace_item *item)
{
	put_time(export);
	text_out_line(export->out, item->text, item->len);
}

/* The line of a call. */
static void put_call(struct export_trace *export, const struct trace *trace, const struct trace_item *item,
                     struct print_tail *tail)
{
	const struct event *event = &item->event;
	bool is_packed = trace->section == SECTION_PACKED;
	char *to;

	if (item->text && !is_packed && tail->has_backtrace == event->has_backtrace) {
		text_out_line(export->out, item->text, item->len);
		return;
	}
	tail->thread = event->thread;
	/* As the tracker does it in the other formats. */
	tail->has_thread = is_packed ? threads_are_several(&trace->image.threads) : event->has_thread;
	to = text_out_begin(export->out);
	if (item->text)
		to = print_event_again(to, item->text, item->len, is_packed ? event : NULL, tail);
	else
		to = print_event(to, event, tail);
	text_out_end(export->out, to);
}

/* Damaged records were left out in front of this one. */
static void put_damage(struct export_trace *export, const struct trace *trace)
{
	if (!trace->noisy || trace->image.lost <= export->lost)
		return;
	put_number(export->out, LM_TRACE_LOST, trace->image.lost - export->lost);
	export->lost = trace->image.lost;
}

static int put_event(struct export_trace *export, const struct trace *trace, const struct trace_item *item)
{
	struct print_tail tail = {0};
	int error = export->format == LM_FORMAT_COMPACT ? number_event(export, trace, item, &tail) : 0;

	put_time(export);
	put_damage(export, trace);
	export->live += item->kind == TRACE_CALL && item->event.is_live;
	put_call(export, trace, item, &tail);
	if (export->format == LM_FORMAT_FULL)
		put_frames(export->out, &trace->image.stacks, item->stack);
	return error;
}

static void put_format(struct export_trace *export)
{
	export->says_format = true;
	static const char *const lines[] = {
		[LM_FORMAT_FULL] = "# " LM_TRACE_FORMAT " full",
		[LM_FORMAT_COMPACT] = "# " LM_TRACE_FORMAT " compact",
	};

	text_out_line(export->out, lines[export->format], strlen(lines[export->format]));
}

static void hold_live(struct export_trace *export)
{
	export->holds_live = true;
	export->live = 0;
	text_out_hold(export->out);
}

/* A reader takes as many allocations behind this line for blocks that were not allocated in the file. */
static void release_live(struct export_trace *export)
{
	char line[64] = "";

	if (export->live)
		snprintf(line, sizeof line, "# " LM_TRACE_LIVE " %" PRIu64 "\n", export->live);
	export->holds_live = false;
	text_out_release(export->out, line);
}

/* Is ITEM behind the last of these blocks? Those that are not wanted do not come. */
static bool is_behind_live(const struct trace *trace, const struct trace_item *item)
{
	return item->kind == TRACE_END ||
	       (!trace->image.live_left && (item->kind != TRACE_CALL || !item->event.is_live));
}

static void put_info(struct export_trace *export, const struct trace *trace, const struct trace_item *item)
{
	const struct record *record = &trace->record;

	if (record->info == INFO_TIME) {
		take_time(export, record->number);
		return;
	}
	if (!export->is_part || record->info == INFO_MARK)
		put_time(export);
	if (record->info == INFO_LOST)
		export->lost += record->number;
	if (record->info == INFO_FORMAT)
		put_format(export);
	else if (record->info == INFO_LIVE && export->is_part && trace->image.live_left)
		hold_live(export);
	else
		text_out_line(export->out, item->text, item->len);
}

/* A backtrace that the trace has by itself. Of a part, only those are written that an event has. */
static int put_alone(struct export_trace *export, const struct trace *trace, const struct trace_item *item)
{
	if (export->format == LM_FORMAT_FULL || export->is_part)
		return 0;
	put_time(export);
	return put_backtrace(export, &trace->image.stacks, trace->record.number, item->stack);
}

/* The note at the trace's file is not a part of the text, but what it tells is. */
static void end_image(struct export_trace *export, const struct trace_image *image)
{
	put_time(export);
	if (image->lost > export->lost)
		put_number(export->out, LM_TRACE_LOST, image->lost - export->lost);
	export_trace_free(export);
}

/* A piece of a packed trace can lack the line that says so. As text, it is not to be taken for packed. */
static bool lacks_format(const struct export_trace *export, const struct trace *trace, const struct trace_item *item)
{
	if (export->says_format || trace->section != SECTION_PACKED || item->kind == TRACE_END)
		return false;
	return item->kind != TRACE_INFO || trace->record.info != INFO_FORMAT;
}

int export_trace(struct export_trace *export, const struct trace *trace, const struct trace_item *item)
{
	if (export->holds_live && is_behind_live(trace, item))
		release_live(export);
	if (lacks_format(export, trace, item))
		put_format(export);
	switch (item->kind) {
	case TRACE_INFO:
	case TRACE_MARK:
	case TRACE_REACHED:
		put_info(export, trace, item);
		return 0;
	case TRACE_BACKTRACE:
		return put_alone(export, trace, item);
	case TRACE_INIT:
	case TRACE_FINI:
		put_mark(export, item);
		return 0;
	case TRACE_BELOW:
		text_out_line(export->out, item->text, item->len);
		return 0;
	case TRACE_END:
		end_image(export, &trace->image);
		return 0;
	default:
		return put_event(export, trace, item);
	}
}

void export_trace_free(struct export_trace *export)
{
	if (export->holds_live)
		release_live(export);
	numbers_free(&export->written);
	numbers_free(&export->numbers);
	export->count = 0;
	export->lost = 0;
	export->has_time = false;
}
