/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line: parse_record() and frame_parse(), and the short cut for common lines against the whole grammar. */
#include "escape.h"
#include "frame.h"
#include "fuzz.h"
#include "parse.h"
#include "parse_common.h"

#include <string.h>

static void same_event(const struct event *a, const struct event *b)
{
	fuzz_assert(a->call == b->call && a->change == b->change && a->pointer == b->pointer && a->old == b->old &&
	            a->size == b->size && a->used == b->used && a->usable == b->usable);
	fuzz_assert(a->arg_count == b->arg_count && a->error == b->error && a->failed == b->failed &&
	            a->foreign == b->foreign && a->busy == b->busy && a->unseen == b->unseen && a->unkept == b->unkept);
	fuzz_assert(a->has_backtrace == b->has_backtrace && a->backtrace == b->backtrace &&
	            a->has_statm == b->has_statm && a->has_thread == b->has_thread &&
	            (!a->has_thread || a->thread == b->thread));
}

/* What the short cut takes is what the grammar says of the same line. */
static void take_short_cut(const char *text, size_t len)
{
	char *line = calloc(1, len + PARSE_COMMON_MAX);
	struct event event;
	struct record record;
	size_t taken;

	fuzz_assert(line);
	if (len)
		memcpy(line, text, len);
	line[len] = '\n';
	taken = parse_common(line, &event);
	if (taken) {
		fuzz_assert(taken <= len + 1 && line[taken - 1] == '\n');
		fuzz_assert(parse_record(line, taken - 1, &record) == 0 && record.kind == RECORD_CALL);
		same_event(&event, &record.event);
	}
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = fuzz_copy(data, len), *shown;
	struct record record;
	struct frame frame;

	fuzz_assert((parse_record(text, len, &record) == 0) == !record.fault);
	frame_parse(text, len, &frame);
	shown = escape_printable(text, len);
	fuzz_assert(escape_decode(text, text, len) <= len);
	free(shown);
	free(text);
	take_short_cut((const char *)data, len);
	return 0;
}
