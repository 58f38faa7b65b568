/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-cat: any trace as text. What it writes is a trace that says the same. */
#include "flavours.h"
#include "small_trace.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- whole traces --------------------------------------------------------- */

START_TEST(a_trace_in_its_own_format_is_itself)
{
	static const char *const golden[] = {"full", "exec", "part"};

	write_small();
	cat_writes("small", small_trace);
	cat_writes("--compact compact", small_trace_compact);
	for (size_t i = 0; i < sizeof golden / sizeof *golden; i++)
		must(run(CAT "$S/tests/golden/%s.trace | cmp - $S/tests/golden/%s.trace", golden[i], golden[i]));
}
END_TEST

START_TEST(full_becomes_compact_and_compact_becomes_full)
{
	write_small();
	cat_writes("--compact small", small_trace_compact);
	cat_writes("compact", small_trace);
	cat_writes("--compact --full compact", small_trace);
}
END_TEST

/* Words of all kinds, two threads, text records with and without sizes of their own, and FILE at the end. */
START_TEST(a_packed_trace_becomes_text)
{
	must(run("cd $S/tests/golden && " CAT "packed.trace | cmp - packed.full"));
	must(run("cd $S/tests/golden && " CAT "--compact packed.trace | cmp - packed.compact"));
	must(run("cd $S/tests/golden && " CAT "packed.compact | cmp - packed.full"));
	must(run("cat $S/tests/golden/packed.trace | " CAT "| cmp - $S/tests/golden/packed.full"));
	/* A piece of it is a piece of text, which says so where the packed records begin. */
	must(run("cd $S/tests/golden && tail -c +$(($(grep -abo '# MODULE' packed.trace | cut -d: -f1) + 1)) "
	         "packed.trace |" CAT
	         ">$OLDPWD/piece; sed -n '/^# MODULE/,$p' packed.full | sed '1a # FORMAT full' | cmp - $OLDPWD/piece"));
	/* Chosen events have the totals of the whole trace. */
	must(run("cd $S/tests/golden && " CAT "--call free packed.trace | grep '^+ free' >$OLDPWD/free; "
	         "grep '^+ free' packed.full | cmp - $OLDPWD/free"));
	must(run("cd $S/tests/golden && " CAT "--address 0x7113 packed.trace | grep -c '^+ calloc 20 ' | grep -qx 1"));
}
END_TEST

START_TEST(any_source_is_written)
{
	write_small();
	must(run("gzip -k compact && zstd -q compact"));
	cat_writes("compact.gz", small_trace);
	cat_writes("compact.zst", small_trace);
	cat_writes("- <compact", small_trace);
	cat_writes("<compact.zst", small_trace);
	cat_writes("<(cat compact)", small_trace);
}
END_TEST

START_TEST(numbers_of_backtraces_are_those_of_the_trace)
{
	/* 7 gets another backtrace; the frames of 8 are missing. */
	static const char odd[] = "# FORMAT compact\n"
				  "# BACKTRACE 7\n"
				  "/x(f+0x1)[0x1]\n"
				  "+ malloc 1 0x10 [1:24] bt=7\n"
				  "# BACKTRACE 7\n"
				  "/x(g+0x1)[0x2]\n"
				  "+ malloc 2 0x20 [3:48] bt=7 thread=2\n"
				  "+ malloc 3 0x30 [6:72] bt=8\n"
				  "+ FINI [6:72] malloc=3\n";

	write_file("odd", odd, strlen(odd));
	cat_writes("--compact odd", odd);
	cat_writes("--compact --call malloc odd", odd);
	cat_writes("odd", "# FORMAT full\n"
	                  "+ malloc 1 0x10 [1:24]\n"
	                  "/x(f+0x1)[0x1]\n"
	                  "+ malloc 2 0x20 [3:48] thread=2\n"
	                  "/x(g+0x1)[0x2]\n"
	                  "+ malloc 3 0x30 [6:72]\n"
	                  "+ FINI [6:72] malloc=3\n");
	cat_writes("--full odd | " CAT "--compact", "# FORMAT compact\n"
	                                            "# BACKTRACE 1\n"
	                                            "/x(f+0x1)[0x1]\n"
	                                            "+ malloc 1 0x10 [1:24] bt=1\n"
	                                            "# BACKTRACE 2\n"
	                                            "/x(g+0x1)[0x2]\n"
	                                            "+ malloc 2 0x20 [3:48] bt=2 thread=2\n"
	                                            "+ malloc 3 0x30 [6:72]\n"
	                                            "+ FINI [6:72] malloc=3\n");
}
END_TEST

/* What differs from run to run, or with the format. */
#define NORMAL                                                                                                         \
	"sed -E '/^# FILE/,/^[+#]/{/^[^+#]/d}; /^# (TIME|BEGAN|PID|PROCESS|FORMAT) /d; s/ #[0-9 ]+$//; "               \
	"s/0x[0-9a-f]{5,}/A/g;"                                                                                        \
	"s/^(# MODULE )[0-9a-f]+-[0-9a-f]+/\\1/; s/^(# THREAD [0-9]+) [0-9]+/\\1/'"

/* In front of the second image, the reader looks ahead, and what it has read moves in its buffer. */
START_TEST(a_packed_trace_of_two_images_comes_in_pieces)
{
	must(run(LM " -q --packed -o t " PROGRAMS "processes exec 2 >/dev/null; " CAT "t >whole"));
	ck_assert_str_eq(must(run("grep -c '^+ INIT' whole")).out, "3\n");
	/* Behind its PID line. */
	must(run("found=$(grep -abo '# PID [0-9]*' t | sed -n 2p); at=${found%%%%:*}; at=$((at + ${#found} - ${#at}));"
	         "for cut in $at $((at + 3)) $((at + 9)); do"
	         "  (head -c $cut t; sleep 0.2; tail -c +$((cut + 1)) t) | " CAT " | cmp - whole || exit 1; done"));
}
END_TEST

static const char *const formats[] = {"full", "compact", "packed"};

enum { FORMATS = sizeof formats / sizeof *formats };

/* PROGRAM's traces of all formats are the same text, whether full or compact. */
static void are_the_same(int flavour, const char *program, const char *arguments)
{
	for (size_t i = 0; i < FORMATS; i++) {
		const char *format = formats[i];
		char settings[64];

		snprintf(settings, sizeof settings, "LOG_MALLOC_FORMAT=%s setarch -R", format);
		must(run_traced(flavour, settings, program, arguments));
		must(run("mv trace %s.trace && for f in full compact; do " CAT "--$f %s.trace | " NORMAL " >%s.$f &&"
		         "diff full.$f %s.$f || exit 1; done",
		         format, format, format, format));
	}
	must(run(CAT "full.trace | cmp - full.trace && " CAT "--compact compact.trace | cmp - compact.trace"));
}

START_TEST(traces_of_all_formats_are_the_same_text)
{
	are_the_same(_i, "semantics", ">/dev/null");
	must(run("grep -q posix_memalign packed.full && grep -q '!e12' packed.full && grep -q ' bt=' packed.compact"));
	must(run("[ $(stat -c %%s packed.trace) -lt $(stat -c %%s compact.trace) ]"));
	are_the_same(_i, "naming", "row 1");
	must(run("grep -q '^+ malloc 100000 .* thread=2$' packed.full && grep -q '^# THREAD 2 t0' packed.full"));
}
END_TEST

/* The totals of a packed trace are exact also where it does not have the blocks that are released. */
START_TEST(blocks_of_the_parent_leave_a_child_s_totals_exact)
{
	const struct flavour *flavour = &flavours[_i];

	must(run("for f in full compact packed; do %s LOG_MALLOC_QUIET=1 LOG_MALLOC_STATM=never "
	         "LOG_MALLOC_FOLLOW=1 LOG_MALLOC_FORMAT=$f LOG_MALLOC_OUTPUT=$f " PROGRAMS
	         "inheriting%s && for t in $f $f.*; do [ ! -e $t ] || " CAT "--full $t | " NORMAL
	         " | grep -v '^# FORKED' >>of_$f; done; done; "
	         "[ $(grep -c '^+ free' of_full) -gt 2600 ] && grep -q '^+ free -20971520' of_full && "
	         "diff of_full of_compact && diff of_full of_packed",
	         flavour->environment, flavour->suffix));
}
END_TEST

START_TEST(every_command_says_the_same_of_what_is_written)
{
	static const char *const commands[] = {
		"findleak -n",         "findleak --format json -n", "report -n",  "report --format json --top 0 -n",
		"report --tree -n",    "report --by temporary -n",  "trackusage", "trackusage -u --format csv",
		"diff -n empty.trace", "report --format massif -n"};

	must(run("for f in full compact packed; do " LM " -q --$f -o $f.trace " PROGRAMS
	         "threads 1 3000 >/dev/null; done"));
	must(run("printf '# PID 7\\n+ INIT [0:0] malloc=0\\n+ FINI [0:0] malloc=0\\n' >empty.trace;"
	         "for t in full compact packed; do for f in full compact; do "
	         "mkdir -p $t $f.of.$t && cp $t.trace $t/t && " CAT "--$f $t.trace >$f.of.$t/t; done; done"));
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		must(run("for d in full compact packed *.of.*; do cd $d; cp ../empty.trace .; $B/log-malloc-%s t 2>&1 |"
		         "sed -E 's/lines?:? [0-9]+( to [0-9]+)?|\"[a-z_]*lines?\":[0-9]+//g' "
		         ">said; cd ..; done; for t in full compact packed; do [ -s $t/said ] || exit 3;"
		         "for f in full compact; do diff $t/said $f.of.$t/said || exit 1; done; done",
		         commands[i]));
}
END_TEST

/* The memory in KiB that log-malloc-cat takes for the trace NAME from a pipe: the pages of a mapped one would count. */
static long memory_for(const char *name)
{
	return atol(must(run("cat %s | python3 -c 'import resource, subprocess, sys\n"
	                     "subprocess.run([\"'$B/log-malloc-cat'\"], stdout=subprocess.DEVNULL, check=True)\n"
	                     "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)'",
	                     name))
	                    .out);
}

#define LIVE_HEAD "# PID 7\n# FORMAT full\n# SAMPLE 16\n+ INIT [0:0] malloc=3\n"
#define LIVE_1    "+ malloc 100 0x1000 [100:100]\n/x(a+0x1)[0x1]\n"
#define LIVE_2    "+ malloc 200 0x2000 [300:300]\n/x(b+0x1)[0x2]\n"
#define LIVE_3    "+ malloc 300 0x3000 [600:600]\n/x(a+0x1)[0x1]\n"
#define LATER     "# TIME 5000\n+ malloc 400 0x4000 [1000:1000]\n/x(a+0x1)[0x1]\n"

/* Otherwise a reader would take the allocations behind them for such blocks. */
START_TEST(of_a_part_as_many_blocks_were_live_as_it_has)
{
	static const char trace[] = LIVE_HEAD "# LIVE 3\n" LIVE_1 LIVE_2 LIVE_3 LATER;
	static const struct {
		const char *options, *written;
	} cases[] = {
		{"", trace},
		{"--call malloc", trace},
		{"--grep '^a$'", LIVE_HEAD "# LIVE 2\n" LIVE_1 LIVE_3 LATER},
		{"--address 0x2000", LIVE_HEAD "# LIVE 1\n" LIVE_2 "# TIME 5000\n"},
		{"--address 0x4000", LIVE_HEAD LATER},
		{"--since 1s", LIVE_HEAD LATER},
	};

	write_file("t", trace, sizeof trace - 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_str_eq(run("$B/log-malloc-cat -n %s t 2>/dev/null", cases[i].options).out, cases[i].written);
	/* A trace that is cut within them. */
	must(run("head -7 t | $B/log-malloc-cat -n --call malloc 2>/dev/null | grep -x '# LIVE 1'"));
	ck_assert_str_eq(
		run("$B/log-malloc-cat -n --since 1s t 2>/dev/null | $B/log-malloc-report -n --format json - | "
	            "jq -c '[.allocated.samples, .leaked.samples]'")
			.out,
		"[1,1]\n");
}
END_TEST

START_TEST(memory_does_not_grow_with_the_trace)
{
	long few, many;

	if (run("grep -aqE '__(asan|tsan)_init' $B/log-malloc-cat").status == 0) {
		skip("memory_does_not_grow_with_the_trace", "a sanitizer takes memory of its own");
		return;
	}
	must(run(LM " -q --packed -o few " PROGRAMS "threads 1 20000 >/dev/null"));
	must(run(LM " -q --packed -o many " PROGRAMS "threads 1 1000000 >/dev/null"));
	must(run("[ $(stat -c %%s many) -gt $((20 * $(stat -c %%s few))) ]"));
	few = memory_for("few");
	many = memory_for("many");
	ck_assert_msg(many <= few + 2048, "%ld KiB for few events, %ld KiB for many", few, many);
}
END_TEST

/* ---- damage, and where the output goes ------------------------------------ */

START_TEST(what_cannot_be_read_is_told_and_left_out)
{
	struct run r = run("cd $S/tests/golden && " CAT "malformed.trace 2>&1 >/dev/null | sed 's/-cat:/-findleak:/' |"
	                   "cmp - malformed.messages");

	ck_assert_msg(r.status == 0, "%s%s", r.out, r.err);
	must(run(CAT "$S/tests/golden/malformed.trace 2>/dev/null >t && " CAT
	             "t 2>messages | cmp - t && [ ! -s messages ]"));
}
END_TEST

START_TEST(a_trace_that_ends_early_is_told)
{
	static const char *const names[] = {"truncated", "nul"};

	struct run r;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		r = must(run(CAT "$S/tests/golden/%s.trace >t", names[i]));

		ck_assert_msg(strcmp(strrchr(r.err, ':'), ": the trace ends early\n") == 0, "%s", r.err);
		r = must(run("head -c $(stat -c %%s t) $S/tests/golden/%s.trace | cmp - t", names[i]));
	}
	must(run("zstd -q $S/tests/golden/full.trace -o z && cat z z | head -c $(($(stat -c %%s z) + 100)) >cut"));
	r = must(run(CAT "cut | cmp - $S/tests/golden/full.trace"));
	ck_assert_ptr_nonnull(strstr(r.err, ": the compressed data end in the middle\n"));
	ck_assert_ptr_nonnull(strstr(r.err, "cut: the trace ends early\n"));
}
END_TEST

START_TEST(a_killed_trace_is_written_with_its_journal)
{
	/* The launcher would merge the journal. */
	run("LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_FORMAT=%s LOG_MALLOC_OUTPUT=t " PROGRAMS
	    "counting counts 60000 kill",
	    formats[_i]);
	must(run("[ -s t.journal ] && " CAT "t >whole 2>messages && [ $(wc -l <messages) = 1 ] &&"
	         "grep -q 'ends early' messages"));
	/* The text of a packed trace is nowhere else. */
	if (strcmp(formats[_i], "full") == 0)
		must(run("[ $(stat -c %%s whole) -gt $(stat -c %%s t) ] && cmp -n $(stat -c %%s t) t whole"));
	must(run("$B/log-malloc-trackusage t >a; $B/log-malloc-trackusage whole >b; cmp a b"));
}
END_TEST

START_TEST(a_note_of_lost_events_becomes_a_line)
{
	write_small();
	if (run("python3 -c 'import os; os.setxattr(\"small\", \"user.log-malloc2.lost\", b\"5 28\")'").status != 0) {
		skip("a_note_of_lost_events_becomes_a_line", "files have no attributes here");
		return;
	}
	ck_assert_str_eq(must(run(CAT "small | tail -1")).out, "# LOST 5\n");
}
END_TEST

START_TEST(a_reader_that_goes_away_is_no_trouble)
{
	struct run r;

	must(run("yes '+ free -1 0x10 [0:0]' | head -n 2000000 >t"));
	r = run(CAT "t | head -n 1");
	ck_assert_str_eq(r.out, "+ free -1 0x10 [0:0]\n");
	ck_assert_str_eq(r.err, "");
	/* Without the signal, too. */
	r = run("trap '' PIPE; (" CAT "t; echo $? >status) | head -n 1; cat status");
	ck_assert_str_eq(r.out, "+ free -1 0x10 [0:0]\n0\n");
	ck_assert_str_eq(r.err, "");
}
END_TEST

START_TEST(control_characters_are_not_shown_on_a_terminal)
{
	static const char wild[] = "# EXE /x\033[31m\n+ malloc 5 0x10 [5:24]\n/\302\233x(\303\266+0x1)[0x1]\n";

	write_file("wild", wild, sizeof wild - 1);
	must(run(CAT "wild 2>messages | cmp - wild"));
	ck_assert_str_eq(must(run("script -qec '" CAT "wild' script.log </dev/null 2>&1 | tr -d '\r' | head -3")).out,
	                 "# EXE /x\\033[31m\n+ malloc 5 0x10 [5:24]\n/\\302\\233x(\303\266+0x1)[0x1]\n");
}
END_TEST

START_TEST(a_full_disk_is_told)
{
	struct run r = run(CAT "$S/tests/golden/full.trace >/dev/full");

	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.err, "log-malloc-cat: cannot write standard output: No space left on device\n");
}
END_TEST

START_TEST(wrong_usage_is_refused)
{
	static const char *const wrong[] = {"--from x t",
	                                    "--from 5 --to 4 t",
	                                    "--address here t",
	                                    "--address 0x t",
	                                    "--call mall t",
	                                    "--call '' t",
	                                    "--grep",
	                                    "t t",
	                                    "--nothing t",
	                                    "nonexistent",
	                                    "--sysroot nonexistent t"};

	write_file("t", small_trace, strlen(small_trace));
	are_refused("log-malloc-cat", wrong, sizeof wrong / sizeof *wrong);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cat");

	ONCE(a_trace_in_its_own_format_is_itself);
	ONCE(full_becomes_compact_and_compact_becomes_full);
	ONCE(a_packed_trace_becomes_text);
	ONCE(any_source_is_written);
	ONCE(a_packed_trace_of_two_images_comes_in_pieces);
	ONCE(numbers_of_backtraces_are_those_of_the_trace);
	EACH(traces_of_all_formats_are_the_same_text);
	EACH(blocks_of_the_parent_leave_a_child_s_totals_exact);
	ONCE(every_command_says_the_same_of_what_is_written);
	ONCE(of_a_part_as_many_blocks_were_live_as_it_has);
	ONCE(memory_does_not_grow_with_the_trace);
	ONCE(what_cannot_be_read_is_told_and_left_out);
	ONCE(a_trace_that_ends_early_is_told);
	TIMES(a_killed_trace_is_written_with_its_journal, FORMATS);
	ONCE(a_note_of_lost_events_becomes_a_line);
	ONCE(a_reader_that_goes_away_is_no_trouble);
	ONCE(control_characters_are_not_shown_on_a_terminal);
	ONCE(a_full_disk_is_told);
	ONCE(wrong_usage_is_refused);
	return run_suite(suite);
}
