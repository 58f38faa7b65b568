/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flame graphs: log-malloc-report --format svg, its -o, and log-malloc --report. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SVG    "$B/log-malloc-report --format svg "
#define GOLDEN "$S/tests/golden/"

/* The texts that are shown, a line each. */
#define TEXTS  "xmllint --xpath '//*[local-name()=\"text\"]/text()' "
#define TITLES "xmllint --xpath '//*[local-name()=\"g\"]/*[local-name()=\"title\"]/text()' "

START_TEST(a_made_up_trace_has_its_picture)
{
	must(run(SVG GOLDEN "full.trace 2>/dev/null | diff " GOLDEN "full.svg -"));
	/* The same trace gives the same file, in every format. */
	must(run("$B/log-malloc-cat --compact " GOLDEN "full.trace | " SVG "- 2>/dev/null | diff " GOLDEN
	         "full.svg -"));
	must(run(SVG GOLDEN "packed.full 2>/dev/null >full; " SVG GOLDEN "packed.trace 2>/dev/null | diff full -"));
}
END_TEST

START_TEST(what_is_measured_is_said_and_counted_as_in_json)
{
	static const struct {
		const char *metric, *words, *total;
	} metrics[] = {
		{"leaked", "Leaked: bytes that were never released", "leaked"},
		{"peak", "Peak: bytes in use at the moment when most were", "peak"},
		{"allocated", "Allocated: bytes that were asked for in all", "allocated"},
		{"calls", "Calls: blocks that were allocated in all", "allocated"},
		{"temporary", "Temporary: blocks that the thread's next event released", "temporary"},
	};

	for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
		must(run(SVG "-b %s -o p.svg " GOLDEN "usage.trace 2>/dev/null && grep -qF \"bold\\\">%s<\" p.svg",
		         metrics[i].metric, metrics[i].words));
		must(run("sum=$($B/log-malloc-report --format json " GOLDEN "usage.trace 2>/dev/null | "
		         "jq -r '.%s | \"^<g><title>demo .4711.: \\(.bytes) bytes.* in \\(.count) blocks, 100.00 "
		         "%%\"') && "
		         "grep -q \"$sum\" p.svg",
		         metrics[i].total));
	}
}
END_TEST

/* No width is larger than that of the frame below: children lie within their caller. */
START_TEST(frames_stand_on_their_callers)
{
	struct run r;

	must(run(SVG "-o up.svg " GOLDEN "full.trace 2>/dev/null && " SVG "--tree=bottom-up -o down.svg " GOLDEN
	             "full.trace 2>/dev/null"));
	must(run(
		"for f in up down; do grep '^<g>' $f.svg | sed -E "
		"'s/.* x=\"([0-9.]*)\" y=\"([0-9]*)\" width=\"([0-9.]*)\".*/\\2 \\1 \\3/' >rects;"
		"awk '{ y[NR] = $1; x[NR] = $2; e[NR] = $2 + $3 } END { for (i = 1; i <= NR; i++) { ok = (i == 1);"
		"for (j = 1; j < i; j++) { d = y[i] - y[j]; if ((d == 18 || d == -18) && x[i] >= x[j] - 0.1 && e[i] <= "
		"e[j] + 0.6) ok = 1 } if (!ok) { print \"loose: \" i; bad = 1 } } exit bad }' rects || exit 1; done"));
	r = must(run(TITLES "up.svg | head -n 2; " TITLES "down.svg | head -n 2"));
	ck_assert_ptr_nonnull(strstr(r.out, "0x0: 4204 bytes in 5 blocks, 79.19 %"));
	ck_assert_ptr_nonnull(strstr(r.out, "a b(x).so+0x1234: 4204 bytes in 5 blocks, 79.19 %"));
	must(run(
		"up() { grep -o '<title>[^<]*</title><rect[^>]* y=\"[0-9]*' $1 | sed -n \"$2p\" | grep -o '[0-9]*$'; };"
		"test $(up up.svg 1) -gt $(up up.svg 2) && test $(up down.svg 1) -lt $(up down.svg 2)"));
}
END_TEST

/* The trace with a function called NAME. */
static void write_function(const char *name, size_t len)
{
	char *trace;
	size_t size;
	FILE *out = open_memstream(&trace, &size);

	fputs("# PID 1\n# EXE /x/", out);
	fwrite(name, 1, len, out);
	fputs("\n+ INIT [0:0] malloc=0\n+ malloc 9 0x10 [9:9]\n/x/p(", out);
	fwrite(name, 1, len, out);
	fputs("+0x1)[0x1001]\n", out);
	fclose(out);
	write_file("t", trace, size);
	free(trace);
}

START_TEST(no_name_breaks_the_picture)
{
	static const char *const names[] = {"<script>alert(1)</script>",
	                                    "</title><script>",
	                                    "a&b;\"c'",
	                                    "]]>",
	                                    "\x01\x02\x1b[31m\x7f",
	                                    "\xff\xfe\x80",
	                                    "\xef\xbf\xbf\xef\xbf\xbe",
	                                    "\xed\xa0\x80",
	                                    "\xc2\x85\xe2\x80\xae",
	                                    "&#x1;",
	                                    "\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		write_function(names[i], strlen(names[i]));
		must(run(SVG "-o p.svg t 2>/dev/null && xmllint --noout p.svg && ! grep -q '<script' p.svg && "
		             "test $(grep -c '^<g>' p.svg) = 2"));
	}
}
END_TEST

START_TEST(a_long_name_is_cut)
{
	char *name = malloc(20000);

	memset(name, 'x', 20000);
	write_function(name, 20000);
	free(name);
	must(run(SVG "-f -o p.svg t 2>/dev/null && xmllint --noout p.svg && test $(stat -c %%s p.svg) -lt 5000 && "
	             "test $(grep -o '<text[^>]*>x[^<]*' p.svg | grep -o 'x*[.][.]$' | awk '{ print length }' | sort "
	             "-n | tail -n 1) -lt 170"));
}
END_TEST

/* COUNT backtraces of DEPTH frames, from the outermost frame on all different. */
#define MANY                                                                                                           \
	"awk -v n=%d -v d=%d 'BEGIN { print \"# PID 1\\n# EXE /x/many\\n+ INIT [0:0] malloc=0\";"                      \
	"for (i = 1; i <= n; i++) { printf \"+ malloc 100 0x%%x [%%d:%%d]\\n\", i * 256, i * 100, i * 100;"            \
	"for (j = d; j; j--) printf \"/x/many(function_with_a_long_name_%%d_%%d+0x1)[0x%%x]\\n\", j, i, i * 256 + j }" \
	" }' >many; "

START_TEST(a_picture_of_any_trace_is_small)
{
	/* Narrower than can be seen; and wide enough to be seen, but too many. */
	must(run(MANY SVG
	         "-o p.svg many 2>/dev/null && xmllint --noout p.svg && test $(stat -c %%s p.svg) -lt 1000000 && "
	         "grep -q '(50000 others): 5000000 bytes' p.svg && grep -q 'Grey: ' p.svg",
	         50000, 4));
	must(run(MANY SVG
	         "-o p.svg many 2>/dev/null && xmllint --noout p.svg && test $(stat -c %%s p.svg) -lt 1000000 && "
	         "grep -q 'others): ' p.svg",
	         800, 60));
	/* These fit. */
	must(run(MANY SVG "-o p.svg many 2>/dev/null && test $(grep -c '^<g>' p.svg) = 501 && ! grep -q others p.svg",
	         50, 10));
}
END_TEST

START_TEST(several_programs_stand_beside_each_other)
{
	must(run(SVG "-b allocated -o p.svg " GOLDEN "exec.trace " GOLDEN "usage.trace 2>/dev/null && "
	             "xmllint --noout p.svg && grep -q '<title>all [0-9]* processes and programs: ' p.svg && "
	             "grep -q '<title>demo \\[4711\\]: ' p.svg"));
	/* What can be read is drawn. */
	ck_assert_int_eq(run(SVG "-o p.svg missing " GOLDEN "usage.trace 2>/dev/null").status, 2);
	must(run("grep -q 'demo \\[4711\\]: 1144000 bytes' p.svg"));
}
END_TEST

START_TEST(threads_and_parts_are_as_in_the_other_formats)
{
	must(run(SVG "--split-threads -o p.svg " GOLDEN "packed.trace 2>/dev/null && xmllint --noout p.svg"));
	must(run(SVG "-b allocated --until 1s -o p.svg " GOLDEN "usage.trace 2>/dev/null && "
	             "grep -q \"<title>demo .4711.: $($B/log-malloc-report --format json --until 1s " GOLDEN
	             "usage.trace | jq .allocated.bytes) bytes\" p.svg"));
}
END_TEST

START_TEST(what_is_lost_is_drawn)
{
	must(run(SVG
	         "--lost -o p.svg " GOLDEN "lost.trace 2>/dev/null && xmllint --noout p.svg && "
	         "grep -q '>Lost: bytes that were never released and are not reachable<' p.svg && "
	         "sum=$($B/log-malloc-report --lost --format json " GOLDEN "lost.trace 2>/dev/null | "
	         "jq -r '.leaked | \"\\(.bytes) bytes.* in \\(.count) block\"') && grep -q \"y=.43.>.*: $sum\" p.svg"));
}
END_TEST

START_TEST(nothing_allocated_is_a_picture_too)
{
	struct run r =
		must(run("printf '# PID 7\\n# EXE /x/idle\\n+ INIT [0:0] malloc=0\\n+ FINI [0:0] malloc=0\\n' | " SVG
	                 "-o p.svg - && xmllint --noout p.svg && " TEXTS "p.svg"));

	ck_assert_ptr_nonnull(strstr(r.out, "idle [7]: 0 bytes in 0 blocks"));
	r = must(run("printf '# PID 7\\n+ INIT [0:0] malloc=0\\n+ malloc 5 0x10 [5:5]\\n' | " SVG "-o p.svg - && " TEXTS
	             "p.svg"));
	ck_assert_ptr_nonnull(strstr(r.out, "the trace is not complete"));
}
END_TEST

/* ---- -o ------------------------------------------------------------------- */

START_TEST(an_output_file_is_whole_or_left_alone)
{
	must(run("$B/log-malloc-report " GOLDEN
	         "full.trace >expected 2>/dev/null; umask 027; $B/log-malloc-report -o new " GOLDEN
	         "full.trace 2>/dev/null && cmp new expected && test $(stat -c %%a new) = 640"));
	must(run("echo old >kept; chmod 600 kept; ln -s kept link; $B/log-malloc-report -o link missing 2>/dev/null; "
	         "test $? = 2 && grep -qx old kept && $B/log-malloc-report -o link " GOLDEN
	         "full.trace 2>/dev/null && cmp kept expected && test -L link && test $(stat -c %%a kept) = 600"));
	must(run("$B/log-malloc-report -o /dev/stdout " GOLDEN "full.trace 2>/dev/null | cmp - expected"));
	ck_assert_int_eq(run("$B/log-malloc-report -o /dev/full " GOLDEN "full.trace").status, 2);
	must(run("cp " GOLDEN "full.trace t; $B/log-malloc-report -o t t 2>said; test $? = 2 && cmp t " GOLDEN
	         "full.trace && grep -q 'not overwritten' said && ! ls | grep '[.]......$'"));
}
END_TEST

START_TEST(wrong_usage_is_refused)
{
	static const char *const wrong[] = {"-o '' t", "--format svg --sum t", "--format svg --by-thread t",
	                                    "-o /nonexistent/file t", "--format svg -o p.svg"};

	must(run("cp " GOLDEN "full.trace t"));
	are_refused("log-malloc-report", wrong, sizeof wrong / sizeof *wrong);
	must(run("script -qec '" SVG "t' /dev/null >said; grep -q 'not for a terminal' said"));
}
END_TEST

/* ---- log-malloc --report -------------------------------------------------- */

START_TEST(a_run_and_its_picture_in_one_go)
{
	struct run r = run("mkdir tmp; TMPDIR=$PWD/tmp " LM " --report p.svg $B/examples/leak-02 >/dev/null");

	ck_assert_int_eq(r.status, 0);
	ck_assert_msg(strstr(r.err, "log-malloc: 16 events, ") &&
	                      strstr(r.err, "\nlog-malloc: the report is in p.svg\n") && !strstr(r.err, "findleak"),
	              "%s", r.err);
	must(run("xmllint --noout p.svg && grep -q '>leak-02 \\[' p.svg && grep -q '<title>add' p.svg && test -z "
	         "\"$(ls tmp)\" "
	         "&& ! ls *.trace"));
}
END_TEST

START_TEST(the_status_stays_the_command_s)
{
	must(run(LM " -q --report p.svg sh -c 'exit 7'; test $? = 7 && test -s p.svg"));
	must(run(LM " -q --report q.svg sh -c 'kill -TERM $$'; test $? = 143 && test -s q.svg"));
	must(run("mkdir tmp; TMPDIR=$PWD/tmp " LM " --report p.svg ./missing; test $? = 127 && test -z \"$(ls tmp)\""));
}
END_TEST

START_TEST(a_trace_that_has_a_place_is_kept)
{
	struct run r =
		run("mkdir tmp; export TMPDIR=$PWD/tmp; " LM " -o 't 1' --report p.svg $B/examples/leak-02 >/dev/null");

	ck_assert_msg(strstr(r.err, "; next: log-malloc-findleak 't 1'\n"), "%s", r.err);
	must(run("test -s 't 1' && test -s p.svg && " LM " -o t.zst --report z.svg $B/examples/leak-02 2>/dev/null && "
	         "test -s t.zst && grep -q leak-02 z.svg"));
	must(run("LOG_MALLOC_OUTPUT=$PWD/own " LM " -q --report p.svg true && test -s own"));
	must(run(LM " -q --report p.svg true 1022>fd && test -s fd && test -z \"$(ls tmp)\""));
}
END_TEST

START_TEST(followed_processes_are_in_the_picture)
{
	must(run(LM " -f --report p.svg sh -c '$B/examples/leak-02; $B/examples/leak-01; exit 3' >/dev/null 2>&1; test "
	            "$? = 3 "
	            "&& xmllint --noout p.svg && grep -q '>leak-02 \\[' p.svg && grep -q '>leak-01 \\[' p.svg && "
	            "test $(ls log-malloc.*.trace* | wc -l) = 3"));
}
END_TEST

START_TEST(without_a_picture_the_trace_is_kept)
{
	struct run r =
		run("mkdir tmp; TMPDIR=$PWD/tmp " LM " -q --report /nonexistent/p.svg $B/examples/leak-02 >/dev/null");

	ck_assert_int_eq(r.status, 0);
	ck_assert_msg(strstr(r.err, "/nonexistent/p.svg") && strstr(r.err, "no report was made; the trace is kept: "),
	              "%s", r.err);
	must(run("$B/log-malloc-findleak tmp/*/trace | grep -q 'Total: 8 blocks'"));
	ck_assert_int_eq(run(LM " --report p.gif true").status, 2);
	ck_assert_int_eq(run(LM " -o - --report p.svg true").status, 2);
	ck_assert_int_eq(run(LM " -p $$ --report p.svg").status, 2);
	/* The command that draws is looked for beside the launcher, and then on PATH. */
	must(run("mkdir bin; cp $B/log-malloc $B/liblog-malloc2.so.1 bin; ln -s liblog-malloc2.so.1 "
	         "bin/liblog-malloc2.so;"
	         "rm -f p.svg; PATH=/usr/bin:/bin bin/log-malloc -q -o t --report p.svg true 2>said;"
	         "test ! -e p.svg && grep -q 'neither beside this program nor on the PATH' said && PATH=$B:$PATH "
	         "bin/log-malloc -q -o t --report p.svg true && test -s p.svg"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("flames");

	ONCE(a_made_up_trace_has_its_picture);
	ONCE(what_is_measured_is_said_and_counted_as_in_json);
	ONCE(frames_stand_on_their_callers);
	ONCE(no_name_breaks_the_picture);
	ONCE(a_long_name_is_cut);
	ONCE(a_picture_of_any_trace_is_small);
	ONCE(several_programs_stand_beside_each_other);
	ONCE(threads_and_parts_are_as_in_the_other_formats);
	ONCE(what_is_lost_is_drawn);
	ONCE(nothing_allocated_is_a_picture_too);
	ONCE(an_output_file_is_whole_or_left_alone);
	ONCE(wrong_usage_is_refused);
	ONCE(a_run_and_its_picture_in_one_go);
	ONCE(the_status_stays_the_command_s);
	ONCE(a_trace_that_has_a_place_is_kept);
	ONCE(followed_processes_are_in_the_picture);
	ONCE(without_a_picture_the_trace_is_kept);
	return run_suite(suite);
}
