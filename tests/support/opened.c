/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See opened.h. */
#include "opened.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct opened opened;

static void remember(void *context, const char *file, uint64_t line, const char *message)
{
	(void)context;
	(void)file;
	opened.messages++;
	opened.last_line = line;
	snprintf(opened.last_message, sizeof opened.last_message, "%s", message);
}

const struct diag opened_diag = {.report = remember};

void close_opened(void)
{
	trace_close(&opened.trace);
}

void open_text(const char *text, size_t len)
{
	char path[4096];

	write_file("t", text, len);
	snprintf(path, sizeof path, "%s/t", scratch());
	ck_assert_int_eq(trace_open(&opened.trace, path, &opened_diag), 0);
}

void open_string(const char *text)
{
	open_text(text, strlen(text));
}

void open_golden(const char *name)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/tests/golden/%s", getenv("LM_SOURCE"), name);
	ck_assert_int_eq(trace_open(&opened.trace, path, &opened_diag), 0);
}

struct trace_item next_item(enum trace_kind kind)
{
	struct trace_item item;

	ck_assert_int_eq(trace_next(&opened.trace, &item), 1);
	ck_assert_int_eq(item.kind, kind);
	return item;
}

void at_end(void)
{
	struct trace_item item;

	next_item(TRACE_END);
	ck_assert_int_eq(trace_next(&opened.trace, &item), 0);
	ck_assert_int_eq(trace_next(&opened.trace, &item), 0);
}

void frame_is(uint32_t stack, size_t depth, const char *text)
{
	struct stack s = stacks_get(&opened.trace.image.stacks, stack);
	struct stacks_frame frame;

	ck_assert_uint_gt(s.depth, depth);
	frame = stacks_frame_at(&opened.trace.image.stacks, s.frames[depth]);
	ck_assert_uint_eq(frame.len, strlen(text));
	ck_assert(memcmp(frame.text, text, frame.len) == 0);
}

unsigned count_rest(void)
{
	struct trace_item item;
	unsigned count = 0;

	while (trace_next(&opened.trace, &item) == 1)
		count += item.kind != TRACE_END;
	return count;
}
