/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the commands can be given to read: compressed traces, pipes that deliver
 * them in pieces, large ones whose backtraces repeat, broken and hostile ones.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINDLEAK "$B/log-malloc-findleak -n "

/* A trace of COUNT leaks with backtraces of their own, in the file t; larger than the reader's buffer if COUNT is. */
static void write_trace(unsigned count)
{
	struct run r = run("awk 'BEGIN { print \"+ INIT [0:0] malloc=0\"; for (i = 1; i <= %u; i++) {"
	                   "printf \"+ malloc %%d 0x%%x [%%d:%%d]\\n\", i %% 100 + 1, 4096 + 16 * i, i, 24 * i;"
	                   "printf \"/bin/x(f+0x1)[0x10%%04x]\\n/bin/x(main+0x2)[0x20%%04x]\\n\", i %% 7, i %% 1000 }"
	                   "print \"+ FINI [0:0] malloc=0\" }' >t && " FINDLEAK "t >should",
	                   count);

	ck_assert_msg(r.status == 1, "%s", r.err);
}

/* COMMAND's output is what findleak says of the trace itself. */
static void says_the_same(const char *command)
{
	struct run r = run("%s >is; s=$?; cmp should is && exit $s; exit 99", command);

	ck_assert_msg(r.status == 1, "%s: %d: %s%s", command, r.status, r.out, r.err);
	ck_assert_msg(!*r.err, "%s: %s", command, r.err);
}

START_TEST(compressed_traces_are_recognised_by_their_first_bytes)
{
	write_trace(50000);
	run("zstd -q t -o c.zst; gzip -c t >c.gz; cp c.zst zstd.trace; cp c.gz gzip.trace");
	says_the_same(FINDLEAK "zstd.trace");
	says_the_same(FINDLEAK "gzip.trace");
	says_the_same(FINDLEAK "- <zstd.trace");
	says_the_same("cat gzip.trace | " FINDLEAK "-");
	says_the_same("(head -c 1 zstd.trace; sleep 0.1; tail -c +2 zstd.trace) | " FINDLEAK "-");
	says_the_same(FINDLEAK "<(cat gzip.trace)");
}
END_TEST

START_TEST(frames_and_members_follow_one_another)
{
	write_trace(20000);
	run("split -n 5 t part.; for p in part.*; do zstd -q $p; gzip $p; done;"
	    "cat part.*.zst >many.zst; cat part.*.gz >many.gz; printf '\\0\\0\\0\\0\\0' >>many.gz;"
	    "printf '\\x50\\x2a\\x4d\\x18\\x03\\0\\0\\0abc' | cat - many.zst >skip.zst");
	says_the_same(FINDLEAK "many.zst");
	says_the_same(FINDLEAK "many.gz");
	says_the_same(FINDLEAK "skip.zst");
}
END_TEST

START_TEST(compressed_traces_that_are_cut_are_read_as_far_as_they_go)
{
	static const char *const compressors[] = {"zstd -q -c", "gzip -c"};

	write_trace(50000);
	for (size_t i = 0; i < 2; i++) {
		struct run r =
			run("%s t >c; head -c $(($(stat -c %%s c) / 2)) c >cut; " FINDLEAK "cut", compressors[i]);

		ck_assert_msg(r.status == 1, "%s", r.err);
		ck_assert_ptr_nonnull(strstr(r.out, "the trace ends early"));
		ck_assert_ptr_null(strstr(r.out, "could not be read"));
		ck_assert_ptr_nonnull(strstr(r.out, "blocks leaked"));
		ck_assert_ptr_nonnull(strstr(r.err, ": the compressed data end in the middle"));
	}
}
END_TEST

START_TEST(compressed_traces_with_damage_are_read_up_to_it)
{
	static const char *const compressors[] = {"zstd -q -c --check", "gzip -c"};

	write_trace(50000);
	for (size_t i = 0; i < 2; i++) {
		struct run r = run("%s t >c; n=$(($(stat -c %%s c) * 3 / 4));"
		                   "(head -c $n c; head -c 64 /dev/zero; tail -c +$((n + 65)) c) >bad; " FINDLEAK "bad",
		                   compressors[i]);

		ck_assert_msg(r.status == 1, "%s", r.err);
		ck_assert_ptr_nonnull(strstr(r.out, "the trace ends early"));
		ck_assert_ptr_nonnull(strstr(r.err, "log-malloc-findleak: bad:"));
	}
}
END_TEST

START_TEST(what_only_begins_as_if_it_were_compressed_is_trouble)
{
	static const char *const contents[] = {"\\x28\\xb5\\x2f\\xfd", "\\x28\\xb5\\x2f\\xfdgarbage and more of it",
	                                       "\\x1f\\x8b\\x08\\x00", "\\x1f\\x8b\\x08garbage and more of it",
	                                       "\\x1f\\x8b"};

	for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
		struct run r = run("printf '%s' >t; " FINDLEAK "t", contents[i]);

		ck_assert_msg(r.status == 2, "%s: %d", contents[i], r.status);
		ck_assert_ptr_nonnull(strstr(r.err, "not a trace"));
	}
}
END_TEST

START_TEST(what_is_no_trace_is_trouble)
{
	static const char *const arguments[] = {"$B/log-malloc-findleak", "/dev/null", "/nonexistent", "/",
	                                        "/proc/self/environ",     "empty"};

	for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
		struct run r = run(": >empty; " FINDLEAK "%s", arguments[i]);

		ck_assert_msg(r.status == 2, "%s: %d", arguments[i], r.status);
		ck_assert_msg(*r.err, "%s: no message", arguments[i]);
	}
}
END_TEST

START_TEST(a_line_in_pieces_is_reported_once)
{
	struct run r = run("printf 'ab\\0cd\\0ef\\0gh\\0\\n+ malloc 8 0x10 [8:24]\\nx\\0y\\0z\\n+ malloc 8 0x20 "
	                   "[16:48]\\n' >t;" FINDLEAK "t");

	ck_assert_msg(r.status == 1, "%s%s", r.out, r.err);
	ck_assert_msg(strcmp(r.err, "log-malloc-findleak: t:1: the line breaks off\n"
	                            "log-malloc-findleak: t:3: the line breaks off\n"
	                            "log-malloc-findleak: t:3: this is neither a record nor a frame\n") == 0,
	              "%s", r.err);
}
END_TEST

START_TEST(repeated_backtraces_keep_their_lines_and_frames)
{
	struct run r;

	/* Same hash table entries, other endings: a blank line, a bad frame, one frame more, the end of the file. */
	r = run("{ for i in 1 2 3; do for more in '' '\\n' 'bad\\n' '/bin/x(g+0x3)[0x3]\\n'; do"
	        " printf \"+ malloc 1 0x$i${#more}0 [1:24]\\n/bin/x(f+0x1)[0x1]\\n/bin/x(main+0x2)[0x2]\\n$more\"; "
	        "done; done;"
	        " printf '+ bad\\n'; } >t; " FINDLEAK "t");
	ck_assert_msg(strstr(r.err, ":46: an event") != NULL, "%s", r.err);
	ck_assert_ptr_nonnull(strstr(r.out, " 9 blocks leaked 9 bytes"));
	ck_assert_ptr_nonnull(strstr(r.out, " 3 blocks leaked 3 bytes"));
	ck_assert_ptr_nonnull(strstr(r.out, "2 backtraces; 0 foreign frees; 4 lines could not be read"));
}
END_TEST

START_TEST(memory_does_not_grow_with_the_trace)
{
	/* 300 MB of text, of one block and a hundred backtraces. */
	struct run r = run("awk 'BEGIN { for (i = 0; i < 100; i++) { for (f = 0; f < 30; f++)"
	                   "s = s \"/usr/lib/x86_64-linux-gnu/libx.so.1(some_function+0x\" f \")[0x7f\" i \"]\\n\";"
	                   "b[i] = s; s = \"\" } for (n = 0; n < 150000; n++)"
	                   "printf \"+ malloc 8 0x10 [8:24]\\n%%s+ free -8 0x10 [0:0]\\n\", b[n %% 100] }' >t;"
	                   "for t in t '- <t' '<(cat t)'; do"
	                   " eval /usr/bin/time -f %%M -o rss " FINDLEAK "$t >out || exit; cat rss; done");
	long rss[3];

	ck_assert_msg(r.status == 0, "%s", r.err);
	ck_assert_int_eq(sscanf(r.out, "%ld %ld %ld", &rss[0], &rss[1], &rss[2]), 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_msg(rss[i] < 16 * 1024, "%ld KiB", rss[i]);
}
END_TEST

/* A process that writes faster than we read would be read for ever. */
START_TEST(what_comes_while_a_trace_is_read_is_not_read)
{
	/* The first image's report is more than a pipe takes, so the second has not been read when the third comes. */
	struct run r =
		run("image() { echo '+ INIT [0:0] malloc=0'; awk -v n=$1 'BEGIN { for (i = 0; i < n; i++)"
	            "printf \"+ malloc 8 0x%%x [8:24]\\n/bin/x(f+0x1)[0x%%x]\\n\", 4096 + 16 * i, 4096 + i }'; };"
	            "{ image 20000; image 100000; } >t;" FINDLEAK
	            "-t 0 t | { read -r first; image 3 >>t; grep -c ^IMAGE; }; image 3 >>t; " FINDLEAK
	            "t | grep -c ^IMAGE");

	/* The first line of all was taken away. */
	ck_assert_str_eq(r.out, "1\n4\n");
}
END_TEST

START_TEST(a_trace_that_becomes_shorter_while_it_is_read_is_reported_as_far_as_it_goes)
{
	/* The first image's report is more than a pipe takes, so the second has not been read when it is cut. */
	struct run r = run("awk 'BEGIN { print \"+ INIT [0:0] malloc=0\"; for (i = 0; i < 20000; i++)"
	                   "printf \"+ malloc 8 0x%%x [8:24]\\n/bin/x(f+0x1)[0x%%x]\\n\", 4096 + 16 * i, 4096 + i;"
	                   "print \"+ INIT [0:0] malloc=0\"; for (i = 0; i < 300000; i++)"
	                   "print \"+ malloc 8 0x20 [8:24]\\n+ free -8 0x20 [0:0]\" }' >t; set -o pipefail;" FINDLEAK
	                   "-t 0 t | { read -r first; truncate -s 4000000 t; tail -n 1; }");

	ck_assert_msg(r.status == 1, "%d: %s%s", r.status, r.out, r.err);
	ck_assert_ptr_nonnull(strstr(r.err, ": the file became shorter while it was read\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "Total: 20000 blocks, 160000 bytes"));
	ck_assert_ptr_nonnull(strstr(r.out, "; the trace ends early\n"));
}
END_TEST

START_TEST(a_million_modules_and_numbers_out_of_range_are_read)
{
	struct run r = run("awk 'BEGIN { for (i = 1; i <= 1000000; i++)"
	                   "printf \"# MODULE %%x-%%x 0 - /lib/%%d\\n\", 4096 * i, 4096 * i + 4096, i;"
	                   "print \"+ malloc 5 0x10 [5:24]\\n/lib/7(f+0x1)[0x7001]\" }' >t; $B/log-malloc-findleak t");

	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(strstr(r.out, "leaked 5 bytes"));
	r = run("printf '# BACKTRACE 18446744073709551615\\n/x(+0x1)[0x1]\\n# BACKTRACE 18446744073709551616\\n"
	        "+ malloc 9223372036854775807 0xffffffffffffffff [1:1] bt=18446744073709551615\\n"
	        "+ malloc 9223372036854775808 0x20 [1:1]\\n+ malloc 1 0x1ffffffffffffffff [1:1]\\n' >t; " FINDLEAK "t");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(strstr(r.out, "0xffffffffffffffff leaked 9223372036854775807 bytes"));
	ck_assert_ptr_nonnull(strstr(r.out, "3 lines could not be read"));
}
END_TEST

/* Every byte of a small trace changed, and every place to cut it: no crash, no silence, no long wait. */
START_TEST(changed_and_cut_traces_are_survived)
{
	struct run r = run(
		"n=$(stat -c %%s $S/tests/golden/full.trace); i=0; while [ $i -lt $n ]; do"
		" head -c $i $S/tests/golden/full.trace >cut;"
		" { cat cut; printf '\\x%%02x' $((i %% 256)); tail -c +$((i + 2)) $S/tests/golden/full.trace; } >bad;"
		" for t in cut bad; do " FINDLEAK "$t >out 2>err; s=$?;"
		" [ $s -le 2 ] && { [ $s -lt 2 ] || [ -s err ]; } || { echo $t $i: $s; cat err; exit 1; }; done;"
		" i=$((i + 17)); done");

	ck_assert_msg(r.status == 0, "%s", r.out);
}
END_TEST

START_TEST(progress_is_shown_on_a_terminal_and_nowhere_else)
{
	struct run r;

	if (!can_run("progress_is_shown_on_a_terminal_and_nowhere_else", "script"))
		return;
	write_trace(1000);
	/* A pipe that takes more than a second. */
	r = run("script -qec \"(cat t; sleep 1.2; tail -n +2 t; sleep 0.3; tail -n +2 t) | " FINDLEAK
	        "- 2>&1 >/dev/null | cat\" /dev/null");
	ck_assert_str_eq(r.out, "");
	r = run("script -qec \"(cat t; sleep 1.2; tail -n +2 t; sleep 0.3; tail -n +2 t) | " FINDLEAK
	        "- >out\" /dev/null; grep -c leaked out");
	ck_assert_ptr_nonnull(strstr(r.out, "\rlog-malloc-findleak: 0 MB\r"));
	/* Erased: blanks, and the next line begins where it began. */
	ck_assert_ptr_nonnull(strstr(r.out, " \r"));
}
END_TEST

START_TEST(what_is_no_trace_is_told_by_what_it_is)
{
	static const struct {
		const char *make, *message;
	} cases[] = {
		{"cp /bin/true f", "f: this is a program or a library, not a trace: run it with log-malloc"},
		{"echo 'int x;' >o.c && ${CC:-gcc} -c -o f o.c", "f: this is an object file, not a trace"},
		/* e_type of a core file. */
		{"head -c 16 /bin/true >f && printf '\\004\\000' >>f", "f: this is a core file, not a trace"},
		{"printf 'PERFILE2xxxx' >f", "f: this is a recording of perf, not a trace"},
		{"printf '\\nLMJRNL4xxxx' >f", "f: this is the journal of a trace: give the trace"},
		{"mkdir f", "f: this is a directory, not a trace\n"},
		{": >f", "f: this is empty: nothing was recorded into it\n"},
	};
	static const char *const commands[] = {"findleak f", "report f", "trackusage f", "cat f", "diff f f"};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		must(run("rm -rf f; %s", cases[i].make));
		for (size_t j = 0; j < sizeof commands / sizeof *commands; j++) {
			struct run r = run("$B/log-malloc-%s", commands[j]);

			ck_assert_msg(r.status == 2 && strstr(r.err, cases[i].message), "%s: %d, %s", commands[j],
			              r.status, r.err);
			ck_assert_msg(strchr(r.err, '\n') == r.err + strlen(r.err) - 1, "%s", r.err);
		}
	}
	ck_assert_ptr_nonnull(strstr(run("cat /bin/true | $B/log-malloc-findleak -").err, "this is a program"));
}
END_TEST

/*
 * Runs COMMAND, which reads the pipe "fifo", and sends it SIGINT when it has read the file "part" and waits for more.
 * In the background, bash has programs ignore SIGINT.
 */
static struct run interrupted(const char *command)
{
	return run("mkfifo fifo; env --default-signal=INT $B/log-malloc-%s & exec 5>fifo; cat part >&5; "
	           "for s in 1 2; do until grep -q ' S ' /proc/$!/stat; do sleep 0.01; done; sleep 0.02; done; "
	           "kill -INT $!; wait $!; s=$?; exec 5>&-; rm fifo; exit $s",
	           command);
}

static const char part[] = "+ INIT [0:0] malloc=0\n+ malloc 30 0x10 [30:32]\n[0x1]\n+ malloc 5 0x20 [35:64]\n[0x2]\n"
			   "+ free -5 0x20 [30:32]\n[0x1]\n";

START_TEST(ctrl_c_reports_what_is_known_so_far)
{
	static const struct {
		const char *command, *known;
	} cases[] = {
		{"findleak -n fifo", " 0x10 leaked 30 bytes "},
		{"report -n fifo", "1 block, 30 bytes (85.71%) "},
		{"diff -n old fifo", "Total: +30 bytes, +1 block "},
		{"trackusage fifo", "30\n35\n30\n"},
		{"trackusage --peak fifo", "35\n"},
	};

	write_file("part", part, strlen(part));
	write_file("old", part, strlen("+ INIT [0:0] malloc=0\n"));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run r = interrupted(cases[i].command);

		ck_assert_msg(r.status == 128 + 2, "%s: %d", cases[i].command, r.status);
		ck_assert_msg(strstr(r.out, cases[i].known), "%s: %s", cases[i].command, r.out);
		ck_assert_msg(strstr(r.err, "fifo:8: reading was interrupted here"), "%s: %s", cases[i].command, r.err);
		ck_assert_msg(strstr(cases[i].command, "trackusage") || strstr(r.out, "\nINTERRUPTED: only "), "%s",
		              r.out);
	}
	/* JSON stays valid, and says that the trace did not end. */
	if (have_command("jq")) {
		struct run r = interrupted("findleak --format json -n fifo");

		write_file("json", r.out, r.out_len);
		ck_assert_str_eq(must(run("jq -c '[.leaks[0].bytes, .ended, .complete]' json")).out,
		                 "[30,false,false]\n");
	}
}
END_TEST

START_TEST(ctrl_c_in_the_first_of_two_traces_compares_nothing)
{
	struct run r;

	write_file("part", part, strlen(part));
	r = interrupted("diff -n fifo part");
	ck_assert_int_eq(r.status, 128 + 2);
	ck_assert_str_eq(r.out, "");
	ck_assert_ptr_nonnull(strstr(r.err, "interrupted before part was read: what grew is not known"));
}
END_TEST

START_TEST(a_sigint_that_is_ignored_stays_ignored)
{
	struct run r;

	write_file("part", part, strlen(part));
	r = run("mkfifo fifo; env --ignore-signal=INT $B/log-malloc-findleak -n fifo & exec 5>fifo; cat part >&5; "
	        "kill -INT $!; exec 5>&-; wait $!");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_null(strstr(r.out, "INTERRUPTED"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("input");
	TCase *compressed = tcase_create("compressed"), *hostile = tcase_create("hostile"),
	      *large = tcase_create("large");

	tcase_set_timeout(compressed, 60);
	tcase_add_test(compressed, compressed_traces_are_recognised_by_their_first_bytes);
	tcase_add_test(compressed, frames_and_members_follow_one_another);
	tcase_add_test(compressed, compressed_traces_that_are_cut_are_read_as_far_as_they_go);
	tcase_add_test(compressed, compressed_traces_with_damage_are_read_up_to_it);
	tcase_add_test(compressed, what_only_begins_as_if_it_were_compressed_is_trouble);
	suite_add_tcase(suite, compressed);
	tcase_set_timeout(hostile, 120);
	tcase_add_test(hostile, what_is_no_trace_is_trouble);
	tcase_add_test(hostile, a_line_in_pieces_is_reported_once);
	tcase_add_test(hostile, a_trace_that_becomes_shorter_while_it_is_read_is_reported_as_far_as_it_goes);
	tcase_add_test(hostile, a_million_modules_and_numbers_out_of_range_are_read);
	tcase_add_test(hostile, changed_and_cut_traces_are_survived);
	suite_add_tcase(suite, hostile);
	tcase_add_test(hostile, what_is_no_trace_is_told_by_what_it_is);
	tcase_add_test(hostile, ctrl_c_reports_what_is_known_so_far);
	tcase_add_test(hostile, ctrl_c_in_the_first_of_two_traces_compares_nothing);
	tcase_add_test(hostile, a_sigint_that_is_ignored_stays_ignored);
	tcase_set_timeout(large, 120);
	tcase_add_test(large, repeated_backtraces_keep_their_lines_and_frames);
	tcase_add_test(large, what_comes_while_a_trace_is_read_is_not_read);
	tcase_add_test(large, memory_does_not_grow_with_the_trace);
	tcase_add_test(large, progress_is_shown_on_a_terminal_and_nowhere_else);
	suite_add_tcase(suite, large);
	return run_suite(suite);
}
