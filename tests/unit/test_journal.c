/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Journals that are written here by hand, as src/format/journal.h has them: what the
 * reader and the commands make of them, and that no content can harm them.
 */
#include "journals.h"
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* As journal_put(), where the stream had begun before the journal was. */
static void put_at_start(const char *record)
{
	journal_store(made.head, record, strlen(record));
	memcpy(made.stream + (made.head - made.header.start), record, strlen(record));
	made.head += strlen(record);
}

/* RECORD's place, of whose length so many bytes are there. */
static void put_opening(const char *record, size_t written)
{
	uint32_t len = lm_journal_length((uint32_t)strlen(record));
	char mark[LM_JOURNAL_LENGTH_END] = {LM_JOURNAL_OPENING};

	memcpy(mark + 1, &len, written);
	journal_store(made.head, mark, sizeof mark);
	made.head += strlen(record);
}

/* RECORD's place, of whose first bytes so many are there. */
static void put_closing(const char *record, size_t written)
{
	uint64_t at = made.head;
	char mark[LM_JOURNAL_FIRST] = {LM_JOURNAL_CLOSING};

	journal_put(record);
	memcpy(mark + 1, record + 1, written);
	journal_store(at, mark, sizeof mark);
}

static void put_reserved(size_t len)
{
	made.head += len;
}

/* A command reads the trace as well as it can, and ends in an orderly way. */
static void commands_survive(void)
{
	struct run r = run("$B/log-malloc-findleak -n t");

	ck_assert_msg(r.status >= 0 && r.status <= 2, "status %d: %s", r.status, r.err);
}

/* ---- what is whole --------------------------------------------------------------------- */

START_TEST(records_that_are_not_in_the_trace_are_read_behind_it)
{
	journal_begin("");
	journal_put(FIRST);
	journal_put(ONE);
	journal_put(FREE_1);
	journal_put(TWO);
	journal_save(0);
	journal_reads("1/2 -1/0 2/1 ");
	journal_tell(strlen(FIRST));
	journal_save(made.header.tail);
	journal_reads("1/2 -1/0 2/1 ");
	journal_tell(made.head);
	journal_save(made.header.tail);
	journal_reads("1/2 -1/0 2/1 ");
}
END_TEST

START_TEST(a_journal_that_was_begun_later_goes_on_from_there)
{
	journal_begin(FIRST ONE);
	journal_put(TWO);
	journal_put(THREE);
	journal_save(0);
	journal_reads("1/2 2/1 3/1 ");
	journal_tell(strlen(TWO));
	journal_save(strlen(TWO));
	journal_reads("1/2 2/1 3/1 ");
}
END_TEST

START_TEST(the_commands_read_it_by_themselves)
{
	struct run r;

	journal_begin(FIRST);
	journal_put(ONE);
	journal_put_pending(TWO);
	journal_put(THREE);
	journal_save(0);
	r = run("$B/log-malloc-findleak -n t");
	ck_assert_str_eq(r.err, "");
	ck_assert_ptr_nonnull(strstr(r.out, "leaked 3 bytes"));
	ck_assert_ptr_nonnull(strstr(r.out, "Total: 2 blocks, 4 bytes (0.00 KiB), 2 backtraces; 0 foreign frees; the "
	                                    "trace ends early\n"));
	r = run("$B/log-malloc-trackusage t | tr '\\n' ' '");
	ck_assert_str_eq(r.err, "");
	ck_assert_str_eq(r.out, "0 1 6 ");
	r = run("printf '[0x5]\\n' >t; rm t.journal; $B/backtrace2line t");
	ck_assert_int_eq(r.status, 0);
}
END_TEST

START_TEST(a_link_to_the_trace_leads_to_its_journal)
{
	struct run r;

	journal_begin(FIRST);
	journal_put(ONE);
	journal_save(0);
	r = run("mkdir d; ln -s ../t d/link; $B/log-malloc-trackusage d/link");
	ck_assert_str_eq(r.out, "0\n1\n");
	/* Standard input is what it is. */
	r = run("$B/log-malloc-trackusage - <t");
	ck_assert_str_eq(r.out, "0\n");
}
END_TEST

START_TEST(lines_are_counted_on)
{
	struct run r;

	journal_begin(FIRST);
	journal_put(ONE);
	journal_put("+ nonsense\n");
	journal_save(0);
	journal_name_trace();
	r = run("$B/log-malloc-trackusage t");
	ck_assert_ptr_nonnull(strstr(r.err, "t:7: "));
}
END_TEST

START_TEST(backtraces_of_the_compact_format_are_found_in_both)
{
	journal_begin("# FORMAT compact\n+ INIT [0:0] malloc=0\n# BACKTRACE 1\n/x(+0x1)[0x1]\n/x(+0x2)[0x2]\n");
	journal_put("+ malloc 1 0x10 [1:24] bt=1\n");
	journal_put("# BACKTRACE 2\n/x(+0x1)[0x1]\n");
	journal_put("+ malloc 2 0x20 [3:48] bt=2\n");
	journal_save(0);
	journal_reads("1/2 2/1 ");
}
END_TEST

START_TEST(the_ring_goes_on_at_its_begin)
{
	/* So that the first byte is at the end of the ring, then the first two, and so on through a record. */
	for (size_t at_end = 1; at_end <= strlen(ONE) + strlen(TWO); at_end++) {
		journal_begin(FIRST);
		for (size_t i = 0; i < LM_JOURNAL_RING; i += 64)
			memcpy(made.stream + i, "# what was there before, and has been written for long ........\n",
			       64);
		memset(made.stream + LM_JOURNAL_RING - at_end - 1, '\n', 1);
		made.head = made.header.tail = LM_JOURNAL_RING - at_end;
		journal_put(ONE);
		journal_put(TWO);
		journal_put_pending(ONE);
		journal_put(THREE);
		journal_save(made.header.tail);
		journal_reads("1/2 2/1 3/1 ");
	}
}
END_TEST

START_TEST(a_stream_can_have_begun_before_the_journal)
{
	/* As much as was recorded before, in front of the ring's end and behind it. */
	static const uint64_t starts[] = {1, 1000, LM_JOURNAL_RING - 10, LM_JOURNAL_RING, UINT64_C(1) << 40};

	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		for (size_t written = 0; written <= strlen(ONE TWO); written++) {
			journal_begin(FIRST);
			made.header.start = made.header.tail = made.head = starts[i];
			put_at_start(ONE);
			put_at_start(TWO);
			put_at_start(THREE);
			journal_save(written);
			journal_reads("1/2 2/1 3/1 ");
			journal_tell(starts[i] + written);
			journal_save(written);
			journal_reads("1/2 2/1 3/1 ");
		}
	}
}
END_TEST

/* ---- what is not ------------------------------------------------------------------------- */

START_TEST(calls_that_had_not_returned_are_left_out)
{
	journal_begin(FIRST);
	journal_put(ONE);
	journal_put_pending(TWO);
	journal_put(FREE_1);
	journal_put_pending(TWO);
	journal_put_pending(TWO);
	journal_put(THREE);
	journal_put_pending(TWO);
	journal_save(0);
	journal_reads("1/2 -1/0 3/1 ");
}
END_TEST

START_TEST(places_that_were_just_reserved_are_left_out)
{
	journal_begin(FIRST);
	put_reserved(100);
	journal_put(ONE);
	put_reserved(9);
	put_reserved(10);
	journal_put_pending(TWO);
	put_reserved(40);
	journal_put(THREE);
	put_reserved(500);
	journal_save(0);
	journal_reads("1/2 3/1 ");
}
END_TEST

START_TEST(each_state_of_a_place_is_a_gap_and_what_follows_is_found)
{
	for (size_t written = 0; written <= 4; written++) {
		journal_begin(FIRST);
		journal_put(ONE);
		put_opening(TWO, written);
		journal_put(THREE);
		put_opening(TWO, written);
		put_opening(TWO, written);
		journal_put(FREE_1);
		journal_save(0);
		journal_reads("1/2 3/1 -1/0 ");
	}
	for (size_t written = 0; written < LM_JOURNAL_FIRST; written++) {
		journal_begin(FIRST);
		journal_put(ONE);
		put_closing(TWO, written);
		journal_put(THREE);
		put_closing(FREE_1, written);
		put_closing(TWO, written);
		put_opening(TWO, 2);
		journal_put_pending(TWO);
		put_reserved(30);
		journal_put(FREE_1);
		put_closing(TWO, written);
		journal_save(0);
		journal_reads("1/2 3/1 -1/0 ");
	}
}
END_TEST

START_TEST(the_trace_can_have_more_than_the_journal_knows_of)
{
	size_t all = strlen(ONE TWO THREE);

	/* It is cut at each byte: in the middle of a record, of a line, or between them. */
	for (size_t written = 0; written <= all; written++) {
		journal_begin(FIRST);
		journal_put(ONE);
		journal_put(TWO);
		journal_put(THREE);
		journal_save(written);
		journal_reads("1/2 2/1 3/1 ");
		/* What was written may be zeros already. */
		memset(journal_ring(), 0, written);
		journal_save(written);
		journal_reads("1/2 2/1 3/1 ");
		journal_tell(written);
		journal_save(written);
		journal_reads("1/2 2/1 3/1 ");
		journal_tell(written / 2);
		journal_save(written);
		journal_reads("1/2 2/1 3/1 ");
	}
}
END_TEST

START_TEST(threads_that_wait_for_room_are_behind_its_end)
{
	journal_begin(FIRST);
	journal_put(ONE);
	journal_tell(made.head);
	/* At its end, the stream's bytes before the tail begin, which are 0 by then. */
	made.head = LM_JOURNAL_RING + 3 * 400;
	journal_save(strlen(ONE));
	journal_reads("1/2 ");
}
END_TEST

START_TEST(what_others_recorded_behind_the_end_is_read)
{
	journal_begin(FIRST ONE "+ FINI [1:24] malloc=1\n");
	journal_put(TWO);
	journal_put_pending(THREE);
	journal_put(FREE_1);
	journal_save(0);
	journal_reads("1/2 2/1 -1/0 ");
	journal_save(strlen(TWO));
	journal_reads("1/2 2/1 -1/0 ");
}
END_TEST

START_TEST(a_journal_that_was_not_begun_has_nothing)
{
	memset(made.image, 0, sizeof made.image);
	snprintf(made.before, sizeof made.before, "%s", FIRST ONE);
	journal_save(0);
	journal_reads("1/2 ");
	write_file("t.journal", "", 0);
	journal_reads("1/2 ");
}
END_TEST

/* ---- what is no use ------------------------------------------------------------------------ */

START_TEST(what_does_not_belong_to_the_trace_is_left_out)
{
	static const char mismatch[] = "t.journal: left out: it does not belong to the trace as it is now";

	journal_begin(FIRST ONE);
	journal_put(TWO);
	snprintf(made.before, sizeof made.before, "%s", FIRST);
	journal_save(0);
	journal_reads_without("", mismatch);
	/* Less than the journal knows to be in the trace. */
	journal_begin(FIRST);
	journal_put(ONE);
	journal_put(TWO);
	journal_tell(strlen(ONE));
	journal_save(strlen(ONE) - 1);
	journal_copies_read_and_tell("", mismatch);
	journal_name_trace();
	journal_copies_read_and_tell("1/1 ", mismatch);
	/* More than it has. Of copies, the trace's can be the younger one. */
	journal_begin(FIRST);
	journal_put(ONE);
	memcpy(made.stream + strlen(ONE), TWO, strlen(TWO));
	journal_save(strlen(ONE TWO));
	journal_copies_read("1/2 2/1 ");
	journal_name_trace();
	journal_copies_read_and_tell("1/2 2/1 ", mismatch);
	/* Another trace in the same file. */
	journal_begin("");
	journal_put(FIRST ONE);
	journal_put(TWO);
	journal_put(THREE);
	memcpy(made.stream, FIRST, strlen(FIRST));
	memcpy(made.stream + strlen(FIRST), FREE_1, strlen(FREE_1));
	journal_save(strlen(FIRST FREE_1));
	journal_reads_without("-1/0 ", mismatch);
}
END_TEST

START_TEST(what_is_no_journal_is_left_out)
{
	journal_begin(FIRST ONE);
	journal_put(TWO);
	made.header.magic++;
	journal_save(0);
	journal_copies_read_and_tell("1/2 ", "it is no journal of a trace");
	made.header.magic--;
	write_file("t.journal", (const char *)made.image, sizeof made.image - 1);
	journal_copies_read_and_tell("1/2 ", "it has another size than a journal");
	write_file("t.journal", (const char *)made.image, 100);
	journal_copies_read_and_tell("1/2 ", "it has another size than a journal");
	write_file("t.journal", "a diary\n", 8);
	journal_copies_read_and_tell("1/2 ", "it is no journal of a trace");
	ck_assert_int_eq(run("rm t.journal; mkdir t.journal").status, 0);
	journal_copies_read_and_tell("1/2 ", "it is no regular file");
	ck_assert_int_eq(run("rmdir t.journal; mkfifo t.journal").status, 0);
	journal_copies_read_and_tell("1/2 ", "it is no regular file");
}
END_TEST

START_TEST(positions_that_can_not_be_do_no_harm)
{
	static const uint64_t values[] = {
		0,
		1,
		LM_JOURNAL_RING,
		LM_JOURNAL_RING + 1,
		UINT64_C(1) << 61,
		UINT64_C(1) << 62,
		UINT64_C(1) << 63,
		UINT64_MAX,
	};
	enum { VALUES = sizeof values / sizeof *values };

	journal_begin(FIRST);
	journal_put(ONE);
	for (int i = 0; i < VALUES * VALUES * VALUES; i++) {
		made.header.base = values[i % VALUES];
		made.header.tail = values[i / VALUES % VALUES];
		made.header.start = values[i / VALUES / VALUES];
		journal_save(i % 2 ? strlen(ONE) : 0);
		journal_calls();
		if (i % 8 == 0)
			commands_survive();
	}
	made.header.base = made.header.start = 0;
	made.header.tail = UINT64_MAX;
	journal_save(0);
	journal_reads_without("", "its positions can not be");
	made.header.start = 1;
	made.header.tail = 0;
	journal_save(0);
	journal_reads_without("", "its positions can not be");
}
END_TEST

/* A record's length, where it is in the ring. */
static void put_length(uint32_t length)
{
	unsigned char mark[5] = {LM_JOURNAL_PENDING};

	length = lm_journal_length(length);
	memcpy(mark + 1, &length, sizeof length);
	journal_store(made.head, mark, sizeof mark);
	made.head += 20;
}

START_TEST(lengths_that_can_not_be_end_the_reading)
{
	static const uint32_t lengths[] = {0, 1, 7, 8, 1000, INT32_MAX, UINT32_MAX};

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		journal_begin(FIRST);
		journal_put(ONE);
		put_length(lengths[i]);
		journal_put(TWO);
		journal_save(0);
		journal_reads("1/2 ");
		commands_survive();
	}
	/* One that ends in the middle of another record. */
	journal_begin(FIRST);
	journal_put(ONE);
	put_length(22);
	journal_put(TWO);
	journal_put(THREE);
	journal_save(0);
	journal_reads("1/2 ");
	commands_survive();
}
END_TEST

START_TEST(gaps_that_no_record_has_room_in_end_the_reading)
{
	for (size_t len = 1; len < LM_JOURNAL_RECORD_MIN; len++) {
		journal_begin(FIRST);
		journal_put(ONE);
		put_reserved(len);
		journal_put(TWO);
		journal_save(0);
		journal_reads("1/2 ");
		commands_survive();
	}
	for (size_t len = LM_JOURNAL_LENGTH_END; len < LM_JOURNAL_RECORD_MIN; len++) {
		journal_begin(FIRST);
		journal_put(ONE);
		journal_store(made.head, &(char){LM_JOURNAL_OPENING}, 1);
		put_reserved(len);
		journal_put(TWO);
		journal_save(0);
		journal_reads("1/2 ");
		commands_survive();
	}
	/* Behind a place, something that no place begins with. */
	journal_begin(FIRST);
	journal_put(ONE);
	put_reserved(30);
	journal_put("a diary\n");
	journal_put(TWO);
	journal_save(0);
	journal_reads("1/2 ");
	commands_survive();
}
END_TEST

/* Any bytes, of which some are the ones that mean something. */
static void scatter(uint64_t *random, unsigned char *bytes, size_t len)
{
	static const unsigned char special[] = {
		0, LM_JOURNAL_PENDING, LM_JOURNAL_OPENING, LM_JOURNAL_CLOSING, '+', '#', '\n', '9'};

	for (size_t i = 0; i < len; i++) {
		*random ^= *random << 13;
		*random ^= *random >> 7;
		*random ^= *random << 17;
		bytes[i] = *random >> 60 ? special[*random >> 32 & 7] : (unsigned char)(*random >> 24);
	}
}

START_TEST(rings_of_any_content_do_no_harm)
{
	uint64_t random = 0x9e3779b97f4a7c15u;

	for (int i = 0; i < 40; i++) {
		journal_begin(FIRST);
		scatter(&random, journal_ring(), LM_JOURNAL_RING);
		made.header.tail = i % 2 ? random % LM_JOURNAL_RING : 0;
		if (i % 3 == 0)
			made.header.start = made.header.tail / 2;
		memcpy(made.stream, journal_ring(), LM_JOURNAL_RING);
		journal_save(made.header.tail + (i % 4 > 1 ? random % 1000 : 0));
		journal_calls();
		commands_survive();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("journal");

	/* So that nobody else can write to the journals that are made here. */
	umask(022);

	ONCE(records_that_are_not_in_the_trace_are_read_behind_it);
	ONCE(a_journal_that_was_begun_later_goes_on_from_there);
	ONCE(the_commands_read_it_by_themselves);
	ONCE(a_link_to_the_trace_leads_to_its_journal);
	ONCE(lines_are_counted_on);
	ONCE(backtraces_of_the_compact_format_are_found_in_both);
	ONCE(the_ring_goes_on_at_its_begin);
	ONCE(calls_that_had_not_returned_are_left_out);
	ONCE(places_that_were_just_reserved_are_left_out);
	ONCE(the_trace_can_have_more_than_the_journal_knows_of);
	ONCE(threads_that_wait_for_room_are_behind_its_end);
	ONCE(each_state_of_a_place_is_a_gap_and_what_follows_is_found);
	ONCE(a_stream_can_have_begun_before_the_journal);
	ONCE(what_others_recorded_behind_the_end_is_read);
	ONCE(a_journal_that_was_not_begun_has_nothing);
	ONCE(what_does_not_belong_to_the_trace_is_left_out);
	ONCE(what_is_no_journal_is_left_out);
	ONCE(positions_that_can_not_be_do_no_harm);
	ONCE(lengths_that_can_not_be_end_the_reading);
	ONCE(gaps_that_no_record_has_room_in_end_the_reading);
	ONCE(rings_of_any_content_do_no_harm);
	return run_suite(suite);
}
