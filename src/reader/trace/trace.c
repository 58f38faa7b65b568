/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See trace.h. */
#include "trace.h"
#include "array.h"
#include "below.h"
#include "complain.h"
#include "images.h"
#include "information.h"
#include "noise.h"
#include "note.h"
#include "packed_part.h"
#include "parse_common.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Copies the event, but its last part only if the event has it. */
static void copy_event(struct event *to, const struct record *record)
{
	if (record->kind == RECORD_INIT || record->kind == RECORD_FINI || record->event.has_statm)
		*to = record->event;
	else
		memcpy(to, &record->event, RECORD_EVENT_COMMON);
}

/* Sets whose EVENT is. One that does not say it is the first thread's. 0 or -ENOMEM. */
static inline int find_thread(struct trace_image *image, struct event *event)
{
	if (!event->has_thread)
		event->thread = image->threads.first;
	return threads_place(&image->threads, event->thread, &event->by);
}

/*
 * With_lines: makes a copy of the line that was read, because more is read before its
 * item is returned. 0 or -ENOMEM.
 */
static int keep_line(struct trace *trace)
{
	char *kept = trace->kept;

	if (!trace->with_lines)
		return 0;
	kept = array_grow(kept, &trace->kept_room, trace->line.len + 1, 1);
	if (!kept)
		return -ENOMEM;
	memcpy(kept, trace->line.text, trace->line.len);
	trace->kept = kept;
	trace->kept_len = trace->line.len;
	return 0;
}

/* Gives ITEM the text of the line that was kept. */
static void set_text(const struct trace *trace, struct trace_item *item)
{
	item->text = trace->kept;
	item->len = trace->kept_len;
}

/* Was the block of the call that was read just now live when the trace's file began? */
static inline bool take_live(struct trace_image *image)
{
	return image->live_left && image->live_left--;
}

static int take_event(struct trace *trace, struct trace_item *item)
{
	struct trace_image *image = &trace->image;
	bool is_calling = trace->record.kind == RECORD_INFO;
	int error = 0;

	trace->records++;
	image->events += !is_calling;
	copy_event(&item->event, &trace->record);
	trace->in_file = trace->in_map = false;
	item->line = trace->line.number;
	item->stack = STACK_NONE;
	item->text = NULL;
	item->kind = is_calling                          ? TRACE_CALLING
	             : trace->record.kind == RECORD_CALL ? TRACE_CALL
	             : trace->record.kind == RECORD_INIT ? TRACE_INIT
	                                                 : TRACE_FINI;
	item->event.is_live = item->kind == TRACE_CALL && take_live(image);
	image->unkept += item->kind == TRACE_CALL && item->event.unkept;
	image->begun |= item->kind == TRACE_INIT;
	image->finished |= item->kind == TRACE_FINI;
	error = find_thread(image, &item->event);
	if (!error && trace->record.text) {
		item->event.without_totals = trace->section == SECTION_PACKED && item->kind == TRACE_CALL;
		set_text(trace, item);
		error = below_take_stack(trace, &item->stack);
	}
	if (!error && item->event.has_backtrace && item->stack == STACK_NONE)
		error = packed_find_backtrace(trace, item->event.backtrace, item->line, &item->stack);
	return error ? error : 1;
}

/* Ends the last image. */
static int finish(struct trace *trace, struct trace_item *item)
{
	const char *fault = input_fault(&trace->input);
	struct note note;

	if (trace->over)
		return 0;
	trace->over = true;
	trace->ends_early = trace->unfinished || trace->input.nuls || fault;
	if (note_read(&note, trace->input.source.fd) == 0)
		trace->image.lost += note.lost;
	if (fault)
		diag_report(trace->diag, trace->input.name, trace->input.lines + 1, "%s", fault);
	complain_now(trace);
	if (trace->noisy)
		noise_report(trace);
	else if (trace->malformed > TRACE_REPORTS_MAX)
		diag_report(trace->diag, trace->input.name, 0, "%llu more lines could not be read",
		            (unsigned long long)(trace->malformed - TRACE_REPORTS_MAX));
	return images_end(trace, item);
}

/* The head of an image is one record, and PID is its first line. That is noted before more is read. */
static void note_head(struct trace *trace)
{
	if (trace->record.kind == RECORD_INFO && trace->record.info == INFO_PID)
		input_set_phase(&trace->input, trace->line.text);
}

/* The line can be parsed. Is it to be used? */
static bool is_sound(struct trace *trace)
{
	if (trace->noisy && trace->record.kind == RECORD_INIT)
		noise_take_sum(trace, &trace->record.event);
	return !trace->noisy || trace->record.kind != RECORD_CALL || !noise_doubts(trace, &trace->record.event);
}

/* Does the record tell that the trace has begun? A header tells it in information_take(). */
static bool is_decisive(const struct record *record)
{
	return record->kind <= RECORD_FINI ||
	       (record->kind == RECORD_INFO && record->info != INFO_OTHER && record->info != INFO_PID);
}

static bool begins_record(const struct line *line)
{
	return line->len && (line->text[0] == '+' || line->text[0] == '#');
}

/* Reads the next line or packed record that can be parsed. 1, 0 at the end, or -errno. */
static int next_record(struct trace *trace)
{
	bool whole = false;
	int got;

	for (;;) {
		got = packed_next(trace);
		if (!got)
			got = below_read_line(trace, &whole);
		else
			return got;
		if (got <= 0)
			return got;
		if (!whole) {
			/* What stands below a record that broke off is not a file's. */
			trace->in_file &= !begins_record(&trace->line);
			continue;
		}
		if (parse_record(trace->line.text, trace->line.len, &trace->record) == 0 && is_sound(trace)) {
			if (trace->pending && is_decisive(&trace->record))
				complain_now(trace);
			note_head(trace);
			got = keep_line(trace);
			return got ? got : 1;
		}
		trace->in_file = false;
		complain(trace, trace->line.number, trace->record.fault ? trace->record.fault : "bytes are missing");
		noise_find_record(trace);
	}
}

/* Sets the parts of ITEM that an event has which was read in the short way. */
static void set_item(struct trace *trace, struct trace_item *item)
{
	trace->records++;
	trace->image.events++;
	trace->in_file = false;
	item->kind = TRACE_CALL;
	item->event.is_live = take_live(&trace->image);
	item->line = trace->image.last_line = trace->input.lines;
	item->stack = STACK_NONE;
	item->text = NULL;
}

/* Reads the next event if it is a packed record in memory. As take_common(). */
static int take_packed(struct trace *trace, struct trace_item *item)
{
	int error;

	if (trace->ending || trace->without_short_cuts || !packed_take_event(trace, &item->event))
		return 0;
	set_item(trace, item);
	error = find_thread(&trace->image, &item->event);
	if (!error && item->event.has_backtrace)
		error = packed_find_backtrace(trace, item->event.backtrace, item->line, &item->stack);
	return error ? error : 1;
}

/*
 * Reads the next event if it is a common one and its line is in memory. 1, 0 if it is
 * not, or -errno. This is only a short cut: without it, the result is the same.
 */
static int take_common(struct trace *trace, struct trace_item *item)
{
	struct input *in = &trace->input;
	size_t room, len;
	const char *text = input_ahead(in, &room);
	int error;

	if (trace->pending)
		return 0;
	if (trace->section == SECTION_PACKED)
		return take_packed(trace, item);
	if (room < PARSE_COMMON_MAX || !input_at_line(in) || trace->unfinished || trace->ending ||
	    trace->without_short_cuts)
		return 0;
	len = parse_common(text, &item->event);
	if (!len)
		return 0;
	input_pass(in, len, 1);
	set_item(trace, item);
	error = find_thread(&trace->image, &item->event);
	if (!error && text[len] != '+')
		error = below_take_expected(trace, &item->stack);
	if (item->event.has_backtrace && item->stack == STACK_NONE)
		error = packed_find_backtrace(trace, item->event.backtrace, item->line, &item->stack);
	return error ? error : 1;
}

static enum trace_kind info_kind(enum record_info info)
{
	switch (info) {
	case INFO_MARK:
		return TRACE_MARK;
	case INFO_REACHED:
	case INFO_UNREACHABLE:
		return TRACE_REACHED;
	case INFO_BACKTRACE:
		return TRACE_BACKTRACE;
	default:
		return TRACE_INFO;
	}
}

/* Takes an information line, and what stands below it. 1 and an item if the reader wants one, 0 or -errno. */
static int take_info_line(struct trace *trace, struct trace_item *item)
{
	const bool is_node = trace->record.info == INFO_FRAME || trace->record.info == INFO_NODE;
	const enum trace_kind kind = info_kind(trace->record.info);
	const bool is_wanted = trace->with_lines || kind == TRACE_MARK || kind == TRACE_REACHED;
	int error;

	trace->in_file = trace->in_map = false;
	set_text(trace, item);
	error = information_take(trace);
	if (error || !is_wanted || (is_node && trace->section != SECTION_TEXT))
		return error;
	item->kind = kind;
	item->line = trace->line.number;
	item->stack = item->kind == TRACE_BACKTRACE ? stacks_find_number(&trace->image.stacks, trace->record.number)
	                                            : STACK_NONE;
	return 1;
}

/* The same for a line that is no record. Below a record that could not be read, it belongs to nothing. */
static int take_below(struct trace *trace, struct trace_item *item)
{
	int taken = trace->in_file ? below_take_file_line(trace) : 0;

	if (!trace->in_file && trace->record.kind == RECORD_FRAME)
		noise_take_line(trace);
	set_text(trace, item);
	item->kind = TRACE_BELOW;
	item->line = trace->line.number;
	item->stack = STACK_NONE;
	return taken;
}

int trace_next(struct trace *trace, struct trace_item *item)
{
	int got = take_common(trace, item);

	if (got)
		return got;
	while (trace->ending || (got = next_record(trace)) > 0) {
		if (trace->ending) {
			trace->ending = false;
			images_next(trace);
		} else if (images_begins(trace)) {
			trace->ending = true;
			return images_end(trace, item);
		}
		trace->image.last_line = trace->line.number;
		if (trace->record.kind == RECORD_INFO && trace->record.info == INFO_CALLING)
			return take_event(trace, item);
		if (trace->record.kind <= RECORD_FINI)
			return take_event(trace, item);
		/* Other lines are frames whose record was cut off or could not be read. */
		if (trace->record.kind == RECORD_INFO)
			got = take_info_line(trace, item);
		else
			got = take_below(trace, item);
		if (got)
			return got;
	}
	return got < 0 ? got : finish(trace, item);
}

static void start(struct trace *trace, const struct diag *diag)
{
	memset(trace, 0, sizeof *trace);
	trace->diag = diag;
	trace->image.number = trace->image.first_line = 1;
}

int trace_open(struct trace *trace, const char *path, const struct diag *diag)
{
	start(trace, diag);
	return input_open(&trace->input, path, diag);
}

int trace_open_text(struct trace *trace, const char *name, char *text, size_t len, const struct diag *diag)
{
	start(trace, diag);
	return input_open_text(&trace->input, name, text, len);
}

void trace_close(struct trace *trace)
{
	input_close(&trace->input);
	images_free(&trace->image);
	free(trace->kept);
}
