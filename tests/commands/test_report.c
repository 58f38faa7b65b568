/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-report: what it finds in traces that are known. */
#include "support.h"

#include <string.h>

/* 0x30 is the peak; 0x10 and 0x40 stay; 0x20 was there for a moment. */
static const char small[] = "# PID 7\n"
			    "# EXE /opt/a b/small\n"
			    "+ INIT [0:0] malloc=0\n"
			    "# TIME 0\n"
			    "+ malloc 100 0x10 [100:104]\n"
			    "/x(keep+0x1)[0x1001]\n"
			    "/x(main+0x1)[0x1005]\n"
			    "+ malloc 7 0x20 [107:128]\n"
			    "/x(flash+0x1)[0x1002]\n"
			    "/x(main+0x2)[0x1006]\n"
			    "+ free -7 0x20 [100:104]\n"
			    "# TIME 40\n"
			    "+ calloc 1000 0x30 [1100:1112] (10 100)\n"
			    "/x(top+0x1)[0x1003]\n"
			    "/x(main+0x3)[0x1007]\n"
			    "+ malloc 0 (nil) (5000) [1100:1112] !e12\n"
			    "/x(top+0x2)[0x1004]\n"
			    "/x(main+0x3)[0x1007]\n"
			    "+ realloc 100 0x10 0x40 (100 200) [1200:1216]\n"
			    "/x(keep+0x1)[0x1001]\n"
			    "/x(main+0x1)[0x1005]\n"
			    "# TIME 90\n"
			    "+ free -1000 0x30 [200:208]\n"
			    "+ malloc 8 0x50 [208:232]\n"
			    "+ FINI [208:232] malloc=4 calloc=1 realloc=1 free=2\n";

static void write_small(void)
{
	write_file("small", small, strlen(small));
}

/* Standard output of "log-malloc-report OPTIONS", which has to succeed. */
static char *report(const char *options)
{
	struct run r = run("$B/log-malloc-report %s", options);

	ck_assert_msg(r.status == 0, "%s: %s", options, r.err);
	return r.out;
}

/* "jq FILTER" of the report in JSON. */
#define json_says(options, filter, expected) json_is("log-malloc-report", options, filter, expected)

START_TEST(totals_are_those_of_the_trace)
{
	write_small();
	json_says("small", "[.program,.pid,.complete]", "[\"/opt/a b/small\",7,true]\n");
	json_says("small", "[.allocated,.leaked,.temporary]",
	          "[{\"count\":5,\"bytes\":1315},{\"count\":2,\"bytes\":208},{\"count\":1,\"bytes\":7}]\n");
	json_says("small", ".peak", "{\"count\":2,\"bytes\":1200,\"line\":19,\"time\":40}\n");
	json_says("small", ".calls",
	          "{\"malloc\":{\"count\":4,\"failed\":1},\"calloc\":{\"count\":1,\"failed\":0},"
	          "\"realloc\":{\"count\":1,\"failed\":0},\"free\":{\"count\":2,\"failed\":0}}\n");
	json_says("small", ".sizes",
	          "[{\"from\":5,\"to\":8,\"count\":2,\"bytes\":15},{\"from\":65,\"to\":128,\"count\":1,\"bytes\":100},"
	          "{\"from\":129,\"to\":256,\"count\":1,\"bytes\":200},"
	          "{\"from\":513,\"to\":1024,\"count\":1,\"bytes\":1000}]\n");
}
END_TEST

START_TEST(consumers_are_ranked_by_what_is_asked_for)
{
	static const char who[] = "[.consumers[]|[.backtrace[0].function,.count,.bytes]]";

	write_small();
	json_says("small", who, "[[\"top\",1,1000],[\"keep\",1,200]]\n");
	json_says("--by=leaked small", who, "[[\"keep\",1,200],[null,1,8]]\n");
	json_says("-b allocated small", who, "[[\"top\",1,1000],[\"keep\",2,300],[null,1,8],[\"flash\",1,7]]\n");
	json_says("--by calls small", who, "[[\"keep\",2,300],[\"top\",1,1000],[null,1,8],[\"flash\",1,7]]\n");
	json_says("--by temporary small", who, "[[\"flash\",1,7]]\n");
	json_says("--by calls --top 1 small", "[(.consumers|length),.rest]",
	          "[1,{\"count\":3,\"bytes\":1015,\"backtraces\":3}]\n");
	json_says("--by allocated small", ".consumers[1]|del(.backtrace)",
	          "{\"count\":2,\"bytes\":300,\"allocated\":{\"count\":2,\"bytes\":300},"
	          "\"peak\":{\"count\":1,\"bytes\":200},\"leaked\":{\"count\":1,\"bytes\":200},"
	          "\"temporary\":{\"count\":0,\"bytes\":0},\"call\":\"malloc\",\"line\":5,\"thread\":null}\n");
}
END_TEST

/* Two threads, and a third that has the number of the second. 0x10 and 0x30 are temporary, 0x20 and 0x40 are not. */
static const char threads[] = "# PID 7\n"
			      "# THREAD 1 7 main\n"
			      "+ INIT [0:0] malloc=0\n"
			      "+ malloc 1 0x10 [1:24]\n"
			      "# THREAD 2 8 a;b\n"
			      "+ malloc 2 0x20 [3:48] thread=2\n"
			      "+ free -1 0x10 [2:24] thread=1\n"
			      "+ free -2 0x20 [0:0] thread=1\n"
			      "+ malloc 4 0x30 [4:24] thread=1\n"
			      "+ malloc 8 0x40 [12:48] thread=2\n"
			      "+ realloc 8 0x40 0x50 (8 16) [20:56] thread=2\n"
			      "+ free -4 0x30 [16:32] thread=1\n"
			      "# THREAD 2 9 c\\012\n"
			      "+ malloc 32 0x60 [48:72] thread=2\n"
			      "+ malloc 64 0x70 [112:144] thread=0\n"
			      "+ free -16 0x50 [96:120] thread=2\n"
			      "+ FINI [96:120] malloc=6 realloc=1 free=4\n";

START_TEST(threads_are_told_apart)
{
	write_file("threads", threads, strlen(threads));
	json_says("threads", ".temporary", "{\"count\":2,\"bytes\":5}\n");
	json_says("--by=calls threads",
	          "[.threads[]|[.thread.number,.thread.tid,.thread.name,.calls,.allocated.bytes,.peak.bytes,"
	          ".leaked.bytes,.temporary.count,.released_others.count]]",
	          "[[2,8,\"a;b\",3,26,16,0,0,0],[1,7,\"main\",5,5,0,0,2,1],[2,9,\"c\\n\",2,32,32,32,0,1],"
	          "[null,null,null,1,64,64,64,0,0]]\n");
	json_says("--by=leaked threads", "[.threads[].leaked.bytes]", "[64,32,0,0]\n");
	/* The three threads share the group of blocks of malloc without a backtrace. */
	json_says("--by=calls threads", "[.consumers[]|[.call,.thread]]",
	          "[[\"malloc\",null],[\"realloc\",{\"number\":2,\"tid\":8,\"name\":\"a;b\"}]]\n");
	/* As before there were threads. */
	write_small();
	json_says("small", "[.threads[]|[.thread,.calls]]", "[[null,8]]\n");
	json_says("small", "[.consumers[].thread]", "[null,null]\n");
}
END_TEST

START_TEST(backtraces_of_different_threads_are_split)
{
	const char *text;

	write_file("threads", threads, strlen(threads));
	json_says("--split-threads --by=calls threads",
	          "[.consumers[]|[.call,.thread.number,.thread.name,.allocated.bytes,.temporary.bytes]]",
	          "[[\"malloc\",2,\"a;b\",10,0],[\"malloc\",1,\"main\",5,5],[\"malloc\",null,null,64,0],"
	          "[\"malloc\",2,\"c\\n\",32,0],[\"realloc\",2,\"a;b\",16,0]]\n");
	/* What is told apart adds up to the same. */
	json_says("--split-threads --by=peak threads", "[.allocated,.peak,.leaked,.temporary|.bytes]==[127,112,96,5]",
	          "true\n");
	json_says("--split-threads --by=peak threads", "([.consumers[].peak.bytes]|add)==.peak.bytes", "true\n");
	text = report("--split-threads threads");
	ck_assert_ptr_nonnull(strstr(text, " allocated by malloc in thread 2, c\\012 (first: line 14)\n"));
	ck_assert_ptr_nonnull(strstr(text, " allocated by malloc in a thread that is not known (first: line 15)\n"));
	text = report("--split-threads --tree --by calls threads");
	ck_assert_ptr_nonnull(strstr(text, " a;b\n            26          3  42.86%   (no backtrace)\n"));
	ck_assert_str_eq(report("--split-threads --format=folded --by allocated threads | sort"),
	                 "(thread not known);(no backtrace) 64\na:b;(no backtrace) 26\nc\\012;(no backtrace) 32\n"
	                 "main;(no backtrace) 5\n");
	/* A thread without a name has its number. */
	ck_assert_str_eq(run("printf '+ malloc 5 0x10 [5:24] thread=3\\n# THREAD 4 7 \\n+ malloc 6 0x20 [5:24] "
	                     "thread=4\\n' | $B/log-malloc-report --split-threads --format=folded - | sort")
	                         .out,
	                 "thread 3;(no backtrace) 5\nthread 4;(no backtrace) 6\n");
}
END_TEST

START_TEST(samples_of_pprof_are_labelled_with_their_thread)
{
	static const char count[] =
		"awk '/^string_table:/ {sub(/^string_table: /, \"\"); s[n++] = $0}"
		" /^  label/ {key = str = num = \"\"} /^    key:/ {key = $2} /^    str:/ {str = $2} /^    num:/ {num = "
		"$2}"
		" /^  }/ && key != \"\" {print key \"=\" str \"=\" num > \"labels\"; key = \"\"}"
		" END {for (i = 0; i < n; i++) print i, s[i] > \"strings\"}' text && "
		"awk -F= 'NR == FNR {split($0, a, \" \"); i = a[1]; sub(/^[0-9]* /, \"\"); s[i] = $0; next}"
		" {print s[$1], $2 != \"\" ? s[$2] : $3}' strings labels | grep -E 'thread|tid' | sort";

	if (!can_run("samples_of_pprof_are_labelled_with_their_thread", "protoc"))
		return;
	write_file("threads", threads, strlen(threads));
	must(run("$B/log-malloc-report --split-threads --format=pprof threads | gunzip >p && protoc "
	         "--decode=pprof.Profile -I $S/src/reader/export $S/src/reader/export/profile.proto <p >text"));
	ck_assert_str_eq(must(run("%s", count)).out,
	                 "\"thread\" \"(thread not known)\"\n\"thread\" \"a;b\"\n\"thread\" \"c\\n\"\n"
	                 "\"thread\" \"main\"\n\"tid\" 7\n\"tid\" 8\n\"tid\" 9\n");
}
END_TEST

START_TEST(the_table_of_threads_has_room_for_any_number)
{
	const char *text;

	write_file("threads", threads, strlen(threads));
	text = report("--by-thread --by=calls --top 2 threads");
	ck_assert_msg(strstr(text, "\nTHREADS, by calls: 4 threads\n"
	                           "  CALLS ALLOCATED    PEAK  LEAKED  BLOCKS    TEMP  OTHERS    NO NAME\n"
	                           "      3        26      16       0       0       0       0     2 a;b\n"
	                           "      5         5       0       0       0       2       1     1 main\n"
	                           "      3        96      96      96       2       0       1     - (2 more)\n"
	                           "\n"),
	              "%s", text);
	text = report("--by-thread --by=calls threads");
	ck_assert_ptr_nonnull(strstr(text, "    32      32      32       1       0       1     2 c\\012\n"));
	ck_assert_ptr_nonnull(strstr(text, "    64      64      64       1       0       0     - (not known)\n"));
	must(run(
		"printf '# THREAD 99999 7 123456789012345\n+ malloc 8000000000000000000 0x10 [0:0]\n' >t;"
		"$B/log-malloc-report --by-thread t | grep -q '      8.0E    8.0E    8.0E .* 99999 123456789012345$'"));
	must(run("for n in 1000000 999949999 999950000 1500000000; do printf '+ malloc %%s 0x10 [0:0]\n' $n >t;"
	         "$B/log-malloc-report --by-thread t | sed -nE 's/.* ([^ ]+) +1 +0 +0 +- .*/\\1/p'; done >sizes;"
	         "test \"$(tr '\n' , <sizes)\" = 1.0M,999.9M,1.0G,1.5G,"));
	must(run("! $B/log-malloc-report --by-thread t | sed -n '/^THREADS/,/^$/p' | grep -q '.\\{81\\}'"));
}
END_TEST

START_TEST(modules_have_what_their_code_and_what_it_called_asked_for)
{
	json_says("--by=leaked $S/tests/golden/full.trace",
	          "[.modules[]|select(.module==\"/opt/demo/bin/demo\")|.own.bytes<.whole.bytes]", "[true]\n");
	json_says("--by=leaked $S/tests/golden/full.trace", "([.modules[].own.bytes]|add)==.leaked.bytes", "true\n");
	json_says("--by=calls $S/tests/golden/full.trace", "([.modules[].own.count]|add)==.allocated.count", "true\n");
}
END_TEST

START_TEST(the_text_says_the_same_as_the_json)
{
	const char *text;

	write_small();
	text = report("small");
	ck_assert_ptr_nonnull(strstr(text, "PROCESS 7: /opt/a b/small (lines 1 to 25)\n"));
	ck_assert_ptr_nonnull(
		strstr(text, "  peak                  2 blocks             1200 bytes (line 19, after 40 ms)\n"));
	ck_assert_ptr_nonnull(strstr(text, "PEAK, in use when most bytes were: 2 blocks, 1200 bytes in 2 backtraces\n"
	                                   " 1 block, 1000 bytes (83.33%) allocated by calloc (first: line 13)\n"));
	text = report("--by leaked --top 1 small");
	ck_assert_ptr_nonnull(strstr(text, " 1 block, 8 bytes (3.85%) in 1 more backtrace\n"));
}
END_TEST

START_TEST(trees_add_up_from_either_end)
{
	const char *text;

	write_small();
	text = report("--tree --by allocated small");
	ck_assert_msg(strstr(text, "          1307          4  99.39% main\n"
	                           "          1000          1  76.05%   top\n"
	                           "           300          2  22.81%   keep\n"
	                           "             7          1   0.53%   (1 more)\n"
	                           "             8          1   0.61% (1 more)\n"),
	              "%s", text);
	text = report("--tree=bottom-up --min-percent 0 --by allocated small");
	ck_assert_msg(strstr(text, "          1000          1  76.05% top\n"
	                           "          1000          1  76.05%   main\n"
	                           "           300          2  22.81% keep\n"
	                           "           300          2  22.81%   main\n"
	                           "             8          1   0.61% (no backtrace)\n"
	                           "             7          1   0.53% flash\n"
	                           "             7          1   0.53%   main\n"),
	              "%s", text);
}
END_TEST

START_TEST(trees_have_long_names_in_short)
{
	static const char text[] = "+ malloc 8 0x10 [8:24]\n"
				   "/x(_Znwm+0x1)[0x1]\n"
				   "/x(_ZNSt3mapIiN3app7SessionESt4lessIiESaISt4pairIKiS1_EEEixERS5_+0x1)[0x2]\n";

	write_file("long", text, strlen(text));
	ck_assert_ptr_nonnull(strstr(report("--tree long"), "100.00% std::map<>::operator[]()\n"));
	ck_assert_ptr_nonnull(strstr(report("--tree long"), "100.00%   operator new(unsigned long)\n"));
	ck_assert_ptr_nonnull(strstr(report("--tree -f long"), " std::map<int, app::Session, std::less<int>"));
	/* A tree of nothing has no heading either. */
	ck_assert_ptr_null(strstr(report("--tree --by temporary long"), "CALLER"));
}
END_TEST

START_TEST(folded_stacks_add_up_to_the_totals)
{
	static const char *const metrics[] = {"peak", "leaked", "allocated"};

	write_small();
	ck_assert_str_eq(report("--format=folded --by calls small | sort"),
	                 "(no backtrace) 1\nmain;flash 1\nmain;keep 2\nmain;top 1\n");
	for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
		struct run r =
			run("t=$S/tests/golden/full.trace; m=%s\n"
		            "a=$($B/log-malloc-report --format=folded --by $m $t | awk '{s+=$NF} END {print s}')\n"
		            "b=$($B/log-malloc-report --format=json --by $m $t | jq .$m.bytes)\n"
		            "test \"$a\" -gt 0 && test \"$a\" = \"$b\" || echo \"$m: $a $b\"",
		            metrics[i]);

		ck_assert_str_eq(r.out, "");
	}
}
END_TEST

START_TEST(a_frame_that_the_tracker_guessed_is_marked)
{
	static const char trace[] = "# PID 5\n# GUESSED 0x40\n+ INIT [0:0] malloc=0\n+ malloc 100 0x1000 [100:104]\n"
				    "/bin/p(inner+0x1)[0x30]\n/bin/p(outer+0x2)[0x40]\n/bin/p(main+0x3)[0x50]\n";

	write_file("t", trace, sizeof trace - 1);
	ck_assert_str_eq(run("$B/log-malloc-findleak t | grep ' /bin/p' | sed 's/ *$//'").out,
	                 "       inner                ??:?                      /bin/p(inner+0x1)[0x30]\n"
	                 "       outer                ??:?                      /bin/p(outer+0x2)[0x40] ~ guessed\n"
	                 "       main                 ??:?                      /bin/p(main+0x3)[0x50]\n");
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-findleak -n t").out, "/bin/p(outer+0x2)[0x40] ~ guessed\n"));
	json_is("log-malloc-findleak", "t", ".leaks[0].backtrace|map(.guessed)", "[null,true,null]\n");
	json_is("log-malloc-report", "t", "[..|.guessed?|select(.)]|unique", "[true]\n");
	ck_assert_str_eq(report("--format=folded --by leaked t"), "main;outer~;inner 100\n");
	ck_assert_ptr_nonnull(strstr(report("--tree --by leaked t"), "outer~"));
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-cat t").out, "# GUESSED 0x40\n"));
}
END_TEST

START_TEST(a_semicolon_in_a_name_does_not_split_it)
{
	struct run r = run("printf '+ malloc 5 0x10 [5:24]\\n/x(a;b+0x1)[0x1]\\n/x(m\\001 n+0x1)[0x2]\\n' |"
	                   "$B/log-malloc-report --format=folded -");

	ck_assert_str_eq(r.out, "m\\001 n;a:b 5\n");
}
END_TEST

START_TEST(images_are_reported_one_by_one)
{
	struct run r;

	json_says("$S/tests/golden/exec.trace $S/tests/golden/seed.trace", ".pid", "4711\n4711\n23451\n");
	r = run("$B/log-malloc-report -p 23451 $S/tests/golden/seed.trace | grep -c ^PROCESS");
	ck_assert_str_eq(r.out, "1\n");
	r = run("$B/log-malloc-report -p 4 $S/tests/golden/seed.trace");
	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.out, "");
	ck_assert_ptr_nonnull(strstr(r.err, "process 4 is not in this trace"));
	r = run("$B/log-malloc-report --format=folded $S/tests/golden/exec.trace | grep -vc '^[^;]* \\[4711\\];'");
	ck_assert_str_eq(r.out, "0\n");
}
END_TEST

START_TEST(a_trace_that_ends_early_is_reported_as_such)
{
	ck_assert_ptr_nonnull(strstr(report("$S/tests/golden/truncated.trace"), "; the trace ends early)\n"));
	ck_assert_ptr_nonnull(strstr(report("$S/tests/golden/part.trace"), "; the trace has no beginning"));
	json_says("$S/tests/golden/truncated.trace", "[.complete,.ended]", "[false,false]\n");
	json_says("$S/tests/golden/malformed.trace 2>/dev/null", ".malformed>0", "true\n");
}
END_TEST

START_TEST(both_formats_of_the_trace_give_the_same_report)
{
	struct run r =
		run("for t in full compact; do for m in leaked peak allocated calls temporary; do\n"
	            "$B/log-malloc-report --format=json --by $m $S/tests/golden/$t.trace |"
	            "jq -cS 'del(.consumers[].line,.peak.line)'; done >$t; done; cmp full compact && wc -l <full");

	ck_assert_msg(strcmp(r.out, "5\n") == 0, "%s%s", r.out, r.err);
}
END_TEST

START_TEST(a_stream_gives_the_same_report_as_a_file)
{
	struct run r = run("cd $S/tests/golden; for f in text json folded massif pprof; do\n"
	                   "$B/log-malloc-report --format=$f exec.trace 2>/dev/null | md5sum\n"
	                   "$B/log-malloc-report --format=$f - 2>/dev/null <exec.trace | md5sum\n"
	                   "done | uniq -c | grep -vc '^ *2 '");

	ck_assert_str_eq(r.out, "0\n");
}
END_TEST

START_TEST(what_is_suppressed_does_not_count_as_leaked)
{
	write_small();
	must(run("echo 'leak:keep' >known && echo 'leak:nobody' >other"));
	json_says("-s known small", "[.suppressed,.leaked]",
	          "[{\"count\":1,\"bytes\":200},{\"count\":1,\"bytes\":8}]\n");
	json_says("-s known -b leaked small", "[.consumers[]|[.call,.bytes]]", "[[\"malloc\",8]]\n");
	/* As many as findleak leaves out. */
	must(run("$B/log-malloc-findleak -s known --format json small | jq -c '.suppressed|[.count,.bytes]' >found; "
	         "$B/log-malloc-report -s known --format json small | jq -c '.suppressed|[.count,.bytes]' | cmp - "
	         "found"));
	/* All else is as it was. */
	must(run("for by in peak allocated calls temporary; do $B/log-malloc-report --by $by --format json small | "
	         "jq 'del(..|.leaked?)' >all; $B/log-malloc-report --by $by -s known --format json small | "
	         "jq 'del(.suppressed,(..|.leaked?))' | cmp - all || exit 1; done"));
	json_says("-s other small", "[.suppressed.count,.leaked.count]", "[0,2]\n");
	json_says("small", "has(\"suppressed\")", "false\n");
	ck_assert_ptr_nonnull(strstr(report("-s known -b leaked small"), "\nsuppressed: 1 block, 200 bytes\n"));
	ck_assert_int_eq(run("$B/log-malloc-report -s nothing small").status, 2);
	ck_assert_int_eq(run("$B/log-malloc-report -s known --format massif small").status, 2);
	ck_assert_int_eq(run("$B/log-malloc-report --no-default-suppressions small").status, 2);
}
END_TEST

START_TEST(wrong_usage_is_refused)
{
	static const char *const wrong[] = {"",
	                                    "--by nothing t",
	                                    "--format xml t",
	                                    "--tree=sideways t",
	                                    "--tree --format=json t",
	                                    "--by-thread --format=json t",
	                                    "--by-thread --tree t",
	                                    "--by-thread --split-threads t",
	                                    "--split-threads --format=massif t",
	                                    "--top x t",
	                                    "--min-percent 101 t",
	                                    "/nonexistent",
	                                    "$B/log-malloc-report",
	                                    "$S/tests/golden/full.trace /nonexistent",
	                                    "--format=json $S/tests/golden/full.trace >/dev/full",
	                                    "--format=pprof $S/tests/golden/full.trace >/dev/full"};

	are_refused("log-malloc-report", wrong, sizeof wrong / sizeof *wrong);
	ck_assert_ptr_nonnull(strstr(report("--help"), "Usage: log-malloc-report"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report");
	TCase *known = tcase_create("known");

	tcase_set_timeout(known, 60);
	tcase_add_test(known, totals_are_those_of_the_trace);
	tcase_add_test(known, consumers_are_ranked_by_what_is_asked_for);
	tcase_add_test(known, threads_are_told_apart);
	tcase_add_test(known, backtraces_of_different_threads_are_split);
	tcase_add_test(known, samples_of_pprof_are_labelled_with_their_thread);
	tcase_add_test(known, the_table_of_threads_has_room_for_any_number);
	tcase_add_test(known, modules_have_what_their_code_and_what_it_called_asked_for);
	tcase_add_test(known, the_text_says_the_same_as_the_json);
	tcase_add_test(known, trees_add_up_from_either_end);
	tcase_add_test(known, trees_have_long_names_in_short);
	tcase_add_test(known, folded_stacks_add_up_to_the_totals);
	tcase_add_test(known, a_frame_that_the_tracker_guessed_is_marked);
	tcase_add_test(known, a_semicolon_in_a_name_does_not_split_it);
	tcase_add_test(known, images_are_reported_one_by_one);
	tcase_add_test(known, a_trace_that_ends_early_is_reported_as_such);
	tcase_add_test(known, both_formats_of_the_trace_give_the_same_report);
	tcase_add_test(known, a_stream_gives_the_same_report_as_a_file);
	tcase_add_test(known, what_is_suppressed_does_not_count_as_leaked);
	tcase_add_test(known, wrong_usage_is_refused);
	suite_add_tcase(suite, known);
	return run_suite(suite);
}
