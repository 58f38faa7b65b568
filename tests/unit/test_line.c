/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines that are put together quickly (line.h) against those that are put together with care (record.h). */
#include <stdint.h>
#include <string.h>

#include "line.h"
#include "record.h"
#include "support.h"

#define AT(address) ((void *)(uintptr_t)(address))

/* Of every length, and at the borders between them. */
static uint64_t some_number(uint64_t *random, unsigned digits_max)
{
	uint64_t power = 1;

	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	for (uint64_t i = (*random >> 40) % digits_max + 1; i > 0; i--)
		power *= 10;
	switch (*random >> 32 & 7) {
	case 0:
		return power - 1;
	case 1:
		return power / 10;
	case 2:
		return 0;
	default:
		return *random % power;
	}
}

static size_t carefully(char *line, const struct lm_event *event)
{
	struct lm_text text = {line, line + LM_RECORD_LINE_MAX};

	lm_record_event(&text, event, NULL);
	return (size_t)(text.at - line);
}

static int measure(struct lm_line *line, const struct lm_event *event)
{
	int is_free = event->call == LM_CALL_FREE;

	if (!lm_line_measure(line, is_free ? event->old : event->p, is_free ? event->old_size : event->size,
	                     (uint64_t)event->totals.requested, (uint64_t)event->totals.usable))
		return 0;
	if (event->call == LM_CALL_CALLOC)
		return lm_line_measure_calloc(line, event->count, event->each);
	if (event->call == LM_CALL_REALLOC)
		return lm_line_measure_realloc(line, event->old, event->old_size, event->change);
	return 1;
}

static unsigned length_of(const struct lm_line *line, enum lm_call call)
{
	switch (call) {
	case LM_CALL_CALLOC:
		return lm_line_calloc_length(line);
	case LM_CALL_REALLOC:
		return lm_line_realloc_length(line);
	case LM_CALL_FREE:
		return lm_line_free_length(line);
	default:
		return lm_line_malloc_length(line);
	}
}

static const char *put(char *end, const struct lm_line *line, enum lm_call call)
{
	switch (call) {
	case LM_CALL_CALLOC:
		lm_line_put_calloc(end, line);
		return LM_LINE_CALLOC;
	case LM_CALL_REALLOC:
		lm_line_put_realloc(end, line);
		return LM_LINE_REALLOC;
	case LM_CALL_FREE:
		lm_line_put_free(end, line);
		return LM_LINE_FREE;
	default:
		lm_line_put_malloc(end, line);
		return LM_LINE_MALLOC;
	}
}

/* Bytes in front of the line and behind it, and of a place's mark and length, have to stay. */
static size_t quickly(char *place, const struct lm_event *event, int *is_possible)
{
	char tail[LM_LINE_TAIL], end[LM_LINE_TAIL];
	struct lm_line line = {.tail = tail, .tail_length = lm_line_tail(tail, event->backtrace)};
	unsigned end_length = lm_line_end(end, event->thread), length;
	uint64_t first;
	char *at;

	*is_possible = line.tail_length && measure(&line, event);
	if (!*is_possible)
		return 0;
	memset(place, '~', LM_RECORD_LINE_MAX);
	if (!event->names_thread)
		end_length = 1;
	length = length_of(&line, event->call) + line.tail_length + end_length;
	at = lm_line_put_end(place + 8 + length, end, end_length);
	first = lm_line_first(put(at, &line, event->call));
	if (memcmp(place, "~~~~~~~~~~~~~", 13) != 0 || memcmp(place + 8 + length, "~~~~~~~~", 8) != 0)
		ck_abort_msg("written elsewhere: %.60s", place);
	memcpy(place + 8, &first, sizeof first);
	return length;
}

/* Of a block, with numbers of all kinds. */
static struct lm_event some_event(uint64_t *random, unsigned number)
{
	uint64_t size = some_number(random, 9), old_size = some_number(random, 9);
	void *p = AT(some_number(random, 14) + (1 << 20)), *old = AT(some_number(random, 14) + (1 << 20));
	struct lm_event event = {.call = LM_CALL_MALLOC, .p = p, .size = size, .change = (int64_t)size};

	event.names_thread = number % 3 != 0;
	event.thread = number % 3 == 1 ? (unsigned)some_number(random, 7) : 0;
	switch (number % 5) {
	case 0:
		event.call = LM_CALL_FREE;
		event.p = NULL;
		event.old = p;
		event.old_size = size;
		event.change = -(int64_t)size;
		return event;
	case 1:
		event.call = LM_CALL_CALLOC;
		event.count = some_number(random, 9);
		event.each = some_number(random, 9);
		break;
	case 2:
		event.call = LM_CALL_REALLOC;
		event.old = number % 3 ? old : NULL;
		event.old_size = number % 3 ? old_size : 0;
		event.change = (int64_t)(event.size - event.old_size);
		break;
	default:
		break;
	}
	if (number % 2)
		event.backtrace = some_number(random, 11) + 1;
	return event;
}

/* Totals that follow from those of the event before, mostly, or others: of EVENT and a block of so many usable bytes.
 */
static void follow(struct lm_event *event, uint64_t *random)
{
	static struct lm_totals before;
	int64_t usable = (int64_t)some_number(random, 9);

	before.requested += event->change;
	before.usable += event->change < 0 ? -usable : usable;
	if (before.requested < 0 || some_number(random, 1) == 0)
		before.requested = (int64_t)some_number(random, 17);
	if (before.usable < 0 || some_number(random, 1) == 0)
		before.usable = (int64_t)some_number(random, 17);
	event->totals = before;
}

START_TEST(the_quick_way_writes_the_same_lines)
{
	static char expected[LM_RECORD_LINE_MAX], room[LM_RECORD_LINE_MAX + 16];
	uint64_t random = 0x9e3779b97f4a7c15u;
	unsigned quick = 0;

	for (unsigned i = 0; i < 1000000; i++) {
		struct lm_event event = some_event(&random, i);
		size_t length;
		int is_possible;

		follow(&event, &random);
		length = quickly(room, &event, &is_possible);
		if (!is_possible)
			continue;
		quick++;
		/* An assertion a round would take longer than all the rest. */
		if (carefully(expected, &event) != length || memcmp(room + 8, expected, length) != 0)
			ck_abort_msg("%.*s instead of %.*s", (int)length, room + 8, (int)length, expected);
	}
	/* It is for most, and nothing else is written where it is not. */
	ck_assert_uint_gt(quick, lm_line_hexadecimal(1) == 1 ? 0 : 600000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("line");
	TCase *tcase = tcase_create("line");

	tcase_add_test(tcase, the_quick_way_writes_the_same_lines);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
