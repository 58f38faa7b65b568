/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traces that came over a link: with other bytes around the records, and with bytes missing. No event may be invented.
 */
#include "chip.h"
#include "messages.h"
#include "support.h"
#include "trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 60, CAPTURE_MAX = 64 * 1024 };

/* What comes out of a chip's serial line. */
struct capture {
	char bytes[CAPTURE_MAX];
	size_t len;
};

static struct trace trace;
static struct messages messages;
static struct diag diag;

static void add(struct capture *capture, const void *bytes, size_t len)
{
	ck_assert(capture->len + len <= CAPTURE_MAX);
	memcpy(capture->bytes + capture->len, bytes, len);
	capture->len += len;
}

static void add_head(struct capture *capture, const struct chip *chip)
{
	char head[CHIP_HEAD];

	add(capture, head, chip_head(chip, head));
}

static void add_record(struct capture *capture, const struct chip *chip, size_t i)
{
	char record[CHIP_RECORD];

	add(capture, record, chip_record(chip, i, record));
}

static struct chip make_chip(int i)
{
	return (struct chip){.pointer_size = i & 1 ? 8 : 4, .format = (enum lm_format)(i / 2)};
}

enum { CHIPS = 2 * LM_FORMAT_COUNT };

/* What was read. */
struct seen {
	size_t events;       /* that the chip recorded, in that order */
	size_t invented;     /* others */
	size_t wrong_frames; /* events with another backtrace than theirs */
	size_t no_frames;    /* events without theirs */
	unsigned images;
	uint64_t lost, noise;
};

static uint64_t only_frame(uint32_t stack)
{
	struct stack frames = stacks_get(&trace.image.stacks, stack);

	return frames.depth == 1 ? strtoull(stacks_frame_at(&trace.image.stacks, frames.frames[0]).text + 3, NULL, 16)
	                         : frames.depth;
}

static bool is_same(const struct event *event, const struct chip_event *expected)
{
	return parse_is_free(event->call) == expected->is_free && event->pointer == expected->pointer &&
	       (expected->is_free || event->size == expected->size);
}

/* Is the event one of the chip's, behind record *FROM? That moves on to it. */
static void judge(const struct chip *chip, const struct trace_item *item, size_t *from, struct seen *seen)
{
	for (size_t i = *from; i < RECORDS; i++) {
		struct chip_event expected = chip_event(chip, i);

		if (!chip_is_event(i) || !is_same(&item->event, &expected))
			continue;
		seen->events++;
		seen->no_frames += expected.frame && !only_frame(item->stack);
		seen->wrong_frames += only_frame(item->stack) && only_frame(item->stack) != expected.frame;
		*from = i + 1;
		return;
	}
	seen->invented++;
}

static struct seen read_capture(const struct chip *chip, const struct capture *capture)
{
	struct seen seen = {0};
	struct trace_item item;
	size_t from = 0;
	char *copy = malloc(capture->len + 1);
	int got;

	diag = messages_diag(&messages);
	memcpy(copy, capture->bytes, capture->len);
	ck_assert_int_eq(trace_open_text(&trace, "capture", copy, capture->len, &diag), 0);
	while ((got = trace_next(&trace, &item)) > 0) {
		if (item.kind == TRACE_CALL)
			judge(chip, &item, &from, &seen);
		if (item.kind != TRACE_END)
			continue;
		seen.images++;
		seen.lost += trace.image.lost;
		from = 0;
	}
	ck_assert_int_eq(got, 0);
	seen.noise = trace.noise;
	trace_close(&trace);
	return seen;
}

static size_t count_events(void)
{
	size_t events = 0;

	for (size_t i = 0; i < RECORDS; i++)
		events += chip_is_event(i);
	return events;
}

#define BYTES(text)                                                                                                    \
	{                                                                                                              \
		text, sizeof(text) - 1                                                                                 \
	}
static const struct noise {
	const char *bytes;
	size_t len;
} noises[] = {
	BYTES("ets Jun  8 2016 00:22:57\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"),
	BYTES("*** Booting Zephyr OS build v3.4 ***\n"),
	BYTES("\0\xff\xfe\x80\x82\xff\0\xf0garb\xe0\n"),
	BYTES("I (123) wifi: connected, heap 0x20001000 [12:0]\r\n"),
	BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
	BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	BYTES("# some heading\r\n> prompt\r\n\r\n"),
	BYTES("+++ATH0\r\nOK\r\n"),
};
enum { NOISES = sizeof noises / sizeof *noises };

START_TEST(noise_around_and_between_records_does_no_harm)
{
	struct chip chip = make_chip(_i);
	static struct capture capture;

	for (size_t n = 0; n < NOISES; n++) {
		for (size_t every = 2; every < 12; every += 3) {
			struct seen seen;

			capture.len = 0;
			add(&capture, noises[n].bytes, noises[n].len);
			add_head(&capture, &chip);
			for (size_t i = 0; i < RECORDS; i++) {
				add_record(&capture, &chip, i);
				if (i % every == 0)
					add(&capture, noises[n].bytes, noises[n].len);
			}
			add(&capture, noises[n].bytes, noises[n].len);
			seen = read_capture(&chip, &capture);
			ck_assert_msg(!seen.invented && !seen.wrong_frames && !seen.no_frames,
			              "noise %zu: %zu invented, %zu wrong", n, seen.invented, seen.wrong_frames);
			/* Binary noise can have damaged the packed record in front of it. */
			if (chip.format == LM_FORMAT_PACKED && (n == 2 || n == 4))
				ck_assert_msg(seen.events + 3 * RECORDS / every >= count_events(),
				              "noise %zu: %zu events", n, seen.events);
			else
				ck_assert_msg(seen.events == count_events(), "noise %zu, every %zu: %zu events", n,
				              every, seen.events);
		}
	}
}
END_TEST

START_TEST(a_trace_without_noise_has_none)
{
	struct chip chip = make_chip(_i);
	static struct capture capture;
	struct seen seen;

	capture.len = 0;
	add_head(&capture, &chip);
	for (size_t i = 0; i < RECORDS; i++)
		add_record(&capture, &chip, i);
	seen = read_capture(&chip, &capture);
	ck_assert_uint_eq(seen.events, count_events());
	ck_assert(!seen.invented && !seen.wrong_frames && !seen.no_frames);
	ck_assert(!seen.lost && !seen.noise && !messages.count);
	/* A link that makes two bytes of each newline. */
	for (size_t at = 0; at < capture.len; at++) {
		if (capture.bytes[at] != '\n')
			continue;
		memmove(capture.bytes + at + 1, capture.bytes + at, capture.len - at);
		capture.bytes[at++] = '\r';
		capture.len++;
	}
	seen = read_capture(&chip, &capture);
	ck_assert_uint_eq(seen.events, count_events());
	ck_assert(!seen.invented && !seen.wrong_frames && !seen.no_frames && !seen.lost);
}
END_TEST

/* Takes LEN bytes out at AT. */
static void take_out(struct capture *capture, size_t at, size_t len)
{
	memmove(capture->bytes + at, capture->bytes + at + len, capture->len - at - len);
	capture->len -= len;
}

START_TEST(missing_bytes_make_events_missing_and_invent_none)
{
	/* As many as the fewest bytes of a record: more can have all of one in them. */
	static const size_t lens[] = {1, 2, 3, 5, 7};
	struct chip chip = make_chip(_i / 5);
	static struct capture capture, damaged;
	size_t len = lens[_i % 5], head, wrong = 0;

	capture.len = 0;
	add(&capture, noises[0].bytes, noises[0].len);
	add_head(&capture, &chip);
	/* Of the first address, nothing is known. */
	add_record(&capture, &chip, 0);
	head = capture.len;
	for (size_t i = 1; i < RECORDS; i++)
		add_record(&capture, &chip, i);
	for (size_t at = head; at + len < capture.len; at++) {
		struct seen seen;

		damaged = capture;
		take_out(&damaged, at, len);
		seen = read_capture(&chip, &damaged);
		ck_assert_msg(!seen.invented, "%zu bytes at %zu: %zu invented", len, at - head, seen.invented);
		ck_assert_msg(seen.events + 4 >= count_events(), "%zu bytes at %zu: %zu events", len, at - head,
		              seen.events);
		ck_assert_uint_le(seen.no_frames, 1);
		wrong += seen.wrong_frames;
	}
	/* Behind "bt=", a number that is new can be one of which digits are missing; and so can a very short address.
	 */
	if (chip.format == LM_FORMAT_COMPACT || (chip.format == LM_FORMAT_FULL && len > 3))
		ck_assert_uint_le(wrong, capture.len / 12);
	else
		ck_assert_uint_eq(wrong, 0);
}
END_TEST

START_TEST(a_second_start_begins_a_trace_of_its_own_wherever_the_first_one_ended)
{
	struct chip chip = make_chip(_i);
	static struct capture whole, capture;

	whole.len = 0;
	add_head(&whole, &chip);
	for (size_t i = 0; i < 12; i++)
		add_record(&whole, &chip, i);
	for (size_t cut = 200; cut < whole.len; cut++) {
		for (size_t n = 0; n < 2; n++) {
			struct seen seen;

			capture.len = 0;
			add(&capture, whole.bytes, cut);
			if (n)
				add(&capture, noises[n].bytes, noises[n].len);
			add(&capture, whole.bytes, whole.len);
			seen = read_capture(&chip, &capture);
			ck_assert_uint_eq(seen.images, 2);
			ck_assert_msg(!seen.invented, "cut at %zu, noise %zu: %zu invented", cut, n, seen.invented);
			ck_assert_msg(seen.events >= 11, "cut at %zu, noise %zu: %zu events", cut, n, seen.events);
		}
	}
}
END_TEST

START_TEST(a_capture_can_begin_in_the_middle_of_a_record)
{
	struct chip chip = make_chip(_i);
	static struct capture capture;
	size_t head;

	for (size_t from = 1; from < 60; from++) {
		struct seen seen;

		/* The rest of an earlier trace, without its head. */
		capture.len = 0;
		for (size_t i = 3; i < 20; i++)
			add_record(&capture, &chip, i);
		take_out(&capture, 0, from);
		head = capture.len;
		add_head(&capture, &chip);
		for (size_t i = 0; i < RECORDS; i++)
			add_record(&capture, &chip, i);
		ck_assert_uint_lt(head, capture.len);
		seen = read_capture(&chip, &capture);
		ck_assert_uint_eq(seen.invented, 0);
		ck_assert_uint_ge(seen.events, count_events());
		ck_assert_uint_eq(seen.images, 2);
	}
}
END_TEST

START_TEST(what_was_skipped_is_told_in_one_message)
{
	struct chip chip = make_chip(_i);
	static struct capture capture;

	capture.len = 0;
	add(&capture, noises[0].bytes, noises[0].len);
	add_head(&capture, &chip);
	for (size_t i = 0; i < RECORDS; i++) {
		add_record(&capture, &chip, i);
		if (i == 20)
			capture.len -= 4;
	}
	read_capture(&chip, &capture);
	ck_assert_uint_eq(messages.count, 1);
	ck_assert_msg(strstr(messages.last, "bytes are missing in 1 damaged record, and "), "%s", messages.last);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("noise");

	TIMES(a_trace_without_noise_has_none, CHIPS);
	TIMES(noise_around_and_between_records_does_no_harm, CHIPS);
	TIMES(missing_bytes_make_events_missing_and_invent_none, 5 * CHIPS);
	TIMES(a_second_start_begins_a_trace_of_its_own_wherever_the_first_one_ended, CHIPS);
	TIMES(a_capture_can_begin_in_the_middle_of_a_record, CHIPS);
	TIMES(what_was_skipped_is_told_in_one_message, CHIPS);
	return run_suite(suite);
}
