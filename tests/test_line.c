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

/* Bytes in front of the line and behind it, and of a place's mark and length, have to stay. */
static size_t quickly(char *place, struct lm_line_totals *totals, const struct lm_event *event, uint64_t usable,
                      int *is_possible)
{
	char tail[LM_LINE_TAIL];
	struct lm_line line = {.tail = tail, .tail_length = lm_line_tail(tail, event->backtrace)};
	const void *p = event->call == LM_CALL_FREE ? event->old : event->p;
	struct lm_line_change change = {.size = event->call == LM_CALL_FREE ? event->old_size : event->size,
	                                .usable = usable,
	                                .requested_after = (uint64_t)event->totals.requested,
	                                .usable_after = (uint64_t)event->totals.usable,
	                                .is_release = event->call == LM_CALL_FREE};
	uint64_t first;
	unsigned length;

	line.pointer_high = lm_line_hexadecimal((uint32_t)((uint64_t)(uintptr_t)p >> 32));
	*is_possible = line.tail_length && lm_line_measure(&line, totals, p, &change);
	if (!*is_possible)
		return 0;
	memset(place, '~', LM_RECORD_LINE_MAX);
	if (event->call == LM_CALL_FREE) {
		length = lm_line_free_length(&line);
		lm_line_put_free(place + 8 + length, &line);
		first = lm_line_first(LM_LINE_FREE);
	} else {
		length = lm_line_malloc_length(&line);
		lm_line_put_malloc(place + 8 + length, &line);
		first = lm_line_first(LM_LINE_MALLOC);
	}
	if (memcmp(place, "~~~~~~~~~~~~~", 13) != 0 || memcmp(place + 8 + length, "~~~~~~~~", 8) != 0)
		ck_abort_msg("written elsewhere: %.60s", place);
	memcpy(place + 8, &first, sizeof first);
	return length;
}

/* Totals that follow from those of the event before, mostly, or others: of EVENT and a block of USABLE bytes. */
static void follow(struct lm_event *event, uint64_t usable, uint64_t *random)
{
	static struct lm_totals before;
	int64_t sign = event->call == LM_CALL_FREE ? -1 : 1;

	before.requested += event->change;
	before.usable += sign * (int64_t)usable;
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
	struct lm_line_totals totals = {0};
	unsigned quick = 0;

	for (unsigned i = 0; i < 1000000; i++) {
		uint64_t size = some_number(&random, 9), address = some_number(&random, 14) + (1 << 20);
		struct lm_event event = {
			.call = LM_CALL_MALLOC, .p = AT(address), .size = size, .change = (int64_t)size};
		uint64_t usable;
		size_t length;
		int is_possible;

		if (i % 3 == 0)
			event = (struct lm_event){
				.call = LM_CALL_FREE, .old = AT(address), .old_size = size, .change = -(int64_t)size};
		else if (i % 3 == 1)
			event.backtrace = some_number(&random, 10) + 1;
		usable = some_number(&random, 9);
		follow(&event, usable, &random);
		length = quickly(room, &totals, &event, usable, &is_possible);
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
