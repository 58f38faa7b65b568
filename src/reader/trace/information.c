/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See information.h. */
#include "information.h"
#include "below.h"
#include "complain.h"
#include "escape.h"
#include "flavour.h"
#include "noise.h"
#include "packed_part.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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
	int error = below_take_stack(trace, &stack);

	return error ? error : stacks_set_number(&trace->image.stacks, number, stack);
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
static void set_before(struct trace_image *image, uint64_t bytes)
{
	if (image->begun)
		return;
	image->has_before = true;
	image->before = bytes;
}

/* The program may write such a line itself, but not right behind INIT. */
static void set_live(struct trace_image *image, uint64_t count)
{
	if (image->is_embedded) {
		image->is_table = true;
	} else if (image->begun && image->events == 1) {
		image->live_left = count;
		image->has_older = true;
	}
}

static void set_title(struct trace_image *image, const struct record *record)
{
	size_t len = record->len < sizeof image->title ? record->len : sizeof image->title - 1;

	image->title[escape_decode(image->title, record->text, len)] = '\0';
}

int information_take(struct trace *trace)
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
		flavour_set(image, record->text, record->len);
		if (image->is_embedded)
			noise_begin(trace);
		return 0;
	case INFO_FORMAT:
		set_format(trace);
		return 0;
	case INFO_FRAME:
		return trace->section == SECTION_TEXT ? 0 : below_take_single_frame(trace);
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
		set_live(image, record->number);
		return 0;
	case INFO_CONTINUED:
		image->continued = image->events + 1;
		return 0;
	case INFO_LOST:
		image->lost += record->number;
		return 0;
	case INFO_LIMIT:
		image->is_limited = true;
		image->limit = record->number;
		return 0;
	case INFO_SAMPLE:
		/* The program may have written such a line itself: the tracker's stands in front of all events. */
		image->sample = image->events ? image->sample : record->number;
		return 0;
	case INFO_KILLED:
		image->signal = record->number;
		return 0;
	case INFO_TITLE:
		set_title(image, record);
		return 0;
	case INFO_BEFORE:
		set_before(image, record->number);
		return 0;
	case INFO_DETACHED:
		image->is_detached = image->is_attached;
		return 0;
	case INFO_NOTHING:
		image->gaps++;
		return 0;
	case INFO_FILE:
		trace->in_map =
			record->len == strlen(LM_TRACE_MAPS) && memcmp(record->text, LM_TRACE_MAPS, record->len) == 0;
		trace->in_file = trace->with_lines;
		return trace->in_file ? 0 : below_take_file(trace);
	default:
		return 0;
	}
}
