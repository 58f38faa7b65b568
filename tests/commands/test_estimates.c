/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands make of sampled traces: estimates, which agree with the full trace, and are marked. */
#include "support.h"
#include "tracing.h"

#include <stdio.h>
#include <string.h>

/*
 * Blocks of no byte to some megabytes: kept, released at once, made larger, released by and by. A full trace of some
 * thousand events, the same each time.
 */
static const char full_awk[] =
	"function get(n, f, a) { a = sprintf(\"0x%x\", next_ += 4194304); printf \"+ malloc %d %s [0:0]\\n\", n, a\n"
	"	frame(f); size[a] = n; return a }\n"
	"function frame(f) { printf \"/x/p(%s+0x1)[0x%x]\\n\", f, 4096 + index(all, f) }\n"
	"function put(a, f) { printf \"+ free -%d %s [0:0]\\n\", size[a], a; frame(f) }\n"
	"function move(a, n, f, b) { b = sprintf(\"0x%x\", next_ += 4194304)\n"
	"	printf \"+ realloc %d %s %s (%d %d) [0:0]\\n\", n - size[a], a, b, size[a], n; frame(f)\n"
	"	size[b] = n; return b }\n"
	"BEGIN { all = \"none tiny small large huge grown pool\"\n"
	"	print \"# PID 7\\n# EXE /x/p\\n# CWD /\\n# FORMAT full\\n+ INIT [0:0] malloc=0\"\n"
	"	for (i = 0; i < 1500; i++) {\n"
	"		print \"# TIME \" i * 100\n"
	"		get(0, \"none\"); get(16, \"tiny\"); put(get(200, \"small\"), \"small\"); get(300 + i % 7, "
	"\"small\")\n"
	"		if (i % 20 == 0) get(20000, \"large\")\n"
	"		if (i % 300 == 0) get(3000000, \"huge\")\n"
	"		if (i % 10 == 0) grown[i] = get(100, \"grown\"); else if (i % 10 == 5) move(grown[i - 5], "
	"5000, \"grown\")\n"
	"		pool[i] = get(1000, \"pool\"); if (i >= 400) put(pool[i - 400], \"pool\")\n"
	"	}\n"
	"	print \"+ FINI [0:0] malloc=0\" }\n";

/*
 * Writes the trace "full", and of so many samples of it the estimates, a line each: a name, the estimate, its standard
 * error. RUNS of them per name. "truth" has a name and the number in each line.
 */
static bool have_samples(const char *test, int mean, int runs)
{
	if (!can_run(test, "python3"))
		return false;
	write_file("full.awk", full_awk, sizeof full_awk - 1);
	must(run("awk -f full.awk >full && python3 $S/tests/support/sample.py %d %d <full >s; cat >filter <<'END'\n"
	         "def two(name): \"\\(name).count \\(.count) \\(.count_error // 0)\",\n"
	         "  \"\\(name).bytes \\(.bytes) \\(.bytes_error // 0)\";\n"
	         "(.allocated | two(\"all.allocated\")), (.leaked | two(\"all.leaked\")),\n"
	         "(.consumers[] | .backtrace[0].function as $f | (.allocated | two($f + \".allocated\")),\n"
	         "  (.leaked | two($f + \".leaked\"))),\n"
	         "(.sizes[] | two(\"size.\\(.to)\"))\n"
	         "END\n"
	         "report() { $B/log-malloc-report -n --format json --by allocated \"$1\" | jq -r -f filter; };"
	         "report full >truth && report s >estimates",
	         mean, runs));
	return true;
}

enum { RUNS = 60 };

static const int means[] = {2000, 20000, 200000};

/*
 * The mean of the estimates lies within 4.5 of its standard errors of the truth: one name in a hundred thousand would
 * not. The peak is no sum of blocks: the highest of noisy sums is a little too high. Names whose blocks a sample hardly
 * ever has are left out, since their error is not known to be normal.
 */
START_TEST(estimates_are_right_on_average)
{
	if (!have_samples("estimates_are_right_on_average", means[_i], RUNS))
		return;
	must(run("awk -v runs=%d 'NR == FNR { truth[$1] = $2; next } { sum[$1] += $2; square[$1] += $2 * $2; "
	         "told[$1] += $3 * $3 }\n"
	         "END { for (name in truth) {\n"
	         "	mean = sum[name] / runs; var = (square[name] / runs - mean * mean) * runs / (runs - 1)\n"
	         "	if (var < told[name] / runs) var = told[name] / runs\n"
	         "	off = mean - truth[name]; if (off < 0) off = -off; seen++\n"
	         "	if (off > 4.5 * sqrt(var / runs) + 0.5 && square[name] && sum[name] * sum[name] / square[name] "
	         "> 15) {\n"
	         "		print name, mean, truth[name], sqrt(var / runs); bad = 1 } }\n"
	         "exit bad || seen < 20 }' truth estimates",
	         RUNS));
}
END_TEST

/* The square of the standard error that each estimate tells is on average what the estimates vary by. */
START_TEST(standard_errors_are_what_estimates_vary_by)
{
	if (!have_samples("standard_errors_are_what_estimates_vary_by", 20000, RUNS))
		return;
	must(run("awk -v runs=%d '{ sum[$1] += $2; square[$1] += $2 * $2; told[$1] += $3 * $3 }\n"
	         "END { for (name in sum) { if (name !~ /^(all[.](allocated|leaked)|(small|pool|large)[.]allocated)/) "
	         "continue\n"
	         "	mean = sum[name] / runs; var = (square[name] / runs - mean * mean) * runs / (runs - 1)\n"
	         "	ratio = var / (told[name] / runs); seen++\n"
	         "	if (ratio < 0.45 || ratio > 2) { print name, ratio; bad = 1 } }\n"
	         "exit bad || seen < 8 }' estimates",
	         RUNS));
}
END_TEST

/* One in a byte is nearly all: what remains are the blocks of a few bytes. */
START_TEST(all_commands_mark_estimates)
{
	static const char *const texts[] = {
		"findleak -n %s | grep -q '^SUSPECTED ~[0-9]* LEAKS:$'",
		"findleak -n %s | grep -qE '^ ~[0-9]+ blocks? leaked ~[0-9]+ bytes \\(~[0-9.]+ [KM]iB(, [0-9]+ "
		"samples?)?\\) '",
		"findleak -n %s | tail -1 | grep -qE '^Total: ~.* blocks, ~.*; estimates by a sample, one in 20000 "
		"bytes; '",
		"findleak -n %s | grep -q ', 1[0-9] samples) allocated by'",
		"report -n %s | grep -qE '^  leaked +~[0-9]+ blocks +~[0-9]+ bytes, ~[0-9.]+ MiB$'",
		"report -n %s | sed 1d | grep -E '[0-9]{5}' | grep -vE '~|line|^ +[0-9]+ +[0-9]+ ' | [ -z \"$(cat)\" ]",
		"report -n --tree %s | grep -qE '^ +~[0-9]+ +~[0-9]+ '",
		"report -n --by-thread %s | grep -qE '^ +~[0-9.]+M? '",
		"report -n --sum %s | grep -qE '^ +1 +~[0-9]+ +~[0-9]+ +~[0-9]+ +~[0-9]+ '",
		"report -n --by temporary %s 2>&1 >/dev/null | grep -q 'not known which blocks were only there for a "
		"moment'",
		"report -n --format massif %s 2>&1 | grep -q 'estimates by a sample'",
		"diff -n %s@1s s | grep -qE '^ ~[+][0-9]+ bytes, .*~[+][0-9]+ blocks? [(]~?[0-9]+ to ~[0-9]+ bytes'",
		"trackusage %s 2>err | tail -1 | grep -qE '^~[0-9]+$' && grep -q 'estimates by a sample' err",
		"report -n --format svg %s 2>err | grep -qE '>.*: ~[0-9]+ bytes [(]~[0-9.]+ MiB[)] in ~[0-9]+ blocks; "
		"~ is "
		"an estimate by a sample, one in 20000 bytes' && grep -q 'estimates by a sample' err",
		"report -n --format svg %s 2>&1 | grep '<g><title>' | grep -v ': ~[0-9]* bytes.* in ~' | [ -z "
		"\"$(cat)\" ]",
		"trackusage --chart %s 2>err | sed -n 1p | grep -q ' of a sample, one in 20000 bytes$' && "
		"grep -q 'estimates by a sample' err",
		"trackusage --chart %s 2>&1 | grep -q '~requested bytes' ",
		"findleak -n --format junit %s | grep -q '~[0-9]* blocks leaked\\|message=\"~'",
	};

	if (!have_samples("all_commands_mark_estimates", 20000, 1))
		return;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char command[512];

		snprintf(command, sizeof command, texts[i], "s");
		must(run("$B/log-malloc-%s", command));
	}
	must(run("! $B/log-malloc-report -n full | grep '~' && ! $B/log-malloc-findleak -n full | grep '~'"));
}
END_TEST

/* What is not known is not 0, as which blocks were only there for a moment. */
START_TEST(what_a_sample_can_not_tell_is_no_number)
{
	struct run r;

	if (!have_samples("what_a_sample_can_not_tell_is_no_number", 20000, 1))
		return;
	must(run("$B/log-malloc-report -n --by-thread s | grep -A1 ' TEMP ' | tail -1 | awk '{ exit $6 != \"-\" }'"));
	must(run("$B/log-malloc-report -n --by-thread full | grep -A1 ' TEMP ' | tail -1 | awk '{ exit $6 != 1500 }'"));
	json_is("log-malloc-report", "-n --sum --format json s full", "[.programs[].temporary]", "[null]\n");
	json_is("log-malloc-report", "-n --sum --format json full", "[.programs[].temporary.count]", "[1500]\n");
	for (int i = 0; i < 2; i++) {
		r = run("$B/log-malloc-diff -n --by temporary --max-growth 10M %s", i ? "s full" : "full s");
		ck_assert_int_eq(r.status, 2);
		ck_assert_str_eq(r.out, "");
		ck_assert_str_eq(r.err, "log-malloc-diff: s: of a sample, it is not known which blocks were only there "
		                        "for a moment\n");
	}
	must(run("$B/log-malloc-diff -n --by temporary full full"));
}
END_TEST

/* Pictures show the numbers that JSON has. Of usable bytes, a chart has nothing. */
START_TEST(pictures_show_the_estimates)
{
	if (!have_samples("pictures_show_the_estimates", 20000, 1))
		return;
	must(run("peak=$($B/log-malloc-report -n --format json s | jq .peak.bytes) && "
	         "$B/log-malloc-report -n --format svg s 2>err | grep -q \">p .*: ~$peak bytes \" && "
	         "$B/log-malloc-trackusage --chart s 2>err >chart && "
	         "grep -q \"^peak: requested ~$peak bytes \" chart && ! grep usable chart"));
	/* Of what was in use when the tracker attached, a sample does not tell what was released. */
	must(run("sed '/^# CWD/a # BEFORE 1000000000' s >attached && $B/log-malloc-trackusage s 2>err >rows && "
	         "$B/log-malloc-trackusage attached 2>err | cmp - rows && ! grep 'begin with' err"));
	must(run("! $B/log-malloc-report -n --format svg full | grep -q estimate && "
	         "$B/log-malloc-trackusage --chart full >chart && grep -q usable chart && ! grep '~\\|sample' chart"));
}
END_TEST

/* What it shows, tests/page/browser.mjs looks at. */
START_TEST(there_is_a_page_of_a_sample)
{
	if (!have_samples("there_is_a_page_of_a_sample", 20000, 1))
		return;
	if (run("$B/log-malloc-report -n --format html -o page.html full").status != 0) {
		skip("there_is_a_page_of_a_sample", "there is no page in this build");
		return;
	}
	must(run("$B/log-malloc-report -n --format html -o both.html full s && test -s both.html"));
	must(run("$B/log-malloc --sample 1K --report sampled.html ls >out 2>err && test -s sampled.html"));
}
END_TEST

START_TEST(json_has_standard_errors)
{
	if (!have_samples("json_has_standard_errors", 20000, 1))
		return;
	json_is("log-malloc-findleak", "-n --format json s",
	        "[.sample, .total.estimated, .total.samples == ([.leaks[].samples] | add), "
	        "(.total.bytes_error > 0), (.leaks[0] | .estimated, (.count_error | type))]",
	        "[20000,true,true,true,true,\"number\"]\n");
	json_is("log-malloc-report", "-n --format json s", "[.sample, .temporary, .peak.estimated, .foreign, .unknown]",
	        "[20000,null,true,0,0]\n");
	json_is("log-malloc-diff", "-n --format json s@1s s",
	        "[.grown[-1].estimated, .new.estimated, (.grown[-1].bytes_error > 0)]", "[true,true,true]\n");
	json_is("log-malloc-trackusage", "--format json s",
	        ".usage[-1] | [.estimated, .usable, (.requested_error > 0)]", "[true,null,true]\n");
	json_is("log-malloc-report", "-n --format json full", "[.sample, .peak.estimated, (.temporary | type)]",
	        "[null,null,\"object\"]\n");
}
END_TEST

/* Nothing was seen: a standard error of 0 would claim that there is nothing. */
START_TEST(what_has_no_sample_claims_no_error)
{
	static const char trace[] = "# PID 7\n# EXE /x/p\n# CWD /\n# FORMAT full\n# SAMPLE 1024\n+ INIT [0:0] "
				    "malloc=0\n+ FINI [0:0] malloc=0\n";

	write_file("s", trace, sizeof trace - 1);
	json_is("log-malloc-report", "-n --format json s", "[.sample, .allocated, .peak.bytes, .leaked]",
	        "[1024,{\"count\":0,\"bytes\":0},0,{\"count\":0,\"bytes\":0}]\n");
	json_is("log-malloc-findleak", "-n --format json s", "[.sample, .total.bytes, .total.bytes_error]",
	        "[1024,0,null]\n");
}
END_TEST

/* A change from or to what a sample has none of is no exact one. */
START_TEST(a_change_is_an_estimate_if_one_side_is)
{
	static const char head[] = "# PID 7\n# EXE /x/p\n# CWD /\n# FORMAT full\n";

	write_file("head", head, sizeof head - 1);
	must(run("{ cat head; echo '+ INIT [0:0] malloc=0'; echo '+ malloc 100 0x1000 [0:0]'; } >full; "
	         "{ cat head; echo '# SAMPLE 1024'; echo '+ INIT [0:0] malloc=0'; } >s"));
	ck_assert_str_eq(run("$B/log-malloc-diff -n full s | tail -2").out,
	                 "Less in 1 backtrace: ~-100 bytes, ~-1 block (100 to 0 bytes, 1 to 0 blocks)\n"
	                 "Total: ~-100 bytes, ~-1 block (100 to 0 bytes, 1 to 0 blocks)\n");
	must(run("$B/log-malloc-diff -n s full | grep '^ ~+100 bytes, ~+1 block (0 to 100 bytes, 0 to 1 blocks)'"));
	must(run("! $B/log-malloc-diff -n full full | grep '~'"));
}
END_TEST

/* 100 / (1 - exp(-100 / 1024)) is 1075.03; what was sampled and released is gone to the last bit. */
START_TEST(what_was_added_is_removed_again)
{
	static const char head[] =
		"# PID 7\n# EXE /x/p\n# CWD /\n# FORMAT full\n# SAMPLE 1024\n+ INIT [0:0] malloc=0\n";

	write_file("head", head, sizeof head - 1);
	must(run("{ cat head; for i in $(seq 300); do echo \"+ malloc $((i * 7)) 0x${i}000 [0:0]\"; done; "
	         "for i in $(seq 299); do echo \"+ free -$((i * 7)) 0x${i}000 [0:0]\"; done; "
	         "echo '+ malloc 100 0xa0 [0:0]'; echo '+ free -2100 0x300000 [0:0]'; echo '+ FINI [0:0] malloc=0'; } "
	         ">s; "
	         "$B/log-malloc-trackusage s 2>/dev/null | tail -1 | grep -x '~1075'"));
	json_is("log-malloc-report", "-n --format json s", "[.leaked | .count, .bytes, .samples]", "[11,1075,1]\n");
	json_is("log-malloc-report", "-n --format json s", "[.calls.malloc.count - .calls.free.count]", "[11]\n");
}
END_TEST

/* Of parts that are rounded one by one, the sums are right but for the rounding; and nothing becomes less than nothing.
 */
START_TEST(parts_add_up_to_the_whole)
{
	if (!have_samples("parts_add_up_to_the_whole", 5000, 1))
		return;
	/* What calls many others, but allocates nothing by itself: nothing of it may be left. */
	must(run("awk '/^[+] malloc/ { print; n = NR %% 99; print \"/x/p(a\" n \"+0x1)[0x1\" n "
	         "\"]\\n/x/p(b+0x1)[0x2]\"; next } "
	         "/^[+#]/' s >deep; "
	         "for m in leaked allocated calls; do "
	         "$B/log-malloc-report -n --format folded --by $m deep 2>/dev/null >folded && "
	         "whole=$($B/log-malloc-report -n --format json --by $m deep | "
	         "jq \"$([ $m = calls ] && echo .allocated.count || echo .$m.bytes)\") && "
	         "awk -v whole=$whole '{ all += $NF } /b [0-9]+$/ { wrong = 1 } END { off = all - whole; if (off < 0) "
	         "off = -off; "
	         "exit wrong || NR < 3 || off > NR }' folded || exit; done"));
}
END_TEST

/* The program may print such a line itself; and a budget is held against the estimate. */
START_TEST(a_budget_is_held_against_the_estimate)
{
	static const char trace[] =
		"# PID 7\n# EXE /x/p\n# CWD /\n# FORMAT full\n# SAMPLE 1024\n+ INIT [0:0] malloc=0\n"
		"+ malloc 100 0x1000 [0:0]\n# SAMPLE 7\n# SAMPLE x\n+ FINI [0:0] malloc=0\n";

	write_file("s", trace, sizeof trace - 1);
	ck_assert_int_eq(run("$B/log-malloc-findleak -n --max-bytes 1000 s").status, 1);
	ck_assert_int_eq(run("$B/log-malloc-findleak -n --max-bytes 1100 s").status, 0);
	must(run("$B/log-malloc-findleak -n --min-bytes 1100 --max-bytes 1M s | grep -q 'of 1 other leak'"));
	must(run("$B/log-malloc-cat s | grep -v '^# FORMAT' | cmp - <(grep -v '^# FORMAT' s)"));
}
END_TEST

/* What goes on growing is found though few of its blocks are seen. */
START_TEST(growth_is_found_in_a_sample)
{
	if (!have_samples("growth_is_found_in_a_sample", 20000, 1))
		return;
	json_is("log-malloc-findleak", "-n --format json s",
	        "[.leaks[] | select(.samples > 20) | [.backtrace[0].function, .growth.kind]] | sort",
	        "[[\"grown\",\"steady\"],[\"large\",\"steady\"],[\"small\",\"steady\"]]\n");
}
END_TEST

/* What is told of a sampled block is exact. What the blocks contain that are not in the sample counts as pointers. */
START_TEST(lost_samples_stand_for_lost_blocks)
{
	static const char trace[] =
		"# PID 7\n# EXE /x/p\n# CWD /\n# FORMAT full\n# SAMPLE 1024\n+ INIT [0:0] malloc=0\n"
		"+ malloc 100 0x1000 [0:0]\n+ malloc 200 0x2000 [0:0]\n+ FINI [0:0] malloc=0\n"
		"# REACHED-AT 5 partial blocks=1\n# UNREACHABLE 0x1000\n";
	static const char program[] = "#include <stdlib.h>\nstatic void *volatile kept[2000];\n"
				      "int main(void) { for (int i = 0; i < 2000; i++) { kept[i] = malloc(500); "
				      "if (i % 2) kept[i] = NULL; } return 0; }\n";

	write_file("s", trace, sizeof trace - 1);
	must(run("$B/log-malloc-findleak -n s >out; [ $? = 1 ] && "
	         "grep -q '^LOOKED AT .*: ~11 blocks, ~1075 bytes definitely lost; ~6 blocks, ~1127 bytes still "
	         "reachable.*; "
	         "blocks that are not in the sample were taken for reachable' out && "
	         "grep -q '^   definitely lost: ~1075 bytes in ~11 blocks$' out"));
	if (!can_trace("lost_samples_stand_for_lost_blocks", TRACING_CHILDREN))
		return;
	write_file("program.c", program, sizeof program - 1);
	must(run("${CC:-gcc} -O1 -fno-builtin-malloc -o program program.c && " LM
	         " -q --lost --sample 1000 -o t ./program"));
	/* A thousand are lost. Six of the standard errors: never, by chance. A word may remain of some. */
	json_is("log-malloc-findleak", "-n --format json t",
	        "[.looked.partial, ((.total.lost.count - 1000) / .total.lost.count_error | . > -6 and . < 6), "
	        "(.total.reachable.count > 500)]",
	        "[true,true,true]\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("estimates");

	TIMES(estimates_are_right_on_average, 3);
	ONCE(standard_errors_are_what_estimates_vary_by);
	ONCE(all_commands_mark_estimates);
	ONCE(what_a_sample_can_not_tell_is_no_number);
	ONCE(pictures_show_the_estimates);
	ONCE(there_is_a_page_of_a_sample);
	ONCE(json_has_standard_errors);
	ONCE(what_has_no_sample_claims_no_error);
	ONCE(a_change_is_an_estimate_if_one_side_is);
	ONCE(what_was_added_is_removed_again);
	ONCE(parts_add_up_to_the_whole);
	ONCE(a_budget_is_held_against_the_estimate);
	ONCE(growth_is_found_in_a_sample);
	ONCE(lost_samples_stand_for_lost_blocks);
	return run_suite(suite);
}
