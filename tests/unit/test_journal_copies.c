/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies of a trace and of its journal, whose process goes on while they are made. */
#include "journals.h"
#include "packed_text.h"
#include "support.h"
#include "trace.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void begin_with_three(void)
{
	journal_begin(FIRST);
	journal_put(ONE);
	journal_put(TWO);
	journal_put(THREE);
}

START_TEST(a_copy_of_the_trace_can_have_more_than_the_older_one_of_the_journal)
{
	for (size_t written = strlen(ONE TWO); written <= strlen(ONE TWO THREE); written++) {
		journal_begin(FIRST);
		journal_put(ONE);
		journal_put(TWO);
		memcpy(made.stream + made.head, THREE, strlen(THREE));
		journal_save(written);
		/* Of a record that is in neither as a whole, only the end of a line in the middle does not tell that.
		 */
		if (written == strlen(ONE TWO THREE))
			journal_copies_read("1/2 2/1 3/1 ");
		else if (made.stream[written - 1] != '\n' || written == strlen(ONE TWO))
			journal_copies_read("1/2 2/1 ");
	}
}
END_TEST

/* A process in the middle of a write has written whole pages. */
START_TEST(a_record_that_a_write_has_not_ended_is_left_out)
{
	const size_t line = (size_t)(strchr(THREE, '\n') + 1 - THREE);
	char base[1024];

	/* The trace's copy ends behind a line of THREE, and with a page. */
	journal_begin(FIRST);
	journal_put(ONE);
	journal_put(TWO);
	for (size_t i = made.head; i < 4096; i++)
		made.stream[i] = i == made.head ? '#' : ' ';
	snprintf(base, sizeof base, "%s", made.before);
	memcpy(made.stream + 4096 - strlen(base) - line - 1, "\n", 1);
	memcpy(made.stream + 4096 - strlen(base) - line, THREE, strlen(THREE));
	journal_save(4096 - strlen(base));
	journal_copies_read("1/2 2/1 ");
	/* The journal has all of it. */
	journal_store(made.head, made.stream + made.head, 4096 - strlen(base) - line + strlen(THREE) - made.head);
	journal_save_alone();
	journal_copies_read("1/2 2/1 3/1 ");
}
END_TEST

START_TEST(what_is_in_neither_copy_is_told)
{
	char expected[128];

	/* The process has written to the trace between the copies, */
	begin_with_three();
	journal_tell(strlen(ONE TWO));
	journal_save(strlen(ONE));
	snprintf(expected, sizeof expected, "the %zu bytes in front of it are in neither file", strlen(TWO));
	journal_copies_read_and_tell("1/2 ", expected);
	journal_copies_read_and_tell("1/2 ", "copy the journal first, then the trace");
	/* or while the journal was copied: up to a record, */
	begin_with_three();
	journal_tell(strlen(ONE));
	memset(journal_ring() + strlen(ONE), 0, strlen(TWO));
	journal_put(FREE_1);
	memset(journal_ring() + strlen(ONE TWO), 0, 7);
	journal_save(strlen(ONE));
	snprintf(expected, sizeof expected, "the %zu bytes in front of that are in neither file", strlen(TWO) + 7);
	journal_copies_read_and_tell("1/2 ", expected);
	/* or up to the middle of one, of which the first part had been copied. */
	begin_with_three();
	memset(journal_ring() + strlen(ONE) + 20, 0, strlen(TWO) - 20);
	journal_save(0);
	snprintf(expected, sizeof expected, "the %zu bytes in front of that are in neither file", strlen(TWO));
	journal_copies_read_and_tell("1/2 ", expected);
	/* Two records that became one. */
	journal_begin(FIRST);
	journal_put(ONE);
	journal_put("+ malloc 2 0x20 [3:48]+ malloc 3 0x30 [6:72]\n/x(+0x3)[0x3]\n");
	journal_save(0);
	journal_copies_read_and_tell("1/2 ", "it changed while it was copied");
}
END_TEST

/* What the journal's end, which is copied last, tells to be in the trace. */
static void journal_end_tells(uint64_t flushed)
{
	struct lm_journal_trailer trailer = {.flushed = flushed};

	memcpy(made.image + LM_JOURNAL_HEADER + LM_JOURNAL_RING, &trailer, sizeof trailer);
}

/* The trace was copied first. Behind the journal's header, the process has written out more, and gone on recording. */
START_TEST(what_was_written_out_while_the_journal_was_copied_is_told)
{
	char expected[128];

	/* Zeros, as if a call was under way. */
	begin_with_three();
	journal_tell(strlen(ONE));
	memset(journal_ring() + strlen(ONE), 0, strlen(TWO));
	journal_end_tells(strlen(ONE TWO));
	journal_save(strlen(ONE));
	snprintf(expected, sizeof expected, "the %zu bytes in front of that are in neither file", strlen(TWO));
	journal_copies_read_and_tell("1/2 ", expected);
	journal_copies_read_and_tell("1/2 ", "copy the journal first, then the trace");
	/* A record of the ring's next round, where the header says that others are, in front of the trace's end or
	 * behind. */
	for (int is_behind = 0; is_behind < 2; is_behind++) {
		begin_with_three();
		journal_tell(is_behind ? strlen(ONE TWO) : strlen(ONE));
		journal_store(is_behind ? strlen(ONE TWO) : strlen(ONE), FREE_1, strlen(FREE_1));
		journal_end_tells((512 << 10));
		journal_save(strlen(ONE TWO));
		journal_copies_read_and_tell("1/2 2/1 ", "copy the journal first, then the trace");
	}
}
END_TEST

/* The release of a block was copied, and its allocation was under way a moment before. */
START_TEST(a_call_that_was_under_way_makes_no_wrong_free)
{
	struct run r;

	journal_begin(FIRST);
	journal_put(ONE);
	journal_put_pending(TWO);
	journal_put("+ free -2 0x20 [1:24]\n");
	journal_put(FREE_1);
	journal_save(0);
	journal_copies_read("1/2 -2/0 -1/0 ");
	r = run("$B/log-malloc-findleak -n t");
	ck_assert_str_eq(r.err, "");
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_null(strstr(r.out, "NOT IN USE"));
	ck_assert_ptr_nonnull(strstr(r.out, "; 1 free of unknown blocks"));
}
END_TEST

/* ---- a copying that takes its time, in all ways ---- */

enum { RECORDS_MAX = 2 * LM_JOURNAL_RING / 8 };

/* Where record I begins, in a stream of records that differ in length. */
static uint64_t begins[RECORDS_MAX + 1];
static uint64_t records;

/* Packed records of one to three words, and lines. */
static void put_packed_stream(void)
{
	struct packed_text text = {.len = 0};

	for (records = 0; text.len + 200 < sizeof made.stream; records++) {
		const uint64_t address = 16 * (records + 16);

		begins[records] = text.len;
		switch (records * 7 % 11) {
		case 0:
			packed_line(&text, "+ malloc 1 0x%llx [%llu:1] usable=24", (unsigned long long)address,
			            (unsigned long long)records);
			break;
		case 1:
			packed_line(&text, "# FRAME %llu\n/%.*s(+0x3)[0x3]", (unsigned long long)records,
			            (int)(records % 31), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
			packed_malloc(&text, 1, address, (struct packed_block){1, 23, 0});
			break;
		case 2:
			packed_realloc(&text, 1, address - 16, address, (struct packed_block){1, 23, 0});
			break;
		case 3:
			packed_free(&text, 1, address);
			break;
		default:
			packed_malloc(&text, 1, address, (struct packed_block){1, 23, 0});
		}
	}
	begins[records] = text.len;
	memcpy(made.stream, text.bytes, text.len);
	packed_clear(&text);
}

static void put_stream(bool is_packed)
{
	uint64_t at = 0;

	if (is_packed) {
		put_packed_stream();
		return;
	}
	for (records = 0; at + 200 < sizeof made.stream; records++) {
		begins[records] = at;
		at += (uint64_t)sprintf(made.stream + at, "+ malloc 1 0x%llx [%llu:1]\n/%.*s(+0x3)[0x3]\n",
		                        (unsigned long long)records + 16, (unsigned long long)records,
		                        (int)(records * 7 % 31), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	}
	begins[records] = at;
}

/* The record that POSITION is in. */
static uint64_t record_at(uint64_t position)
{
	uint64_t low = 0, high = records;

	while (high - low > 1) {
		uint64_t middle = (low + high) / 2;

		*(begins[middle] <= position ? &low : &high) = middle;
	}
	return low;
}

/* The bytes of the ring from FROM to TO, when the process had written out so much and recorded so much. */
static void copy_ring(size_t from, size_t to, uint64_t tail, uint64_t end)
{
	memset(journal_ring() + from, 0, to - from);
	for (uint64_t at = tail; at < end; at++) {
		size_t place = at % LM_JOURNAL_RING;

		if (place >= from && place < to)
			journal_ring()[place] = (unsigned char)made.stream[at];
	}
}

/* How many records are read, of which each has to follow the one before. */
static uint64_t count_records(bool is_packed)
{
	static struct trace trace;
	struct trace_item item;
	uint64_t count = 0;
	int got;

	made.messages = 0;
	ck_assert_int_eq(trace_open(&trace, journal_path("t"), &journal_diag), 0);
	while ((got = trace_next(&trace, &item)) > 0) {
		if (item.kind != TRACE_CALL)
			continue;
		each_holds(item.event.pointer == (is_packed ? 16 * (count + 16) : count + 16));
		each_holds(stacks_get(&trace.image.stacks, item.stack).depth == (is_packed ? 0 : 1));
		count++;
	}
	ck_assert_int_eq(got, 0);
	ck_assert_uint_eq(trace.malformed, 0);
	trace_close(&trace);
	return count;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t some(uint64_t *random, uint64_t from, uint64_t to)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return from + (*random >> 16) % (to - from + 1);
}

/* Where a write ends, or where the kernel is in the middle of one. */
static uint64_t some_end(uint64_t *random, uint64_t from, uint64_t to)
{
	uint64_t end = some(random, from, to), page = end - (end + strlen(made.before)) % 4096;

	return end % 2 || page > end || page < from ? begins[record_at(end)] : page;
}

/*
 * One thread. The ring's first bytes are copied at one moment, and its last ones at another. The trace is copied behind
 * that, or before it.
 */
START_TEST(copies_of_any_two_moments)
{
	const bool is_packed = _i;
	const uint64_t room = LM_JOURNAL_RING - (256 << 10);
	uint64_t random = 0x9e3779b97f4a7c15u;

	put_stream(is_packed);
	for (int i = 0; i < (is_packed ? 25 : 75); i++) {
		const bool journal_first = i % 2;
		uint64_t last = i % 3 ? 300000 : LM_JOURNAL_RING, early[2], late[2], written;
		size_t torn = (size_t)some(&random, 0, LM_JOURNAL_RING / 64) * 64;

		journal_begin(is_packed ? FIRST_PACKED : FIRST);
		made.header.packed = is_packed;
		early[0] = begins[record_at(some(&random, 0, LM_JOURNAL_RING))];
		early[1] = begins[record_at(some(&random, early[0], early[0] + (i % 5 ? 300000 : room)))];
		late[1] = begins[record_at(some(&random, early[1], smaller(early[1] + last, begins[records])))];
		late[0] = begins[record_at(some(&random, early[0], late[1]))];
		if (late[1] - late[0] > room)
			late[0] = begins[record_at(late[1] - room) + 1];
		made.header.tail = early[0];
		copy_ring(0, torn, early[0], early[1]);
		copy_ring(torn, LM_JOURNAL_RING, late[0], late[1]);
		written = journal_first ? some_end(&random, late[0], late[1]) : some_end(&random, 0, early[0]);
		journal_save(written);
		if (journal_first) {
			uint64_t count = count_records(is_packed);

			ck_assert_msg(made.messages == 0, "%d: %s", i, made.last_message);
			ck_assert_uint_ge(count, record_at(early[1]));
			ck_assert_uint_ge(count + 1, record_at(written));
		} else {
			uint64_t count = count_records(is_packed);

			ck_assert_uint_ge(count + 1, record_at(written));
			ck_assert_msg(made.messages == 1 || count >= record_at(early[1]), "%d: %ju of %ju", i,
			              (uintmax_t)count, (uintmax_t)record_at(early[1]));
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("journal_copies");

	/* So that nobody else can write to the journals that are made here. */
	umask(022);

	ONCE(a_copy_of_the_trace_can_have_more_than_the_older_one_of_the_journal);
	ONCE(a_record_that_a_write_has_not_ended_is_left_out);
	ONCE(what_is_in_neither_copy_is_told);
	ONCE(what_was_written_out_while_the_journal_was_copied_is_told);
	ONCE(a_call_that_was_under_way_makes_no_wrong_free);
	TIMES(copies_of_any_two_moments, 2);
	return run_suite(suite);
}
