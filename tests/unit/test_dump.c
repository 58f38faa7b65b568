/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traces in dumps of a chip's memory: the last records, and what is live; and dumps that are damaged. */
#include "chip.h"
#include "dump.h"
#include "messages.h"
#include "support.h"
#include "trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct trace trace;
static struct messages messages;
static struct diag diag;

/* What a dump tells of one allocation or release. */
struct told {
	enum lm_call call;
	uint64_t pointer, size, frame;
	uint32_t thread;
};

enum { TOLD_MAX = 1000 };
static struct told told[TOLD_MAX];
static size_t told_count;
static uint64_t told_lost;
static unsigned told_images, told_begun, buffers;

static uint64_t only_frame(uint32_t stack)
{
	struct stack frames = stacks_get(&trace.image.stacks, stack);
	struct stacks_frame text;

	if (!frames.depth)
		return 0;
	text = stacks_frame_at(&trace.image.stacks, frames.frames[0]);
	each_holds(text.len > 3 && memcmp(text.text, "[0x", 3) == 0);
	return strtoull(text.text + 3, NULL, 16);
}

/* Reads what is in the dump into told[]. */
static void read_dump(const unsigned char *bytes, size_t len)
{
	struct trace_item item;
	struct dump dump;
	int got;

	diag = messages_diag(&messages);
	told_count = told_images = told_begun = 0;
	told_lost = 0;
	ck_assert_int_eq(dump_extract(&dump, bytes, len, "dump", &diag), 0);
	buffers = dump.buffers;
	ck_assert_int_eq(trace_open_text(&trace, "dump", dump.text, dump.len, &diag), 0);
	while ((got = trace_next(&trace, &item)) > 0) {
		if (item.kind == TRACE_CALL && told_count < TOLD_MAX)
			told[told_count++] = (struct told){item.event.call, item.event.pointer, item.event.size,
			                                   only_frame(item.stack), item.event.thread};
		told_images += item.kind == TRACE_END;
		told_lost += item.kind == TRACE_END ? trace.image.lost : 0;
		told_begun += item.kind == TRACE_END && trace.image.begun;
	}
	ck_assert_int_eq(got, 0);
	trace_close(&trace);
}

static void read_chip(const struct chip *chip)
{
	read_dump(chip->memory, chip->size);
}

/* The head as a chip writes it. */
static void begin(struct chip *chip)
{
	char head[CHIP_HEAD + 16];

	strcpy(head + chip_head(chip, head), "# RAM  \n");
	chip_begin(chip, head);
}

/* told[] has to be the last of the events in front of number END, and LEAST of them. */
static void are_last_events(const struct chip *chip, size_t end, size_t least)
{
	size_t i = end;

	for (size_t t = told_count; t > 0; t--) {
		struct chip_event expected;

		do
			each_holds(i > 0);
		while (!chip_is_event(--i));
		expected = chip_event(chip, i);
		each_holds((told[t - 1].call == LM_CALL_FREE) == expected.is_free);
		each_holds(told[t - 1].pointer == expected.pointer && told[t - 1].frame == expected.frame);
		each_holds(expected.is_free || told[t - 1].size == expected.size);
	}
	ck_assert_uint_ge(told_count, least);
	ck_assert_uint_eq(buffers, 1);
	ck_assert_msg(messages.count == 0, "%s", messages.last);
}

/* Chips of all kinds. */
static struct chip make_chip(int i)
{
	return (struct chip){.is_big = i & 1,
	                     .pointer_size = i & 2 ? 8 : 4,
	                     .kind = LM_RAM_RECORDS,
	                     .format = (enum lm_format)(i / 4)};
}

enum { CHIPS = 4 * LM_FORMAT_COUNT };

START_TEST(the_ring_has_the_last_records_whenever_the_dump_is_taken)
{
	struct chip chip = make_chip(_i);
	char record[CHIP_RECORD];

	for (chip.capacity = 200; chip.capacity <= 1000; chip.capacity += 104) {
		size_t used = 0;

		begin(&chip);
		for (size_t i = 0; i < 120; i++) {
			size_t size = chip_record(&chip, i, record), least = chip.capacity / 80 - 2;

			chip_reserve(&chip, size);
			read_chip(&chip);
			are_last_events(&chip, i, used > chip.capacity ? least : 0);
			chip_write(&chip, record, size / 2);
			read_chip(&chip);
			are_last_events(&chip, i, used > chip.capacity ? least : 0);
			chip_write(&chip, record, size);
			chip_finish(&chip);
			used += size;
			read_chip(&chip);
			are_last_events(&chip, i + 1, used > chip.capacity ? least : 0);
			/* What was overwritten is not passed over in silence: the trace has no beginning. */
			each_holds(told_begun == !(chip.reserved & LM_RAM_WRAPPED));
		}
	}
}
END_TEST

START_TEST(a_ring_that_was_not_full_has_all_records)
{
	struct chip chip = make_chip(_i);
	char record[CHIP_RECORD];
	size_t events = 0;

	chip.capacity = 4000;
	begin(&chip);
	for (size_t i = 0; i < 40; i++) {
		chip_add(&chip, record, chip_record(&chip, i, record));
		events += chip_is_event(i);
		read_chip(&chip);
		are_last_events(&chip, i + 1, events);
		ck_assert_uint_eq(told_count, events);
	}
	ck_assert_uint_eq(told_begun, 1);
}
END_TEST

START_TEST(a_buffer_is_found_wherever_it_lies)
{
	struct chip first = make_chip(_i), second = make_chip(_i ^ 3);
	static unsigned char dump[3 * CHIP_MEMORY];
	char record[CHIP_RECORD];

	first.capacity = second.capacity = 504;
	begin(&first);
	begin(&second);
	for (size_t i = 0; i < 30; i++) {
		chip_add(&first, record, chip_record(&first, i, record));
		chip_add(&second, record, chip_record(&second, i, record));
	}
	for (size_t at = 0; at < 9; at++) {
		memset(dump, 0xa5, sizeof dump);
		/* The magic alone is no buffer. */
		memcpy(dump + 100, LM_RAM_MAGIC, LM_RAM_MAGIC_SIZE);
		memcpy(dump + 200 + at, first.memory, first.size);
		read_dump(dump, sizeof dump);
		are_last_events(&first, 30, 3);
		ck_assert_uint_eq(told_images, 1);
		memcpy(dump + CHIP_MEMORY + 3 * at, second.memory, second.size);
		read_dump(dump, sizeof dump);
		ck_assert_uint_eq(buffers, 2);
		ck_assert_uint_eq(told_images, 2);
		ck_assert_uint_eq(messages.count, 0);
	}
}
END_TEST

START_TEST(lost_events_are_told_once)
{
	struct chip chip = make_chip(_i);
	char record[CHIP_RECORD] = "# LOST 3\n";

	chip.capacity = 1000;
	begin(&chip);
	read_chip(&chip);
	ck_assert_uint_eq(told_lost, 0);
	chip_put32(&chip, offsetof(struct lm_ram, lost), 5);
	read_chip(&chip);
	ck_assert_uint_eq(told_lost, 5);
	chip_add(&chip, record, chip_fill(&chip, record));
	read_chip(&chip);
	ck_assert_uint_eq(told_lost, 5);
}
END_TEST

START_TEST(the_table_has_what_is_live)
{
	struct chip chip = make_chip(_i);
	uint64_t high = chip.pointer_size == 8 ? 0x3f : 0;

	chip.kind = LM_RAM_LIVE;
	chip.capacity = 20 * sizeof(struct lm_ram_entry);
	chip.caller_high = chip.pointer_size == 8 ? 5 : 0;
	chip.block_shift = chip.pointer_size == 8 ? 8 : 0;
	begin(&chip);
	chip_set_live(&chip, 3, high << 32 | 0x20001000, 100, 1, 0x8000124);
	chip_set_live(&chip, 7, high << 32 | 0x20002000, LM_RAM_SIZE_MAX, 29, 0x8000224);
	chip_set_live(&chip, 19, high << 32 | 0x20003000, 0, 0, 0);
	/* No block, a task, and a realloc in progress. */
	chip_set_live(&chip, 4, 0, 100, 1, 0x8000124);
	chip_set_live(&chip, 5, 0x20005000, 100, LM_RAM_THREAD_OTHER, 0x8000124);
	chip_set_live(&chip, 6, high << 32 | 0x20004000, 77, LM_RAM_THREAD_MOVING, 0x8000124);
	chip_put32(&chip, offsetof(struct lm_ram, lost), 2);
	read_chip(&chip);
	ck_assert_uint_eq(messages.count, 0);
	ck_assert_uint_eq(told_count, 4);
	ck_assert_uint_eq(told_lost, 2);
	ck_assert_uint_eq(told_begun, 1);
	ck_assert(told[0].pointer == (high << 32 | 0x20001000) && told[0].size == 100 && told[0].thread == 1);
	ck_assert(told[0].frame == ((uint64_t)chip.caller_high << 32 | 0x8000124));
	ck_assert(told[1].pointer == (high << 32 | 0x20004000) && told[1].size == 77 && told[1].thread == 0);
	ck_assert(told[2].pointer == (high << 32 | 0x20002000) && told[2].size == LM_RAM_SIZE_MAX);
	ck_assert(told[2].thread == 29);
	ck_assert(told[3].pointer == (high << 32 | 0x20003000) && told[3].size == 0 && told[3].frame == 0);
}
END_TEST

START_TEST(a_damaged_header_is_told_and_not_used)
{
	struct chip chip = make_chip(_i), good;
	char record[CHIP_RECORD];

	chip.capacity = 504;
	begin(&chip);
	for (size_t i = 0; i < 30; i++)
		chip_add(&chip, record, chip_record(&chip, i, record));
	good = chip;
	/* Any bit of what the check covers, and the check itself. */
	for (size_t bit = 8 * offsetof(struct lm_ram, version); bit < 8 * offsetof(struct lm_ram, lost); bit++) {
		chip = good;
		chip.memory[bit / 8] ^= (unsigned char)(1 << bit % 8);
		read_chip(&chip);
		ck_assert_uint_eq(buffers, 0);
		ck_assert_uint_eq(messages.count, 1);
	}
	/* Numbers that can't be, with a check that is right. */
	for (size_t field = offsetof(struct lm_ram, header); field < offsetof(struct lm_ram, caller_high); field += 4) {
		static const uint32_t numbers[] = {0, 7, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff8, 49, 100000};

		for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
			chip = good;
			chip_put32(&chip, field, numbers[i]);
			chip_check(&chip);
			read_chip(&chip);
		}
	}
	for (int i = 0; i < 8; i++) {
		chip = good;
		chip_put32(&chip, i & 1 ? offsetof(struct lm_ram, position) : offsetof(struct lm_ram, reserved),
		           (i & 2 ? 504 : UINT32_C(0x7fffffff)) | (i & 4 ? LM_RAM_WRAPPED : 0));
		read_chip(&chip);
		ck_assert_uint_eq(buffers, 0);
		ck_assert_str_eq(messages.last, "the buffer at offset 0 is damaged: its numbers can't be: not used");
	}
}
END_TEST

START_TEST(a_dump_that_ends_early_is_told)
{
	struct chip chip = make_chip(_i);
	unsigned char *copy;

	chip.capacity = 200;
	begin(&chip);
	for (size_t len = 0; len < chip.size; len++) {
		/* Of exactly that size, so that a read behind it is seen. */
		copy = malloc(len + !len);
		memcpy(copy, chip.memory, len);
		read_dump(copy, len);
		free(copy);
		ck_assert_uint_eq(buffers, 0);
		ck_assert_uint_eq(messages.count, len >= sizeof(struct lm_ram));
	}
	read_chip(&chip);
	ck_assert_uint_eq(buffers, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dump");

	TIMES(the_ring_has_the_last_records_whenever_the_dump_is_taken, CHIPS);
	TIMES(a_ring_that_was_not_full_has_all_records, CHIPS);
	TIMES(a_buffer_is_found_wherever_it_lies, CHIPS);
	TIMES(lost_events_are_told_once, CHIPS);
	TIMES(the_table_has_what_is_live, 4);
	TIMES(a_damaged_header_is_told_and_not_used, CHIPS);
	TIMES(a_dump_that_ends_early_is_told, CHIPS);
	return run_suite(suite);
}
