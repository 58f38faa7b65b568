/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line of a trace, one frame: every form that log-malloc2(5) allows, and what it does not. */
#include "escape.h"
#include "frame.h"
#include "parse.h"
#include "parse_common.h"
#include "support.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct record parse(const char *line)
{
	struct record record;
	/* Exactly as long as the line, so that a sanitizer sees a read behind its end. */
	char *copy = malloc(strlen(line) + 1);

	memcpy(copy, line, strlen(line));
	copy = realloc(copy, strlen(line) ? strlen(line) : 1);
	ck_assert_msg(parse_record(copy, strlen(line), &record) == 0, "'%s': %s", line, record.fault);
	if (record.text)
		record.text = line + (record.text - copy);
	if (record.kind == RECORD_INFO && record.info == INFO_MODULE) {
		record.module.path = line + (record.module.path - copy);
		if (record.module.build_id)
			record.module.build_id = line + (record.module.build_id - copy);
		if (record.module.stamp)
			record.module.stamp = line + (record.module.stamp - copy);
	}
	free(copy);
	return record;
}

static void refuse(const char *line)
{
	struct record record;

	ck_assert_msg(parse_record(line, strlen(line), &record) == -EINVAL, "'%s' was taken", line);
	ck_assert_ptr_nonnull(record.fault);
}

START_TEST(each_call_has_its_form)
{
	static const struct {
		const char *line;
		struct event event;
	} cases[] = {
		{"+ malloc 5 0x10 [5:24]", {.call = LM_CALL_MALLOC, .change = 5, .size = 5, .pointer = 0x10}},
		{"+ calloc 6 0x10 [5:24] (2 3)",
	         {.call = LM_CALL_CALLOC, .change = 6, .size = 6, .pointer = 0x10, .args = {2, 3}}},
		{"+ realloc -4 0x10 0x20 (9 5) [5:24]",
	         {.call = LM_CALL_REALLOC, .change = -4, .size = 5, .old = 0x10, .pointer = 0x20, .args = {9, 5}}},
		{"+ realloc 5 (nil) 0x20 (0 5) [5:24]",
	         {.call = LM_CALL_REALLOC, .change = 5, .size = 5, .pointer = 0x20, .args = {0, 5}}},
		{"+ realloc -9 0x10 (nil) (9 0) [5:24]",
	         {.call = LM_CALL_REALLOC, .change = -9, .old = 0x10, .args = {9, 0}}},
		{"+ reallocarray 1 0x10 0x20 (5 6 : 2 3) [5:24]",
	         {.call = LM_CALL_REALLOCARRAY,
	          .change = 1,
	          .size = 6,
	          .old = 0x10,
	          .pointer = 0x20,
	          .args = {5, 6, 2, 3}}},
		{"+ memalign 5 0x10 (64) [5:24]",
	         {.call = LM_CALL_MEMALIGN, .change = 5, .size = 5, .pointer = 0x10, .args = {64}}},
		{"+ aligned_alloc 5 0x10 (64) [5:24]",
	         {.call = LM_CALL_ALIGNED_ALLOC, .change = 5, .size = 5, .pointer = 0x10, .args = {64}}},
		{"+ posix_memalign 5 0x10 (64 5 : 0) [5:24]",
	         {.call = LM_CALL_POSIX_MEMALIGN, .change = 5, .size = 5, .pointer = 0x10, .args = {64, 5, 0}}},
		{"+ valloc 5 0x10 [5:24]", {.call = LM_CALL_VALLOC, .change = 5, .size = 5, .pointer = 0x10}},
		{"+ pvalloc 5 0x10 [5:24]", {.call = LM_CALL_PVALLOC, .change = 5, .size = 5, .pointer = 0x10}},
		{"+ free -5 0x10 [5:24]", {.call = LM_CALL_FREE, .change = -5, .size = 5, .pointer = 0x10}},
		{"+ free_sized -5 0x10 [5:24]", {.call = LM_CALL_FREE_SIZED, .change = -5, .size = 5, .pointer = 0x10}},
		{"+ free_aligned_sized -5 0x10 [5:24]",
	         {.call = LM_CALL_FREE_ALIGNED_SIZED, .change = -5, .size = 5, .pointer = 0x10}},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct record record = parse(cases[i].line);
		const struct event *is = &record.event, *should = &cases[i].event;

		ck_assert_int_eq(record.kind, RECORD_CALL);
		ck_assert_int_eq(is->call, should->call);
		ck_assert_int_eq(is->change, should->change);
		ck_assert_uint_eq(is->pointer, should->pointer);
		ck_assert_uint_eq(is->old, should->old);
		ck_assert_uint_eq(is->size, should->size);
		ck_assert_int_eq(is->used, 5);
		ck_assert_int_eq(is->usable, 24);
		ck_assert_mem_eq(is->args, should->args, sizeof is->args);
		ck_assert(!is->failed && !is->foreign && !is->busy && !is->unseen);
	}
}
END_TEST

START_TEST(a_failed_call_tells_its_errno_and_its_request)
{
	static const struct {
		const char *line;
		unsigned error;
		uint64_t first;
	} cases[] = {
		{"+ malloc 0 (nil) (100) [5:24] !e12", ENOMEM, 100},
		{"+ malloc 0 (nil) (18446744073709551615) [5:24] !e12", ENOMEM, UINT64_MAX},
		{"+ calloc 0 (nil) [5:24] (18446744073709551615 2) !e12", ENOMEM, UINT64_MAX},
		{"+ realloc 0 0x10 (nil) (9 100) [5:24] !e12", ENOMEM, 9},
		{"+ realloc 0 0x10 (nil) (9 0) [5:24] !e12", ENOMEM, 9},
		{"+ reallocarray 0 0x10 (nil) (9 0 : 5 4) [5:24] !e12", ENOMEM, 9},
		{"+ memalign 0 (nil) (3 100) [5:24] !e22", EINVAL, 3},
		{"+ aligned_alloc 0 (nil) (3) [5:24] !e22", EINVAL, 3},
		{"+ posix_memalign 0 (nil) (3 100 : 22) [5:24] !e22", EINVAL, 3},
		{"+ posix_memalign 0 (nil) (3 100 : 22) [5:24]", EINVAL, 3},
		{"+ valloc 0 (nil) (100) [5:24] !e12", ENOMEM, 100},
		{"+ malloc 0 (nil) [5:24]", 0, 0},
		{"+ realloc 0 0x10 (nil) (9 100) [5:24]", 0, 9},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct event event = parse(cases[i].line).event;

		ck_assert_msg(event.failed, "%s", cases[i].line);
		ck_assert_uint_eq(event.error, cases[i].error);
		ck_assert_uint_eq(event.args[0], cases[i].first);
		ck_assert_uint_eq(event.size, 0);
	}
}
END_TEST

START_TEST(markers_stand_in_their_order_and_each_can_be_missing)
{
	struct event event = parse("+ free -5 0x10 [5:24] !f! bt=7 unseen=1 later=news #1 2 3 4 5 6 7").event;
	static const uint64_t statm[LM_TRACE_STATM_FIELDS] = {1, 2, 3, 4, 5, 6, 7};

	ck_assert(event.foreign && event.busy && event.unseen && event.has_backtrace && event.has_statm);
	ck_assert_uint_eq(event.backtrace, 7);
	ck_assert_mem_eq(event.statm, statm, sizeof statm);
	event = parse("+ malloc 53 0x7f9bff564080 [85:160]!").event;
	ck_assert(event.busy && !event.foreign && !event.has_statm);
	event = parse("+ calloc 1182 0x7f9bff5640e0 [1267:1384] (1182 1)!").event;
	ck_assert(event.busy);
	event = parse("+ realloc 0 0x10 (nil) (9 100) [5:24] !f !e12!").event;
	ck_assert(event.foreign && event.busy && event.error == ENOMEM);
	event = parse("+ malloc 5 0x10 [5:24] unseen=0").event;
	ck_assert(!event.unseen && !event.unkept);
	event = parse("+ malloc 5 0x10 [0:0] unkept=1 bt=3").event;
	ck_assert(event.unkept && !event.unseen && event.size == 5 && event.backtrace == 3);
	ck_assert(!event.has_thread && event.thread == 0);
	event = parse("+ malloc 5 0x10 [5:24] bt=3 thread=12 #1 2 3 4 5 6 7").event;
	ck_assert(event.has_thread && event.thread == 12 && event.backtrace == 3 && event.has_statm);
	event = parse("+ free -5 0x10 [5:24]! thread=0").event;
	ck_assert(event.has_thread && event.thread == 0 && event.busy);
	event = parse("+ free -5 0x10 [5:24] thread=4294967295").event;
	ck_assert_uint_eq(event.thread, UINT32_MAX);
}
END_TEST

START_TEST(init_and_fini_count_calls)
{
	struct record record = parse("+ INIT [1736:1952] malloc=3 calloc=4 realloc=0 memalign=5/6 valloc=0 free=0");

	ck_assert_int_eq(record.kind, RECORD_INIT);
	ck_assert_int_eq(record.event.used, 1736);
	ck_assert_uint_eq(record.event.counts[LM_CALL_MALLOC], 3);
	ck_assert_uint_eq(record.event.counts[LM_CALL_MEMALIGN], 5);
	ck_assert_uint_eq(record.event.counts[LM_CALL_POSIX_MEMALIGN], 6);
	record = parse("+ FINI [0:0] malloc=1 free=2 reallocarray=3 later=4");
	ck_assert_int_eq(record.kind, RECORD_FINI);
	ck_assert_uint_eq(record.event.counts[LM_CALL_REALLOCARRAY], 3);
	refuse("+ FINI malloc=1");
	refuse("+ FINI [0:0] malloc");
}
END_TEST

START_TEST(information_lines_are_known_or_passed)
{
	struct record record = parse("# MODULE 1000-5000 0 00ff /a\\040b");

	ck_assert_int_eq(record.info, INFO_MODULE);
	ck_assert_uint_eq(record.module.from, 0x1000);
	ck_assert_uint_eq(record.module.to, 0x5000);
	ck_assert_uint_eq(record.module.build_id_len, 4);
	ck_assert_int_eq(strcmp(record.module.path, "/a\\040b"), 0);
	ck_assert_ptr_null(parse("# MODULE 1000-5000 0 - /a").module.build_id);
	ck_assert_ptr_null(parse("# MODULE 1000-5000 0 - /a").module.stamp);
	record = parse("# MODULE 1000-5000 0 164@12.000000345 /a");
	ck_assert_ptr_null(record.module.build_id);
	ck_assert(record.module.stamp_len == 16 && memcmp(record.module.stamp, "164@12.000000345", 16) == 0);
	ck_assert_uint_eq(parse("# PID 23451").number, 23451);
	ck_assert_int_eq(parse("# BACKTRACE 9").info, INFO_BACKTRACE);
	ck_assert_int_eq(parse("# EXE /bin/a b").info, INFO_EXE);
	ck_assert_int_eq(strcmp(parse("# EXE /bin/a b").text, "/bin/a b"), 0);
	ck_assert_int_eq(parse("# anything at all").info, INFO_OTHER);
	ck_assert_int_eq(parse("#").info, INFO_OTHER);
	ck_assert_int_eq(parse("# SP name = 5").info, INFO_OTHER);
	refuse("# PID x");
	refuse("# TIME");
	refuse("# MODULE 5000-1000 0 - /a");
	refuse("# MODULE 1000-5000 0 -");
}
END_TEST

START_TEST(threads_have_a_number_a_tid_and_a_name)
{
	struct record record = parse("# THREAD 12 4711 a b\\040");

	ck_assert_int_eq(record.info, INFO_THREAD);
	ck_assert(record.number == 12 && record.tid == 4711 && record.len == 7);
	ck_assert(memcmp(record.text, "a b\\040", 7) == 0);
	/* Blanks at the end fill up a record of a packed trace. */
	ck_assert_uint_eq(parse("# THREAD 12 4711 ab   ").len, 2);
	ck_assert_int_eq(parse("# THREAD 12 4711 ").info, INFO_THREAD);
	ck_assert_int_eq(parse("# THREAD 12 4711").info, INFO_THREAD);
	/* Such lines can be the program's own. */
	ck_assert_int_eq(parse("# THREAD 12 has begun").info, INFO_OTHER);
	ck_assert_int_eq(parse("# THREAD pool").info, INFO_OTHER);
	ck_assert_int_eq(parse("# THREAD 4294967296 1 a").info, INFO_OTHER);
}
END_TEST

START_TEST(common_lines_are_read_fast)
{
	static const struct {
		const char *line;
		bool common, has_thread;
		unsigned thread;
	} cases[] = {
		{"+ malloc 5 0x7f0000001010 [5:24]\n", true, false, 0},
		{"+ malloc 5 0x7f0000001010 [5:24] bt=7\n", true, false, 0},
		{"+ malloc 5 0x7f0000001010 [5:24] bt=7 thread=2\n", true, true, 2},
		{"+ malloc 5 0x7f0000001010 [5:24] thread=4294967295\n", true, true, UINT32_MAX},
		{"+ free -5 0x7f0000001010 [5:24] thread=0\n", true, true, 0},
		{"+ calloc 4 0x7f0000001010 [5:24] (2 2) thread=3\n", true, true, 3},
		{"+ realloc -4 0x7f0000001010 0x7f0000001010 (9 5) [5:24] bt=1 thread=4\n", true, true, 4},
		{"+ malloc 5 0x7f0000001010 [5:24] thread=4294967296\n", false, false, 0},
		{"+ malloc 5 0x7f0000001010 [5:24] thread=\n", false, false, 0},
		{"+ malloc 5 0x7f0000001010 [5:24] threat=1\n", false, false, 0},
		{"+ malloc 5 0x7f0000001010 [5:24] thread=1 #1\n", false, false, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char line[2 * PARSE_COMMON_MAX] = "";
		struct event event;
		size_t len;

		strcpy(line, cases[i].line);
		len = parse_common(line, &event);
		ck_assert_msg(len == (cases[i].common ? strlen(line) : 0), "%s", line);
		if (!len)
			continue;
		ck_assert_msg(event.has_thread == cases[i].has_thread, "%s", line);
		ck_assert_msg(!event.has_thread || event.thread == cases[i].thread, "%s", line);
	}
}
END_TEST

START_TEST(other_lines_are_frames_or_nothing)
{
	ck_assert_int_eq(parse("").kind, RECORD_BLANK);
	ck_assert_int_eq(parse("*** log-malloc trace-fd = 1022 ***").kind, RECORD_BLANK);
	ck_assert_int_eq(parse("/bin/x(main+0x5)[0x1]").kind, RECORD_FRAME);
	ck_assert_int_eq(parse("7f9bfcd90000-7f9bfcda6000 r-xp").kind, RECORD_FRAME);
}
END_TEST

START_TEST(what_the_grammar_does_not_have_is_refused)
{
	static const char *const lines[] = {
		"+",
		"+ ",
		"+malloc 5 0x10 [5:24]",
		"+ malloc",
		"+ malloc 5",
		"+ malloc 5 0x10",
		"+ malloc x 0x10 [5:24]",
		"+ malloc 5 10 [5:24]",
		"+ malloc 5 0x [5:24]",
		"+ malloc 5 0x10 [5]",
		"+ malloc 5 0x10 [5:24",
		"+ malloc 5 0x10 (5) [5:24]",
		"+ malloc -5 0x10 [5:24]",
		"+ malloc 5 0x10 [5:24] ",
		"+ malloc 5 0x10 [5:24] word",
		"+ malloc 5 0x10 [5:24] =5",
		"+ malloc 5 0x10 [5:24] bt=2 !free=2",
		"+ malloc 5 0x10 [5:24] bt=x",
		"+ malloc 5 0x10 [5:24] thread=x",
		"+ malloc 5 0x10 [5:24] thread=4294967296",
		"+ malloc 5 0x10 [5:24] #1 2 3",
		"+ malloc 5 0x10 [5:24] #1 2 3 4 5 6 7 8",
		"+ malloc 5 0x10 [5:24] !e",
		"+ malloc 5 0x11112222333344445 [5:24]",
		"+ malloc 9223372036854775808 0x10 [5:24]",
		"+ malloc 18446744073709551616 0x10 [5:24]",
		"+ calloc 6 0x10 [5:24]",
		"+ calloc 6 0x10 [5:24] (6)",
		"+ calloc 6 0x10 [5:24] (1 2 3)",
		"+ realloc 5 0x10 (1 2) [5:24]",
		"+ realloc 5 0x10 0x20 [5:24]",
		"+ reallocarray 5 0x10 0x20 (1 2) [5:24]",
		"+ posix_memalign 5 0x10 (8 5) [5:24]",
		"+ mallocx 5 0x10 [5:24]",
		"+ mallo 5 0x10 [5:24]",
	};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		refuse(lines[i]);
}
END_TEST

START_TEST(every_cut_and_every_changed_byte_is_survived)
{
	static const char line[] =
		"+ posix_memalign 24 0x6000 (16 24 : 0) [5284:5320] !f !e12! bt=1 thread=2 a=b #1 2 3 4 5 6 7";
	char copy[sizeof line];
	struct record record;

	for (size_t len = 0; len < sizeof line; len++) {
		char *cut = malloc(len + 1);

		memcpy(cut, line, len);
		cut = realloc(cut, len ? len : 1);
		parse_record(cut, len, &record);
		free(cut);
	}
	for (size_t i = 0; i < sizeof line - 1; i++) {
		for (int byte = 0; byte < 256; byte++) {
			memcpy(copy, line, sizeof line);
			copy[i] = (char)byte;
			parse_record(copy, sizeof line - 1, &record);
		}
	}
}
END_TEST

static struct frame frame(const char *text)
{
	struct frame frame;

	ck_assert_msg(frame_parse(text, strlen(text), &frame) == 0, "'%s' is no frame", text);
	return frame;
}

static void is_part(const char *part, size_t len, const char *should)
{
	ck_assert_uint_eq(len, strlen(should));
	ck_assert(memcmp(part, should, len) == 0);
}

START_TEST(frames_have_an_object_a_symbol_and_an_address)
{
	struct frame f = frame("/lib64/libc.so.6(__libc_start_main+0x11b)[0x7f9bfd3f01cb]");

	is_part(f.object, f.object_len, "/lib64/libc.so.6");
	is_part(f.symbol, f.symbol_len, "__libc_start_main");
	ck_assert_uint_eq(f.offset, 0x11b);
	ck_assert_uint_eq(f.address, 0x7f9bfd3f01cb);
	f = frame("./examples/leak-01(+0x9a9)[0x7f9bfdbb19a9]");
	is_part(f.object, f.object_len, "./examples/leak-01");
	ck_assert_ptr_null(f.symbol);
	ck_assert_uint_eq(f.offset, 0x9a9);
	f = frame("/a(b)/c[d](+0x1)[0x2]");
	is_part(f.object, f.object_len, "/a(b)/c[d]");
}
END_TEST

START_TEST(frames_can_lack_parts)
{
	struct frame f = frame("[0x0]");

	ck_assert(f.has_address && f.address == 0 && !f.object && !f.symbol && !f.has_offset);
	f = frame("0x7f00");
	ck_assert(f.has_address && f.address == 0x7f00 && !f.object);
	f = frame("/bin/x(main+0x5)");
	ck_assert(!f.has_address && f.has_offset && f.symbol);
	f = frame("/bin/x() [0x401234]");
	is_part(f.object, f.object_len, "/bin/x");
	ck_assert(f.has_address && !f.has_offset && !f.symbol);
	f = frame("/bin/x[0x401234]");
	is_part(f.object, f.object_len, "/bin/x");
}
END_TEST

START_TEST(what_is_no_frame_is_refused)
{
	static const char *const lines[] = {"",
	                                    "x",
	                                    "main",
	                                    "[0x]",
	                                    "[10]",
	                                    "(+0x1)[0x2]",
	                                    "/bin/x(main)",
	                                    "/bin/x(+1)[0x1]",
	                                    "0x",
	                                    "0x1 ",
	                                    "[0x1]x",
	                                    " ",
	                                    ")",
	                                    "]",
	                                    "/bin/x(+0x11112222333344445)[0x1]"};
	struct frame f;

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		ck_assert_msg(frame_parse(lines[i], strlen(lines[i]), &f) == -EINVAL, "'%s' was taken", lines[i]);
}
END_TEST

START_TEST(escapes_are_decoded_and_control_bytes_are_shown_as_escapes)
{
	char out[32];
	char *shown;

	ck_assert_uint_eq(escape_decode(out, "a\\040b\\050\\133\\134", 18), 6);
	ck_assert(memcmp(out, "a b([\\", 6) == 0);
	ck_assert_uint_eq(escape_decode(out, "\\04\\8\\777\\", 10), 10);
	shown = escape_printable("a\033[31m\n\177\xc3\xa4", 10);
	ck_assert_str_eq(shown, "a\\033[31m\\012\\177\xc3\xa4");
	free(shown);
	/* U+0080 and U+009F are controls; U+00A0, U+20AC and U+1F41B are not, though U+1F41B has such bytes. */
	shown = escape_printable("\xc2\x80\xc2\x9f\xc2\xa0\xe2\x82\xac\xf0\x9f\x90\x9b", 13);
	ck_assert_str_eq(shown, "\\302\\200\\302\\237\xc2\xa0\xe2\x82\xac\xf0\x9f\x90\x9b");
	free(shown);
	/* Bytes that are no characters: alone, behind a cut character, in a long form, in a surrogate. */
	shown = escape_printable("\x9b|\xe4|\xe2\x82|\xc0\x9b|\xe0\x82\x9b|\xed\xa0\x9b|\x80", 19);
	ck_assert_str_eq(shown, "\\233|\xe4|\xe2\\202|\xc0\\233|\xe0\\202\\233|\xed\xa0\\233|\\200");
	free(shown);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *lines = tcase_create("lines"), *frames = tcase_create("frames");

	tcase_add_test(lines, each_call_has_its_form);
	tcase_add_test(lines, a_failed_call_tells_its_errno_and_its_request);
	tcase_add_test(lines, markers_stand_in_their_order_and_each_can_be_missing);
	tcase_add_test(lines, init_and_fini_count_calls);
	tcase_add_test(lines, information_lines_are_known_or_passed);
	tcase_add_test(lines, threads_have_a_number_a_tid_and_a_name);
	tcase_add_test(lines, common_lines_are_read_fast);
	tcase_add_test(lines, other_lines_are_frames_or_nothing);
	tcase_add_test(lines, what_the_grammar_does_not_have_is_refused);
	tcase_add_test(lines, every_cut_and_every_changed_byte_is_survived);
	suite_add_tcase(suite, lines);
	tcase_add_test(frames, frames_have_an_object_a_symbol_and_an_address);
	tcase_add_test(frames, frames_can_lack_parts);
	tcase_add_test(frames, what_is_no_frame_is_refused);
	tcase_add_test(frames, escapes_are_decoded_and_control_bytes_are_shown_as_escapes);
	suite_add_tcase(suite, frames);
	return run_suite(suite);
}
