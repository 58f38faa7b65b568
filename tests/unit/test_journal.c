/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Journals that are written here by hand, as src/format/journal.h has them: what the
 * reader and the commands make of them, and that no content can harm them.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal.h"
#include "packed_text.h"
#include "recovery.h"
#include "support.h"
#include "trace.h"

#define FIRST_PACKED "# PID 4711\n# FORMAT packed\n+ INIT [0:0] malloc=0       \n"
#define FIRST        "# PID 4711\n# FORMAT full\n+ INIT [0:0] malloc=0\n"
#define ONE          "+ malloc 1 0x10 [1:24]\n/x(+0x1)[0x1]\n/x(+0x2)[0x2]\n"
#define TWO          "+ malloc 2 0x20 [3:48]\n/x(+0x1)[0x1]\n"
#define THREE        "+ malloc 3 0x30 [6:72]\n/x(+0x3)[0x3]\n"
#define FREE_1       "+ free -1 0x10 [5:48]\n"

/* The journal, and beside it what was recorded altogether, as far as it is in the trace or may come into it. */
static _Alignas(4096) unsigned char image[LM_JOURNAL_SIZE];
static struct lm_journal_header *const header = (struct lm_journal_header *)(void *)image;
static char stream[2 * LM_JOURNAL_RING];
static uint64_t head;     /* where the stream ends */
static char before[1024]; /* in the trace, before the journal was begun */

static unsigned messages;
static char last_message[512];

static void remember(void *context, const char *file, uint64_t line, const char *message)
{
	(void)context;
	(void)line;
	messages++;
	snprintf(last_message, sizeof last_message, "%s: %s", strrchr(file, '/') + 1, message);
}

static const struct diag diag = {.report = remember};

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- writing ------------------------------------------------------------------------ */

static unsigned char *ring(void)
{
	return image + LM_JOURNAL_HEADER;
}

static const char *in_scratch_path(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", scratch(), name);
	return path;
}

/* A journal that is begun when BASE stands in the trace. */
static void begin(const char *base)
{
	memset(image, 0, sizeof image);
	header->magic = LM_JOURNAL_MAGIC;
	header->pid = 4711;
	header->base = strlen(base);
	head = 0;
	snprintf(before, sizeof before, "%s", base);
}

static void store(uint64_t position, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		ring()[(position + i) % LM_JOURNAL_RING] = ((const unsigned char *)bytes)[i];
}

static void put(const char *record)
{
	store(head, record, strlen(record));
	memcpy(stream + head, record, strlen(record));
	head += strlen(record);
}

/* The same, where the stream had begun before the journal was. */
static void put_at_start(const char *record)
{
	store(head, record, strlen(record));
	memcpy(stream + (head - header->start), record, strlen(record));
	head += strlen(record);
}

/* RECORD's place, of which all but the beginning is as it will be. */
static void put_pending(const char *record)
{
	uint64_t at = head;
	uint32_t len = lm_journal_length((uint32_t)strlen(record));
	char mark[8] = {LM_JOURNAL_PENDING};

	put(record);
	memcpy(mark + 1, &len, sizeof len);
	store(at, mark, sizeof mark);
}

/* RECORD's place, of whose length so many bytes are there. */
static void put_opening(const char *record, size_t written)
{
	uint32_t len = lm_journal_length((uint32_t)strlen(record));
	char mark[LM_JOURNAL_LENGTH_END] = {LM_JOURNAL_OPENING};

	memcpy(mark + 1, &len, written);
	store(head, mark, sizeof mark);
	head += strlen(record);
}

/* RECORD's place, of whose first bytes so many are there. */
static void put_closing(const char *record, size_t written)
{
	uint64_t at = head;
	char mark[LM_JOURNAL_FIRST] = {LM_JOURNAL_CLOSING};

	put(record);
	memcpy(mark + 1, record + 1, written);
	store(at, mark, sizeof mark);
}

/* The process says that so much is in the trace: by then it is 0 in the ring. */
static void tell(uint64_t tail)
{
	for (uint64_t at = header->tail; at < tail; at++)
		ring()[at % LM_JOURNAL_RING] = 0;
	header->tail = tail;
}

static void put_reserved(size_t len)
{
	head += len;
}

/* As a file with holes where there is nothing. */
static void save_journal(void)
{
	static const unsigned char nothing[4096];
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof path, "%s/t.journal", scratch());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, sizeof image), 0);
	lm_journal_header_turn(header);
	for (size_t at = 0; at < sizeof image; at += sizeof nothing) {
		if (memcmp(image + at, nothing, sizeof nothing) != 0)
			ck_assert_int_eq(pwrite(fd, image + at, sizeof nothing, (off_t)at), sizeof nothing);
	}
	lm_journal_header_turn(header);
	ck_assert_int_eq(close(fd), 0);
}

/* The trace has what was there before and so much of the stream. */
static void save(uint64_t written)
{
	size_t base = strlen(before);
	char *text = malloc(base + written);

	ck_assert_ptr_nonnull(text);
	memcpy(text, before, base);
	memcpy(text + base, stream, written);
	write_file("t", text, base + written);
	save_journal();
	free(text);
}

/* ---- reading ------------------------------------------------------------------------ */

/* The sizes and the backtraces' depths of the calls that are read, and what was said. */
static const char *calls(void)
{
	static char text[512];
	static struct trace trace;
	struct trace_item item;
	char path[PATH_MAX];
	size_t used = 0;
	int got;

	text[0] = '\0';
	messages = 0;
	snprintf(path, sizeof path, "%s/t", scratch());
	ck_assert_int_eq(trace_open(&trace, path, &diag), 0);
	while ((got = trace_next(&trace, &item)) > 0) {
		if (item.kind == TRACE_CALL && used < sizeof text)
			used += (size_t)snprintf(text + used, sizeof text - used, "%lld/%zu ",
			                         (long long)item.event.change,
			                         stacks_get(&trace.image.stacks, item.stack).depth);
	}
	ck_assert_int_eq(got, 0);
	trace_close(&trace);
	return text;
}

/* The journal names the trace beside it: both are where the process made them. */
static void name_trace(void)
{
	struct stat st;

	ck_assert_int_eq(stat(in_scratch_path("t"), &st), 0);
	header->device = st.st_dev;
	header->inode = st.st_ino;
	save_journal();
}

/* It names another file: both are copies. */
static void name_no_trace(void)
{
	header->device = header->inode = 0;
	save_journal();
}

/* As copies. */
static void copies_read(const char *expected)
{
	ck_assert_str_eq(calls(), expected);
	ck_assert_msg(messages == 0, "%s", last_message);
}

/* As copies, and where they were made. */
static void reads(const char *expected)
{
	copies_read(expected);
	name_trace();
	ck_assert_str_eq(calls(), expected);
	ck_assert_msg(messages == 0, "%s", last_message);
	name_no_trace();
}

static void copies_read_and_tell(const char *expected, const char *what)
{
	ck_assert_str_eq(calls(), expected);
	ck_assert_uint_eq(messages, 1);
	ck_assert_msg(strstr(last_message, what) != NULL, "%s", last_message);
}

/* The journal is of no use, and said to be; the trace is read without it. */
static void reads_without(const char *expected, const char *why)
{
	copies_read_and_tell(expected, why);
	name_trace();
	copies_read_and_tell(expected, why);
	name_no_trace();
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
	begin("");
	put(FIRST);
	put(ONE);
	put(FREE_1);
	put(TWO);
	save(0);
	reads("1/2 -1/0 2/1 ");
	tell(strlen(FIRST));
	save(header->tail);
	reads("1/2 -1/0 2/1 ");
	tell(head);
	save(header->tail);
	reads("1/2 -1/0 2/1 ");
}
END_TEST

START_TEST(a_journal_that_was_begun_later_goes_on_from_there)
{
	begin(FIRST ONE);
	put(TWO);
	put(THREE);
	save(0);
	reads("1/2 2/1 3/1 ");
	tell(strlen(TWO));
	save(strlen(TWO));
	reads("1/2 2/1 3/1 ");
}
END_TEST

START_TEST(the_commands_read_it_by_themselves)
{
	struct run r;

	begin(FIRST);
	put(ONE);
	put_pending(TWO);
	put(THREE);
	save(0);
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

	begin(FIRST);
	put(ONE);
	save(0);
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

	begin(FIRST);
	put(ONE);
	put("+ nonsense\n");
	save(0);
	name_trace();
	r = run("$B/log-malloc-trackusage t");
	ck_assert_ptr_nonnull(strstr(r.err, "t:7: "));
}
END_TEST

START_TEST(backtraces_of_the_compact_format_are_found_in_both)
{
	begin("# FORMAT compact\n+ INIT [0:0] malloc=0\n# BACKTRACE 1\n/x(+0x1)[0x1]\n/x(+0x2)[0x2]\n");
	put("+ malloc 1 0x10 [1:24] bt=1\n");
	put("# BACKTRACE 2\n/x(+0x1)[0x1]\n");
	put("+ malloc 2 0x20 [3:48] bt=2\n");
	save(0);
	reads("1/2 2/1 ");
}
END_TEST

START_TEST(the_ring_goes_on_at_its_begin)
{
	/* So that the first byte is at the end of the ring, then the first two, and so on through a record. */
	for (size_t at_end = 1; at_end <= strlen(ONE) + strlen(TWO); at_end++) {
		begin(FIRST);
		for (size_t i = 0; i < LM_JOURNAL_RING; i += 64)
			memcpy(stream + i, "# what was there before, and has been written for long ........\n", 64);
		memset(stream + LM_JOURNAL_RING - at_end - 1, '\n', 1);
		head = header->tail = LM_JOURNAL_RING - at_end;
		put(ONE);
		put(TWO);
		put_pending(ONE);
		put(THREE);
		save(header->tail);
		reads("1/2 2/1 3/1 ");
	}
}
END_TEST

START_TEST(a_stream_can_have_begun_before_the_journal)
{
	/* As much as was recorded before, in front of the ring's end and behind it. */
	static const uint64_t starts[] = {1, 1000, LM_JOURNAL_RING - 10, LM_JOURNAL_RING, UINT64_C(1) << 40};

	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		for (size_t written = 0; written <= strlen(ONE TWO); written++) {
			begin(FIRST);
			header->start = header->tail = head = starts[i];
			put_at_start(ONE);
			put_at_start(TWO);
			put_at_start(THREE);
			save(written);
			reads("1/2 2/1 3/1 ");
			tell(starts[i] + written);
			save(written);
			reads("1/2 2/1 3/1 ");
		}
	}
}
END_TEST

/* ---- what is not ------------------------------------------------------------------------- */

START_TEST(calls_that_had_not_returned_are_left_out)
{
	begin(FIRST);
	put(ONE);
	put_pending(TWO);
	put(FREE_1);
	put_pending(TWO);
	put_pending(TWO);
	put(THREE);
	put_pending(TWO);
	save(0);
	reads("1/2 -1/0 3/1 ");
}
END_TEST

START_TEST(places_that_were_just_reserved_are_left_out)
{
	begin(FIRST);
	put_reserved(100);
	put(ONE);
	put_reserved(9);
	put_reserved(10);
	put_pending(TWO);
	put_reserved(40);
	put(THREE);
	put_reserved(500);
	save(0);
	reads("1/2 3/1 ");
}
END_TEST

START_TEST(each_state_of_a_place_is_a_gap_and_what_follows_is_found)
{
	for (size_t written = 0; written <= 4; written++) {
		begin(FIRST);
		put(ONE);
		put_opening(TWO, written);
		put(THREE);
		put_opening(TWO, written);
		put_opening(TWO, written);
		put(FREE_1);
		save(0);
		reads("1/2 3/1 -1/0 ");
	}
	for (size_t written = 0; written < LM_JOURNAL_FIRST; written++) {
		begin(FIRST);
		put(ONE);
		put_closing(TWO, written);
		put(THREE);
		put_closing(FREE_1, written);
		put_closing(TWO, written);
		put_opening(TWO, 2);
		put_pending(TWO);
		put_reserved(30);
		put(FREE_1);
		put_closing(TWO, written);
		save(0);
		reads("1/2 3/1 -1/0 ");
	}
}
END_TEST

START_TEST(the_trace_can_have_more_than_the_journal_knows_of)
{
	size_t all = strlen(ONE TWO THREE);

	/* It is cut at each byte: in the middle of a record, of a line, or between them. */
	for (size_t written = 0; written <= all; written++) {
		begin(FIRST);
		put(ONE);
		put(TWO);
		put(THREE);
		save(written);
		reads("1/2 2/1 3/1 ");
		/* What was written may be zeros already. */
		memset(ring(), 0, written);
		save(written);
		reads("1/2 2/1 3/1 ");
		tell(written);
		save(written);
		reads("1/2 2/1 3/1 ");
		tell(written / 2);
		save(written);
		reads("1/2 2/1 3/1 ");
	}
}
END_TEST

START_TEST(threads_that_wait_for_room_are_behind_its_end)
{
	begin(FIRST);
	put(ONE);
	tell(head);
	/* At its end, the stream's bytes before the tail begin, which are 0 by then. */
	head = LM_JOURNAL_RING + 3 * 400;
	save(strlen(ONE));
	reads("1/2 ");
}
END_TEST

START_TEST(what_others_recorded_behind_the_end_is_read)
{
	begin(FIRST ONE "+ FINI [1:24] malloc=1\n");
	put(TWO);
	put_pending(THREE);
	put(FREE_1);
	save(0);
	reads("1/2 2/1 -1/0 ");
	save(strlen(TWO));
	reads("1/2 2/1 -1/0 ");
}
END_TEST

START_TEST(a_journal_that_was_not_begun_has_nothing)
{
	memset(image, 0, sizeof image);
	snprintf(before, sizeof before, "%s", FIRST ONE);
	save(0);
	reads("1/2 ");
	write_file("t.journal", "", 0);
	reads("1/2 ");
}
END_TEST

/* ---- what is no use ------------------------------------------------------------------------ */

START_TEST(what_does_not_belong_to_the_trace_is_left_out)
{
	static const char mismatch[] = "t.journal: left out: it does not belong to the trace as it is now";

	begin(FIRST ONE);
	put(TWO);
	snprintf(before, sizeof before, "%s", FIRST);
	save(0);
	reads_without("", mismatch);
	/* Less than the journal knows to be in the trace. */
	begin(FIRST);
	put(ONE);
	put(TWO);
	tell(strlen(ONE));
	save(strlen(ONE) - 1);
	copies_read_and_tell("", mismatch);
	name_trace();
	copies_read_and_tell("1/1 ", mismatch);
	/* More than it has. Of copies, the trace's can be the younger one. */
	begin(FIRST);
	put(ONE);
	memcpy(stream + strlen(ONE), TWO, strlen(TWO));
	save(strlen(ONE TWO));
	copies_read("1/2 2/1 ");
	name_trace();
	copies_read_and_tell("1/2 2/1 ", mismatch);
	/* Another trace in the same file. */
	begin("");
	put(FIRST ONE);
	put(TWO);
	put(THREE);
	memcpy(stream, FIRST, strlen(FIRST));
	memcpy(stream + strlen(FIRST), FREE_1, strlen(FREE_1));
	save(strlen(FIRST FREE_1));
	reads_without("-1/0 ", mismatch);
}
END_TEST

START_TEST(what_is_no_journal_is_left_out)
{
	begin(FIRST ONE);
	put(TWO);
	header->magic++;
	save(0);
	copies_read_and_tell("1/2 ", "it is no journal of a trace");
	header->magic--;
	write_file("t.journal", (const char *)image, sizeof image - 1);
	copies_read_and_tell("1/2 ", "it has another size than a journal");
	write_file("t.journal", (const char *)image, 100);
	copies_read_and_tell("1/2 ", "it has another size than a journal");
	write_file("t.journal", "a diary\n", 8);
	copies_read_and_tell("1/2 ", "it is no journal of a trace");
	ck_assert_int_eq(run("rm t.journal; mkdir t.journal").status, 0);
	copies_read_and_tell("1/2 ", "it is no regular file");
	ck_assert_int_eq(run("rmdir t.journal; mkfifo t.journal").status, 0);
	copies_read_and_tell("1/2 ", "it is no regular file");
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

	begin(FIRST);
	put(ONE);
	for (int i = 0; i < VALUES * VALUES * VALUES; i++) {
		header->base = values[i % VALUES];
		header->tail = values[i / VALUES % VALUES];
		header->start = values[i / VALUES / VALUES];
		save(i % 2 ? strlen(ONE) : 0);
		calls();
		if (i % 8 == 0)
			commands_survive();
	}
	header->base = header->start = 0;
	header->tail = UINT64_MAX;
	save(0);
	reads_without("", "its positions can not be");
	header->start = 1;
	header->tail = 0;
	save(0);
	reads_without("", "its positions can not be");
}
END_TEST

/* A record's length, where it is in the ring. */
static void put_length(uint32_t length)
{
	unsigned char mark[5] = {LM_JOURNAL_PENDING};

	length = lm_journal_length(length);
	memcpy(mark + 1, &length, sizeof length);
	store(head, mark, sizeof mark);
	head += 20;
}

START_TEST(lengths_that_can_not_be_end_the_reading)
{
	static const uint32_t lengths[] = {0, 1, 7, 8, 1000, INT32_MAX, UINT32_MAX};

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		begin(FIRST);
		put(ONE);
		put_length(lengths[i]);
		put(TWO);
		save(0);
		reads("1/2 ");
		commands_survive();
	}
	/* One that ends in the middle of another record. */
	begin(FIRST);
	put(ONE);
	put_length(22);
	put(TWO);
	put(THREE);
	save(0);
	reads("1/2 ");
	commands_survive();
}
END_TEST

START_TEST(gaps_that_no_record_has_room_in_end_the_reading)
{
	for (size_t len = 1; len < LM_JOURNAL_RECORD_MIN; len++) {
		begin(FIRST);
		put(ONE);
		put_reserved(len);
		put(TWO);
		save(0);
		reads("1/2 ");
		commands_survive();
	}
	for (size_t len = LM_JOURNAL_LENGTH_END; len < LM_JOURNAL_RECORD_MIN; len++) {
		begin(FIRST);
		put(ONE);
		store(head, &(char){LM_JOURNAL_OPENING}, 1);
		put_reserved(len);
		put(TWO);
		save(0);
		reads("1/2 ");
		commands_survive();
	}
	/* Behind a place, something that no place begins with. */
	begin(FIRST);
	put(ONE);
	put_reserved(30);
	put("a diary\n");
	put(TWO);
	save(0);
	reads("1/2 ");
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
		begin(FIRST);
		scatter(&random, ring(), LM_JOURNAL_RING);
		header->tail = i % 2 ? random % LM_JOURNAL_RING : 0;
		if (i % 3 == 0)
			header->start = header->tail / 2;
		memcpy(stream, ring(), LM_JOURNAL_RING);
		save(header->tail + (i % 4 > 1 ? random % 1000 : 0));
		calls();
		commands_survive();
	}
}
END_TEST

/* ---- whose it is -------------------------------------------------------------------------- */

/* What recovery_find() gives for the trace, with MESSAGES and LAST_MESSAGE. Both ways to treat gaps are tried. */
static int find(void)
{
	struct recovery recovery;
	char path[PATH_MAX];
	int fd, found = -1;

	snprintf(path, sizeof path, "%s/t", scratch());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	for (enum recovery_gaps gaps = RECOVERY_LEAVE_OUT; gaps <= RECOVERY_FILL; gaps++) {
		messages = 0;
		found = recovery_find(&recovery, fd, path, gaps, &diag);
		if (found == 1)
			recovery_free(&recovery);
	}
	close(fd);
	return found;
}

/* Nobody takes the journal for the trace's, and all say WHY; whoever begins the trace anew leaves it there. */
static void is_left_alone(const char *why)
{
	struct run r;

	ck_assert_int_eq(find(), 0);
	ck_assert_uint_eq(messages, 1);
	ck_assert_msg(strstr(last_message, why) != NULL, "%s", last_message);
	r = run("$B/log-malloc-findleak -n t");
	ck_assert_ptr_nonnull(strstr(r.out, "Total: 1 block, 1 byte"));
	ck_assert_msg(strstr(r.err, why) != NULL, "%s", r.err);
	r = run("cp t kept; $B/log-malloc -q -o t true; [ -e t.journal -o -L t.journal ] || exit 9; cat kept >t");
	ck_assert_int_eq(r.status, 0);
}

/* A trace with a leak of 1 byte, and a journal of it with one of 2 bytes. */
static void save_pair(void)
{
	begin(FIRST ONE);
	put(TWO);
	save(0);
	ck_assert_int_eq(find(), 1);
	ck_assert_uint_eq(messages, 0);
}

START_TEST(a_journal_of_another_user_is_left_alone)
{
	struct run r;

	if (geteuid() != 0) {
		skip("a_journal_of_another_user_is_left_alone", "only root can give files away");
		return;
	}
	save_pair();
	ck_assert_int_eq(run("chown 12345 t.journal").status, 0);
	is_left_alone("it belongs to another user than the trace");
	/* Root reads what is another user's; but not a mixture. */
	ck_assert_int_eq(run("chown 12345 t").status, 0);
	reads("1/2 2/1 ");
	ck_assert_int_eq(run("chown 0 t.journal").status, 0);
	r = run("$B/log-malloc-findleak -n t");
	ck_assert_ptr_nonnull(strstr(r.err, "it belongs to another user than the trace"));
}
END_TEST

START_TEST(a_journal_that_others_can_write_to_is_left_alone)
{
	static const char *const modes[] = {"620", "602", "666"};

	save_pair();
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		ck_assert_int_eq(run("chmod %s t.journal", modes[i]).status, 0);
		is_left_alone("others than its owner can write to it");
	}
	ck_assert_int_eq(run("chmod 644 t.journal").status, 0);
	reads("1/2 2/1 ");
}
END_TEST

START_TEST(links_to_a_journal_are_left_alone)
{
	save_pair();
	ck_assert_int_eq(run("mv t.journal other; ln -s other t.journal").status, 0);
	is_left_alone("it is a symbolic link");
	ck_assert_int_eq(run("rm t.journal; ln -s nowhere t.journal").status, 0);
	is_left_alone("it is a symbolic link");
	ck_assert_int_eq(run("rm t.journal; ln other t.journal").status, 0);
	is_left_alone("it has more than one name");
	ck_assert_int_eq(run("rm other").status, 0);
	reads("1/2 2/1 ");
}
END_TEST

START_TEST(a_journal_of_another_file_has_to_agree_with_the_trace)
{
	save_pair();
	ck_assert_int_eq(run("mkdir there; cp t t.journal there; cp there/t t; cp there/t.journal t.journal").status,
	                 0);
	reads("1/2 2/1 ");
	/* It names this trace, but what both have is not the same. */
	begin(FIRST);
	put(ONE);
	put(TWO);
	memcpy(stream, FREE_1, strlen(FREE_1));
	save(strlen(FREE_1));
	reads_without("-1/0 ", "it does not belong to the trace as it is now");
}
END_TEST

/* Cuts the journal and gives it its size again, until it is killed. */
static pid_t start_cutting(void)
{
	const char *path = in_scratch_path("t.journal");
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child > 0)
		return child;
	for (off_t size = 0;; size = (size + 12345) % LM_JOURNAL_SIZE) {
		if (truncate(path, size) != 0 || truncate(path, LM_JOURNAL_SIZE) != 0)
			_exit(1);
	}
}

START_TEST(a_journal_that_is_cut_while_it_is_read_does_no_harm)
{
	pid_t child;
	int status;

	save_pair();
	child = start_cutting();
	for (int i = 0; i < 15; i++) {
		int found = find();

		ck_assert_msg(found == 1 || (found == 0 && messages == 1), "%d", found);
		ck_assert_int_eq(run("$B/log-malloc-findleak -n t").status, 1);
	}
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, 1);
}
END_TEST

/* ---- copies of what a process goes on with -------------------------------------------------- */

START_TEST(a_copy_of_the_trace_can_have_more_than_the_older_one_of_the_journal)
{
	for (size_t written = strlen(ONE TWO); written <= strlen(ONE TWO THREE); written++) {
		begin(FIRST);
		put(ONE);
		put(TWO);
		memcpy(stream + head, THREE, strlen(THREE));
		save(written);
		/* Of a record that is in neither as a whole, only the end of a line in the middle does not tell that.
		 */
		if (written == strlen(ONE TWO THREE))
			copies_read("1/2 2/1 3/1 ");
		else if (stream[written - 1] != '\n' || written == strlen(ONE TWO))
			copies_read("1/2 2/1 ");
	}
}
END_TEST

/* A process in the middle of a write has written whole pages. */
START_TEST(a_record_that_a_write_has_not_ended_is_left_out)
{
	const size_t line = (size_t)(strchr(THREE, '\n') + 1 - THREE);
	char base[1024];

	/* The trace's copy ends behind a line of THREE, and with a page. */
	begin(FIRST);
	put(ONE);
	put(TWO);
	for (size_t i = head; i < 4096; i++)
		stream[i] = i == head ? '#' : ' ';
	snprintf(base, sizeof base, "%s", before);
	memcpy(stream + 4096 - strlen(base) - line - 1, "\n", 1);
	memcpy(stream + 4096 - strlen(base) - line, THREE, strlen(THREE));
	save(4096 - strlen(base));
	copies_read("1/2 2/1 ");
	/* The journal has all of it. */
	store(head, stream + head, 4096 - strlen(base) - line + strlen(THREE) - head);
	save_journal();
	copies_read("1/2 2/1 3/1 ");
}
END_TEST

START_TEST(what_is_in_neither_copy_is_told)
{
	char expected[128];

	/* The process has written to the trace between the copies, */
	begin(FIRST);
	put(ONE);
	put(TWO);
	put(THREE);
	tell(strlen(ONE TWO));
	save(strlen(ONE));
	snprintf(expected, sizeof expected, "the %zu bytes in front of it are in neither file", strlen(TWO));
	copies_read_and_tell("1/2 ", expected);
	copies_read_and_tell("1/2 ", "copy the journal first, then the trace");
	/* or while the journal was copied: up to a record, */
	begin(FIRST);
	put(ONE);
	put(TWO);
	put(THREE);
	tell(strlen(ONE));
	memset(ring() + strlen(ONE), 0, strlen(TWO));
	put(FREE_1);
	memset(ring() + strlen(ONE TWO), 0, 7);
	save(strlen(ONE));
	snprintf(expected, sizeof expected, "the %zu bytes in front of that are in neither file", strlen(TWO) + 7);
	copies_read_and_tell("1/2 ", expected);
	/* or up to the middle of one, of which the first part had been copied. */
	begin(FIRST);
	put(ONE);
	put(TWO);
	put(THREE);
	memset(ring() + strlen(ONE) + 20, 0, strlen(TWO) - 20);
	save(0);
	snprintf(expected, sizeof expected, "the %zu bytes in front of that are in neither file", strlen(TWO));
	copies_read_and_tell("1/2 ", expected);
	/* Two records that became one. */
	begin(FIRST);
	put(ONE);
	put("+ malloc 2 0x20 [3:48]+ malloc 3 0x30 [6:72]\n/x(+0x3)[0x3]\n");
	save(0);
	copies_read_and_tell("1/2 ", "it changed while it was copied");
}
END_TEST

/* The release of a block was copied, and its allocation was under way a moment before. */
START_TEST(a_call_that_was_under_way_makes_no_wrong_free)
{
	struct run r;

	begin(FIRST);
	put(ONE);
	put_pending(TWO);
	put("+ free -2 0x20 [1:24]\n");
	put(FREE_1);
	save(0);
	copies_read("1/2 -2/0 -1/0 ");
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

	for (records = 0; text.len + 200 < sizeof stream; records++) {
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
	memcpy(stream, text.bytes, text.len);
	packed_clear(&text);
}

static void put_stream(bool is_packed)
{
	uint64_t at = 0;

	if (is_packed) {
		put_packed_stream();
		return;
	}
	for (records = 0; at + 200 < sizeof stream; records++) {
		begins[records] = at;
		at += (uint64_t)sprintf(stream + at, "+ malloc 1 0x%llx [%llu:1]\n/%.*s(+0x3)[0x3]\n",
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
	memset(ring() + from, 0, to - from);
	for (uint64_t at = tail; at < end; at++) {
		size_t place = at % LM_JOURNAL_RING;

		if (place >= from && place < to)
			ring()[place] = (unsigned char)stream[at];
	}
}

/* How many records are read, of which each has to follow the one before. */
static uint64_t count_records(bool is_packed)
{
	static struct trace trace;
	struct trace_item item;
	uint64_t count = 0;
	int got;

	messages = 0;
	ck_assert_int_eq(trace_open(&trace, in_scratch_path("t"), &diag), 0);
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
	uint64_t end = some(random, from, to), page = end - (end + strlen(before)) % 4096;

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

		begin(is_packed ? FIRST_PACKED : FIRST);
		header->packed = is_packed;
		early[0] = begins[record_at(some(&random, 0, LM_JOURNAL_RING))];
		early[1] = begins[record_at(some(&random, early[0], early[0] + (i % 5 ? 300000 : room)))];
		late[1] = begins[record_at(some(&random, early[1], smaller(early[1] + last, begins[records])))];
		late[0] = begins[record_at(some(&random, early[0], late[1]))];
		if (late[1] - late[0] > room)
			late[0] = begins[record_at(late[1] - room) + 1];
		header->tail = early[0];
		copy_ring(0, torn, early[0], early[1]);
		copy_ring(torn, LM_JOURNAL_RING, late[0], late[1]);
		written = journal_first ? some_end(&random, late[0], late[1]) : some_end(&random, 0, early[0]);
		save(written);
		if (journal_first) {
			uint64_t count = count_records(is_packed);

			ck_assert_msg(messages == 0, "%d: %s", i, last_message);
			ck_assert_uint_ge(count, record_at(early[1]));
			ck_assert_uint_ge(count + 1, record_at(written));
		} else {
			uint64_t count = count_records(is_packed);

			ck_assert_uint_ge(count + 1, record_at(written));
			ck_assert_msg(messages == 1 || count >= record_at(early[1]), "%d: %ju of %ju", i,
			              (uintmax_t)count, (uintmax_t)record_at(early[1]));
		}
	}
}
END_TEST

/* ---- the launcher -------------------------------------------------------------------------- */

START_TEST(the_launcher_removes_the_journal_of_a_trace_that_it_empties)
{
	begin(FIRST);
	put(ONE);
	save(0);
	ck_assert_int_eq(
		run("$B/log-malloc -q -o t true && test ! -e t.journal && $B/log-malloc-trackusage t >usage").status,
		0);
	/* Not if it cannot begin. */
	save(0);
	ck_assert_int_eq(run("$B/log-malloc -q -o t no-such-command").status, 127);
	ck_assert_ptr_nonnull(read_file("t.journal", NULL));
	/* A FIFO has none. */
	ck_assert_int_eq(run("mkfifo f; cp t.journal f.journal; cat f >copy & $B/log-malloc -q -o f true && wait && "
	                     "test -e f.journal && grep -q INIT copy")
	                         .status,
	                 0);
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
	ONCE(a_journal_of_another_user_is_left_alone);
	ONCE(a_journal_that_others_can_write_to_is_left_alone);
	ONCE(links_to_a_journal_are_left_alone);
	ONCE(a_journal_of_another_file_has_to_agree_with_the_trace);
	ONCE(a_journal_that_is_cut_while_it_is_read_does_no_harm);
	ONCE(a_copy_of_the_trace_can_have_more_than_the_older_one_of_the_journal);
	ONCE(a_record_that_a_write_has_not_ended_is_left_out);
	ONCE(what_is_in_neither_copy_is_told);
	ONCE(a_call_that_was_under_way_makes_no_wrong_free);
	TIMES(copies_of_any_two_moments, 2);
	ONCE(the_launcher_removes_the_journal_of_a_trace_that_it_empties);
	return run_suite(suite);
}
