/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See trace.h. */
#include "trace.h"
#include "array.h"
#include "complain.h"
#include "escape.h"
#include "images.h"
#include "noise.h"
#include "note.h"
#include "packed.h"
#include "packed_part.h"
#include "parse_common.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blanks that fill a record of a packed trace up to a multiple of eight bytes. */
enum { PADDING_MAX = 7 };

/* Can the line that was just read be a record's last one? A record of several lines has no padding in front of that. */
static bool can_end_record(const struct trace *trace)
{
	size_t len;
	const char *next = input_ahead(&trace->input, &len);

	return !len || *next == '+' || *next == '#' || *next == '\0' || (unsigned char)*next >= LM_PACKED_FREE;
}

/* A record of a packed trace ends here. Takes the blanks away that it was filled up with. */
static void strip_padding(struct line *line)
{
	size_t len = line->len;

	while (len && line->len - len < PADDING_MAX && line->text[len - 1] == ' ')
		len--;
	/* A line of '#' and blanks stands for a call that had not returned. */
	if (len != 1 || line->text[0] != '#')
		line->len = len;
}

/*
 * Reads the next line into trace->line. 1, 0 at the end, or -errno. WHOLE tells
 * whether the line can be used. The last line may lack its newline without a report.
 */
static int read_line(struct trace *trace, bool *whole)
{
	const struct line *line = &trace->line;
	int got = input_next(&trace->input, &trace->line);

	if (got <= 0)
		return got;
	complain_of_gap(trace, line->number, line->after_nuls);
	trace->below_text = true;
	if ((trace->section == SECTION_UNKNOWN || trace->noisy || input_at_word(&trace->input)) &&
	    can_end_record(trace))
		strip_padding(&trace->line);
	*whole = line->finished;
	if (line->cut)
		complain(trace, line->number, "the line is too long");
	else if (!line->finished)
		trace->unfinished = line->number;
	return 1;
}

/*
 * Does the next line belong to the record above, because it does not begin with '+'
 * or '#'? 1, 0 if a record or nothing follows, or -errno.
 */
static int is_below(struct trace *trace)
{
	char byte;
	int got = input_peek(&trace->input, &byte);

	if (got <= 0 || byte == '+' || byte == '#')
		return got < 0 ? got : 0;
	got = packed_is_next(trace);
	return got < 0 ? got : !got;
}

/* Reads the next line that can be used, if it belongs to the record above. 1, 0 if it does not, or -errno. */
static int next_below(struct trace *trace)
{
	bool whole = false;
	int got;

	do {
		got = is_below(trace);
		if (got > 0)
			got = read_line(trace, &whole);
	} while (got > 0 && !whole);
	return got;
}

static int take_frame(struct trace *trace, size_t *depth)
{
	const struct line *line = &trace->line;
	int error;

	if (trace->without_stacks || line->len == 0 || *depth == TRACE_DEPTH_MAX || trace->torn)
		return 0;
	if (trace->noisy && noise_doubts_frame(trace, line)) {
		trace->malformed++;
		trace->torn = true;
		return 0;
	}
	error = stacks_add_frame(&trace->image.stacks, line->text, line->len, &trace->frames[*depth]);
	if (error == -EINVAL && trace->noisy) {
		trace->torn = noise_has_remains(line);
		trace->malformed += line->len > 3 && memcmp(line->text, "[0x", 3) == 0;
		noise_take_line(trace);
		return 0;
	}
	if (error == -EINVAL) {
		complain(trace, line->number, "this is neither a record nor a frame");
		return 0;
	}
	if (!error)
		++*depth;
	return error;
}

/* Reads the frames below a record one by one. 0 or -errno. */
static int take_frames(struct trace *trace, uint32_t *stack)
{
	size_t depth = 0;
	int got, error = 0;

	trace->torn = false;
	while ((got = next_below(trace)) > 0) {
		error = take_frame(trace, &depth);
		if (error)
			return error;
	}
	return got < 0 ? got : stacks_add(&trace->image.stacks, trace->frames, depth, stack);
}

/*
 * Reads the frames below a record as one block. Most backtraces were there before,
 * and are recognised as a whole. 0 or -errno.
 */
static int take_block(struct trace *trace, const char *text, const struct scan_block *block, uint32_t *stack)
{
	struct stacks *stacks = &trace->image.stacks;
	struct guess_block known = {.len = block->len};
	int error;

	*stack = stacks_find_block(stacks, text, block);
	if (*stack != STACK_NONE) {
		known.lines = stacks_get(stacks, *stack).depth;
		guess_learn(&trace->image.guess, *stack, text, &known);
		input_pass(&trace->input, known.len, known.lines);
		return 0;
	}
	/* The whole block is in memory, and does not move meanwhile. */
	error = take_frames(trace, stack);
	return error ? error : stacks_set_block(stacks, text, block, *stack);
}

/* Reads the frames below a record, up to the next record. 0 or -errno. */
static int take_stack(struct trace *trace, uint32_t *stack)
{
	struct scan_block block;
	const char *text;
	size_t len;
	int got = is_below(trace);

	if (got <= 0)
		return got;
	text = input_ahead(&trace->input, &len);
	if (trace->unfinished || trace->without_short_cuts || trace->section == SECTION_PACKED ||
	    !scan_block(text, len, &block))
		return take_frames(trace, stack);
	if (!trace->without_stacks)
		return take_block(trace, text, &block, stack);
	input_pass(&trace->input, block.len, scan_count_lines(text, block.len));
	return 0;
}

/* The same below a line that take_common() read. The most likely backtraces are compared first. */
static int take_expected(struct trace *trace, uint32_t *stack)
{
	struct guess_block block;
	const char *text;
	size_t len;

	text = input_ahead(&trace->input, &len);
	*stack = guess_stack(&trace->image.guess, text, len, &block);
	if (*stack == STACK_NONE)
		return take_stack(trace, stack);
	input_pass(&trace->input, block.len, block.lines);
	return 0;
}

/* Takes a line of the content of a file. Only a memory map is used. 1, 0 if it can't be read, or -ENOMEM. */
static int take_file_line(struct trace *trace)
{
	int error = 0;

	if (trace->in_map)
		error = maps_add_line(&trace->image.maps, trace->line.text, trace->line.len);
	if (error != -EINVAL)
		return error ? error : 1;
	if (trace->noisy)
		noise_take_line(trace);
	else
		complain(trace, trace->line.number, "this is not a line of a memory map");
	return 0;
}

/* Reads the content of a file up to the next record. 0 or -errno. */
static int take_file(struct trace *trace)
{
	int got;

	while ((got = next_below(trace)) > 0 && (got = take_file_line(trace)) >= 0)
		continue;
	return got;
}

static int set_path(struct trace *trace, char **path)
{
	const struct record *record = &trace->record;

	*path = pool_copy(&trace->image.pool, record->text, record->len);
	if (!*path)
		return -ENOMEM;
	(*path)[escape_decode(*path, *path, record->len)] = '\0';
	return 0;
}

static int take_backtrace(struct trace *trace)
{
	uint64_t number = trace->record.number;
	uint32_t stack = STACK_NONE;
	int error = take_stack(trace, &stack);

	return error ? error : stacks_set_number(&trace->image.stacks, number, stack);
}

/* Reads the line of a frame of a packed trace. 0 or -errno. */
static int take_single_frame(struct trace *trace)
{
	uint64_t number = trace->record.number;
	size_t depth = 0;
	int got = next_below(trace), error;

	if (got <= 0)
		return got;
	error = take_frame(trace, &depth);
	return error || !depth ? error : node_table_set_frame(&trace->image.nodes, number, trace->frames[0]);
}

static void set_format(struct trace *trace)
{
	static const char packed[] = "packed";
	const struct record *record = &trace->record;

	if (record->len == sizeof packed - 1 && memcmp(record->text, packed, record->len) == 0) {
		trace->section = SECTION_PACKED;
		if (trace->line.has_return)
			input_drop_returns(&trace->input);
		if (!trace->image.has_pid)
			input_set_phase(&trace->input, trace->line.text);
		input_begin_words(&trace->input);
	} else {
		trace->section = SECTION_TEXT;
		input_end_words(&trace->input);
	}
}

/* The program may write such a line itself, but not in front of INIT. */
static void set_flavour(struct trace_image *image, const struct record *record)
{
	static const char *const words[] = {
#define WORD(id, word) [LM_FLAVOUR_##id] = (word),
		LM_TRACE_FLAVOURS(WORD)
#undef WORD
	};

	for (int i = 0; !image->begun && i < LM_FLAVOUR_COUNT; i++) {
		if (record->len != strlen(words[i]) || memcmp(record->text, words[i], record->len) != 0)
			continue;
		image->flavour = words[i];
		image->is_partial = i == LM_FLAVOUR_WRAP_DYNAMIC;
		image->is_embedded = i == LM_FLAVOUR_EMBEDDED;
	}
}

static void set_title(struct trace_image *image, const struct record *record)
{
	size_t len = record->len < sizeof image->title ? record->len : sizeof image->title - 1;

	image->title[escape_decode(image->title, record->text, len)] = '\0';
}

static int take_info(struct trace *trace)
{
	struct trace_image *image = &trace->image;
	const struct record *record = &trace->record;

	trace->records += record->info != INFO_OTHER;
	switch (record->info) {
	case INFO_PID:
		noise_take_header(trace);
		complain_now(trace);
		image->has_pid = true;
		image->pid = record->number;
		return 0;
	case INFO_PROCESS:
		snprintf(image->process, sizeof image->process, "%.*s", (int)record->len, record->text);
		return 0;
	case INFO_FORKED:
		image->parent = record->number;
		return 0;
	case INFO_EXE:
		return set_path(trace, &image->exe);
	case INFO_CWD:
		return set_path(trace, &image->cwd);
	case INFO_MODULE:
		return maps_add_module(&image->maps, &record->module);
	case INFO_GUESSED:
		return stacks_add_guess(&image->stacks, record->number);
	case INFO_BACKTRACE:
		return take_backtrace(trace);
	case INFO_FLAVOUR:
		set_flavour(image, record);
		if (image->is_embedded)
			noise_begin(trace);
		return 0;
	case INFO_FORMAT:
		set_format(trace);
		return 0;
	case INFO_FRAME:
		return trace->section == SECTION_TEXT ? 0 : take_single_frame(trace);
	case INFO_NODE:
		return trace->section == SECTION_TEXT ? 0 : packed_add_node(trace, &record->node, trace->line.number);
	case INFO_CALLERS:
		image->callers = record->callers;
		return 0;
	case INFO_BEGAN:
		image->has_clock = true;
		image->clock = record->number;
		return 0;
	case INFO_TIME:
		image->has_time = true;
		image->time = record->number;
		return 0;
	case INFO_THREAD:
		return threads_name(&image->threads, record->number, record->tid, record->text, record->len);
	case INFO_LIVE:
		image->is_table = true;
		return 0;
	case INFO_LOST:
		image->lost += record->number;
		return 0;
	case INFO_LIMIT:
		image->is_limited = true;
		image->limit = record->number;
		return 0;
	case INFO_KILLED:
		image->signal = record->number;
		return 0;
	case INFO_TITLE:
		set_title(image, record);
		return 0;
	case INFO_NOTHING:
		image->gaps++;
		return 0;
	case INFO_FILE:
		trace->in_map =
			record->len == strlen(LM_TRACE_MAPS) && memcmp(record->text, LM_TRACE_MAPS, record->len) == 0;
		trace->in_file = trace->with_lines;
		return trace->in_file ? 0 : take_file(trace);
	default:
		return 0;
	}
}

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
	image->unkept += item->kind == TRACE_CALL && item->event.unkept;
	image->begun |= item->kind == TRACE_INIT;
	image->finished |= item->kind == TRACE_FINI;
	error = find_thread(image, &item->event);
	if (!error && trace->record.text) {
		item->event.without_totals = trace->section == SECTION_PACKED && item->kind == TRACE_CALL;
		set_text(trace, item);
		error = take_stack(trace, &item->stack);
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

/* Does the record tell that the trace has begun? A header tells it in take_info(). */
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
			got = read_line(trace, &whole);
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
		error = take_expected(trace, &item->stack);
	if (item->event.has_backtrace && item->stack == STACK_NONE)
		error = packed_find_backtrace(trace, item->event.backtrace, item->line, &item->stack);
	return error ? error : 1;
}

static enum trace_kind info_kind(enum record_info info)
{
	switch (info) {
	case INFO_MARK:
		return TRACE_MARK;
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
	const bool is_mark = trace->record.info == INFO_MARK;
	int error;

	trace->in_file = trace->in_map = false;
	set_text(trace, item);
	error = take_info(trace);
	if (error || !(trace->with_lines || is_mark) || (is_node && trace->section != SECTION_TEXT))
		return error;
	item->kind = info_kind(trace->record.info);
	item->line = trace->line.number;
	item->stack = item->kind == TRACE_BACKTRACE ? stacks_find_number(&trace->image.stacks, trace->record.number)
	                                            : STACK_NONE;
	return 1;
}

/* The same for a line that is no record. Below a record that could not be read, it belongs to nothing. */
static int take_below(struct trace *trace, struct trace_item *item)
{
	int taken = trace->in_file ? take_file_line(trace) : 0;

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
