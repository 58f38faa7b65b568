/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-top in a terminal: what it shows of traces that have ended and of processes that run, and its keys. */
#include "consumers.h"
#include "support.h"
#include "tmux.h"
#include "top_state.h"
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOP TMUX "export PATH=$B:$PATH; "

/*
 * Leaks as many blocks of 1000 bytes as the line of its input says. What it does behind them makes sure that they are
 * seen: the last call of all may not be.
 */
static const char program[] = "#include <stdio.h>\n"
			      "#include <stdlib.h>\n"
			      "static void *volatile kept;\n"
			      "__attribute__((noinline)) static void leak(void) { kept = malloc(1000); }\n"
			      "__attribute__((noinline)) static void pass(void) { free(malloc(1)); free(malloc(1)); }\n"
			      "int main(void) { int n; kept = malloc(300); pass();\n"
			      "while (scanf(\"%d\", &n) == 1) { while (n--) leak(); pass(); } return 0; }\n";

static const struct {
	int columns, lines;
} sizes[] = {{80, 24}, {120, 40}, {200, 50}};

static bool can_show(const char *test)
{
	if (!can_run(test, "tmux"))
		return false;
	write_file("program.c", program, strlen(program));
	must(run("${CC:-gcc} -g -O1 -fno-builtin-malloc -o program program.c"));
	return true;
}

START_TEST(a_trace_that_has_ended_is_shown_at_every_size)
{
	if (!can_show("a_trace_that_has_ended_is_shown_at_every_size"))
		return;
	must(run(LM " -q -o t ./program <<<9"));
	must(run(TOP
	         "begin %d %d 'log-malloc-top t' && shows ': ended, 0[.][0-9] s; process [0-9]+ .*program' && "
	         "shows '^In use: +[0-9]+ bytes .* in [0-9]+ blocks; peak ' && shows '^ +LIVE +BLOCKS +GROWTH +RATE ' "
	         "&& "
	         "shows '^ +9000 +9 +[+]9000 .* leak [(]program.c:4[)] < main <' && shows '^q quit  s sort  m mark'",
	         sizes[_i].columns, sizes[_i].lines));
}
END_TEST

START_TEST(what_is_estimated_by_samples_is_marked)
{
	static const char trace[] =
		"# PID 7\n# EXE /x/p\n# CWD /\n# FORMAT full\n# SAMPLE 1024\n+ INIT [0:0] malloc=0\n"
		"+ malloc 100 0x1000 [0:0]\n/x/p(leak+0x1)[0x1001]\n+ FINI [0:0] malloc=0\n";

	if (!can_run("what_is_estimated_by_samples_is_marked", "tmux"))
		return;
	write_file("t", trace, sizeof trace - 1);
	must(run(
		TOP
		"begin 80 24 'log-malloc-top t' && shows '^In use: +~1075 bytes .~1.05 KiB. in ~11 blocks; peak ~1' && "
		"shows '^ +~1075 +~11 +~[+]1075 +~?[0-9]+ leak'"));
}
END_TEST

START_TEST(a_process_that_was_attached_to_has_more_than_is_shown)
{
	if (!can_run("a_process_that_was_attached_to_has_more_than_is_shown", "tmux"))
		return;
	must(run(TOP "begin 80 24 \"log-malloc-top $S/tests/golden/attached.trace\" && shows ': detached, ' && "
	             "shows '^In use: +340 bytes .* in 2 blocks; peak ' && "
	             "shows '^By live bytes; 1 backtrace; older blocks are not counted$'"));
}
END_TEST

START_TEST(keys_sort_mark_freeze_look_and_help)
{
	if (!can_show("keys_sort_mark_freeze_look_and_help"))
		return;
	must(run(LM " -q -o t ./program <<<9"));
	must(run(TOP
	         "begin 80 24 'log-malloc-top --sort blocks t' && shows '^By live blocks; ' && keys l && "
	         "shows '^By live bytes; ' && keys s && shows '^By live blocks; ' && keys g && shows '^By growth; ' && "
	         "keys r && shows '^By rate; ' && keys a && shows '^By allocated bytes; ' && "
	         "keys m && shows '^Growth: +[+]0 bytes since the mark' && shows ' 9000 +9 +0 ' && "
	         "keys Space && shows '; FROZEN' && keys f && shows '^By allocated bytes; [0-9]+ backtraces$' && "
	         "keys l Home && shows '^By live bytes' && keys j Up Enter && shows '^One backtrace' && "
	         "keys Escape && shows ' LIVE ' && keys h && shows '^Enter +look into the row' && keys h && "
	         "shows ' LIVE ' && keys x && keys q && shows '^status 0$'"));
}
END_TEST

START_TEST(an_entry_has_its_exact_numbers_and_its_whole_backtrace)
{
	if (!can_show("an_entry_has_its_exact_numbers_and_its_whole_backtrace"))
		return;
	must(run(LM " -q -o t ./program <<<90"));
	must(run(TOP
	         "begin 80 24 'log-malloc-top t' && shows ' leak ' && keys Home Enter && "
	         "shows '^Live: +90000 bytes in 90 blocks; growth [+]90000' && "
	         "shows '^Allocated: +90000 bytes in 90 blocks; ' && shows '^leak [(]program.c:4[)]$' && "
	         "shows '^main [(]program.c:7[)]$' && shows '^_start$' && keys End && keys Enter && shows ' LIVE '"));
}
END_TEST

/* Starts ./program, traced, with its input from the pipe "in", which descriptor 9 keeps open. */
#define LIVE "rm -f in; mkfifo in; " LM " -q %s -o t ./program <in & exec 9>in; until [ -s t ]; do sleep 0.01; done; "

START_TEST(a_process_that_runs_is_followed_in_every_format)
{
	static const char *const formats[] = {"--full", "--compact", "--packed"};

	if (!can_show("a_process_that_runs_is_followed_in_every_format"))
		return;
	must(run(TOP LIVE
	         "begin 80 24 'log-malloc-top -i 100ms t' && shows ': running, ' && echo 5 >&9 && "
	         "shows ' 5000 +5 +[+]5000 .* leak ' && keys m && shows '^Growth: +[+]0 bytes since the mark' && "
	         "echo 3 >&9 && shows ' 8000 +8 +[+]3000 .* leak ' && "
	         "keys Space && shows FROZEN && echo 1 >&9 && sleep 0.3 && shows ' 8000 +8 ' && keys Space && "
	         "shows ' 9000 +9 +[+]4000 ' && exec 9>&- && shows ': ended, ' && shows ' 9000 +9 +[+]4000 ' && "
	         "keys q && shows '^status 0$'; s=$?; exec 9>&-; exit $s",
	         formats[_i]));
}
END_TEST

START_TEST(what_a_killed_process_recorded_last_is_shown)
{
	if (!can_show("what_a_killed_process_recorded_last_is_shown"))
		return;
	must(run(TOP LIVE
	         "echo 3000 >&9; begin 80 24 'log-malloc-top -i 100ms t' && shows ' 2[.]86M +3000 .* leak ' && "
	         "kill -KILL $(sed -n 's/^# PID //p' t) && "
	         "shows ': ended early, as if killed, ' && shows ' 2[.]86M +3000 .* leak '; s=$?; exec 9>&-; exit $s",
	         "--full"));
}
END_TEST

/* ---- a trace that goes on in a new file ------------------------------------------ */

/*
 * A process that has the files T and U open, of which U is to be the trace's next file. T is of an hour; U began a
 * moment ago, with the block that T ends with. The event behind the last one that is shown makes sure that it is.
 */
#define FILES                                                                                                          \
	"sleep 1000 8>>u 9>>t & trap 'kill $!; tm kill-server 2>/dev/null; rm -f $socket' EXIT; "                      \
	"head=\"# PID $!\\n# EXE /x/p\\n# BEGAN $(date +%%s%%3N)\\n# FORMAT full\\n+ INIT [0:0] malloc=0\\n\"; "       \
	"held='+ malloc 3000 0x2000 [3000:3000]\\n/x/p(held+0x1)[0x1002]\\n' "                                         \
	"pass='+ malloc 1 0x9000 [0:0]\\n/x/p(pass+0x1)[0x1009]\\n+ free -1 0x9000 [0:0]\\n'; "                        \
	"printf \"$head$held# TIME 3600000\\n$pass\" >>t; "                                                            \
	"printf \"$head# LIVE 1\\n$held+ malloc 1000000 0x3000 [0:0]\\n/x/p(leak+0x1)[0x1001]\\n$pass\" >>u; "         \
	"go_on() { echo '# CONTINUED' >>t; mv t t.old-1; mv u t; }; "

/* Rates are of the time since the new file began, or since the last view, and not of the program's time. */
START_TEST(rates_are_right_in_a_new_file)
{
	if (!can_run("rates_are_right_in_a_new_file", "tmux"))
		return;
	must(run(TOP FILES
	         "begin 80 24 'log-malloc-top -i 5s t' && shows ': running, 1:00:' && shows ' 3000 .* held' && "
	         "go_on && shows '^ +977K +1 +[+]977K +[0-9.]+K leak' && "
	         "shows '^Allocated: .*; [0-9.]+ KiB/s, '"));
}
END_TEST

START_TEST(the_mark_stays_in_a_new_file)
{
	if (!can_run("the_mark_stays_in_a_new_file", "tmux"))
		return;
	must(run(TOP FILES "begin 80 24 'log-malloc-top -i 100ms t' && shows ' 3000 .* held' && keys m && "
	                   "shows '^Growth: +[+]0 bytes since the mark' && shows '^ +3000 +1 +0 ' && go_on && "
	                   "shows '^Growth: +[+]1000000 bytes since the mark' && shows '^ +3000 +1 +0 .* held' && "
	                   "shows '^ +977K +1 +[+]977K .* leak'"));
}
END_TEST

/* The frozen view is of a file that is over. */
START_TEST(a_frozen_view_stays_when_the_trace_goes_on)
{
	if (!can_run("a_frozen_view_stays_when_the_trace_goes_on", "tmux"))
		return;
	must(run(TOP FILES "begin 80 24 'log-malloc-top -i 100ms t' && shows ' 3000 .* held' && keys Space && "
	                   "shows '; FROZEN' && go_on && sleep 0.5 && shows '^ +3000 +1 +[+]3000 .* held' && "
	                   "keys Space && shows '^ +977K +1 +[+]977K .* leak'"));
}
END_TEST

static int sample_at(struct top_state *state, const struct consumers *consumers, const struct trace *trace,
                     uint64_t time)
{
	return top_state_sample(state, consumers, &trace->image.stacks, time);
}

START_TEST(a_file_that_has_just_begun_has_no_rates_yet)
{
	static const char text[] = "# PID 7\n+ INIT [0:0] malloc=0\n+ malloc 1000 0x10 [1000:1000]\n/x(f+0x1)[0x1]\n";
	struct consumers consumers = {.mean = 0};
	struct top_state state = {.count = 0};
	struct trace_item item;
	struct trace trace;
	char path[512];

	write_file("t", text, sizeof text - 1);
	snprintf(path, sizeof path, "%s/t", scratch());
	ck_assert_int_eq(trace_open(&trace, path, NULL), 0);
	while (trace_next(&trace, &item) > 0 && item.kind != TRACE_END)
		if (item.kind == TRACE_CALL)
			ck_assert_int_eq(consumers_apply(&consumers, &trace.image, &item), 0);
	top_state_begin_file(&state, 5000);
	ck_assert_int_eq(sample_at(&state, &consumers, &trace, 5000 + TOP_SHORT_MS - 1), 0);
	ck_assert(!state.has_rates);
	ck_assert_int_eq(sample_at(&state, &consumers, &trace, 5500), 0);
	ck_assert(state.has_rates);
	ck_assert_uint_eq(state.rate, 2000);
	ck_assert_uint_eq(state.rows[0].rate, 2000);
	ck_assert_int_eq(sample_at(&state, &consumers, &trace, 5501), 0);
	ck_assert(state.has_rates);
	ck_assert_uint_eq(state.rate, 0);
	top_state_free(&state);
	consumers_free(&consumers);
	trace_close(&trace);
}
END_TEST

START_TEST(a_process_is_followed_by_its_number)
{
	if (!can_show("a_process_is_followed_by_its_number"))
		return;
	must(run(TOP LIVE "echo 7 >&9; pid=$(pgrep -P $! -x program); begin 80 24 \"log-malloc-top -p $pid\" && "
	                  "shows \"running, .*process $pid \" && shows ' 7000 +7 .* leak '; s=$?; exec 9>&-; exit $s",
	         ""));
	ck_assert_ptr_nonnull(strstr(run(TOP "begin 90 24 'log-malloc-top -p $$' && shows 'status 2'; screen").out,
	                             " is not traced, or its trace is no file"));
}
END_TEST

START_TEST(a_command_is_started_away_from_the_terminal_and_ended)
{
	struct run r;

	if (!can_show("a_command_is_started_away_from_the_terminal_and_ended"))
		return;
	/* What it prints does not spoil the view. It reads nothing, and goes on until it is ended. */
	r = must(run(
		TOP
		"begin 80 24 \"log-malloc-top -o t -- sh -c 'echo printed; tty; exec sleep 1000'\" && "
		"shows ': running, ' && pid=$(sed -n 's/^# PID //p' t | head -n 1) && kill -0 $pid && keys q && "
		"shows '^status 0$' && screen && cat t.output && log-malloc-report t | head -n 1 && ! kill -0 $pid"));
	ck_assert_msg(strstr(r.out, "the trace is t; what the command printed is in t.output"), "%s", r.out);
	ck_assert_msg(strstr(r.out, "\nprinted\n"), "%s", r.out);
	ck_assert_msg(strstr(r.out, "not a tty"), "%s", r.out);
}
END_TEST

START_TEST(a_terminal_changes_its_size)
{
	if (!can_show("a_terminal_changes_its_size"))
		return;
	must(run(LM " -q -o t ./program <<<9"));
	must(run(TOP "begin 80 24 'log-malloc-top t' && shows ' RATE WHO < CALLER' && tm resize-window -x 100 -y 30 && "
	             "shows ' RATE ALLOCATED WHO < CALLER' && tm resize-window -x 79 -y 24 && "
	             "shows 'needs 80 columns and 24 lines' && tm resize-window -x 80 -y 23 && "
	             "shows 'needs 80 columns and 24 lines' && tm resize-window -x 80 -y 24 && shows ' RATE WHO < "
	             "CALLER' && "
	             "keys q && shows '^status 0$'"));
}
END_TEST

START_TEST(names_are_shown_as_the_locale_can)
{
	static const char trace[] = "# PID 5\n+ INIT [0:0] malloc=0\n+ malloc 1000 0x10 [1000:1008]\n"
				    "/x(\xc3\xbc"
				    "ber+0x1)[0x1]\n/x(\xe2\x82\xac\\033[31m+0x2)[0x2]\n+ FINI [1000:1008] malloc=1\n";

	if (!can_run("names_are_shown_as_the_locale_can", "tmux"))
		return;
	write_file("t", trace, strlen(trace));
	must(run(TOP "begin 80 24 'LC_ALL=C.UTF-8 log-malloc-top t' && shows ' \xc3\xbc"
	             "ber < \xe2\x82\xac'"));
	must(run(TOP "begin 80 24 'LC_ALL=C log-malloc-top t' && shows ' [?]+ber < [?]'"));
}
END_TEST

START_TEST(two_million_events_are_shown)
{
	static const char many[] =
		"#include <stdlib.h>\nstatic void *volatile kept;\n"
		"int main(void) { for (int i = 0; i < 1000000; i++) { kept = malloc(100); free(kept); } "
		"kept = malloc(12345); return 0; }\n";

	if (!can_run("two_million_events_are_shown", "tmux"))
		return;
	write_file("many.c", many, strlen(many));
	must(run("${CC:-gcc} -g -O1 -fno-builtin-malloc -o many many.c && " LM " -q --packed -o t ./many"));
	must(run(TOP "begin 120 40 'log-malloc-top t' && shows ': ended, ' && shows '; 20000[0-9][0-9] events$' && "
	             "shows ' 12[.]1K +1 +[+]12[.]1K '"));
}
END_TEST

START_TEST(without_a_terminal_it_says_so)
{
	static const char *const wrong[] = {"", "a b", "-p 1 t", "-o x t", "-", "-i 1ms t", "--sort size t"};
	struct run r;

	write_file("t", "", 0);
	r = run("$B/log-malloc-top t");
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.err, "standard output is no terminal, which a live view needs"));
	if (!can_run("without_a_terminal_it_says_so", "script"))
		return;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		r = run("TERM=xterm script -qec '$B/log-malloc-top %s' /dev/null", wrong[i]);
		ck_assert_msg(r.status == 2 && strstr(r.out, "log-malloc-top: "), "%s: %d, %s", wrong[i], r.status,
		              r.out);
	}
	r = run("TERM=no-such-terminal script -qec '$B/log-malloc-top t' /dev/null");
	ck_assert_msg(r.status == 2 && strstr(r.out, "TERM=no-such-terminal"), "%d %s", r.status, r.out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("top");

	TIMES(a_trace_that_has_ended_is_shown_at_every_size, sizeof sizes / sizeof *sizes);
	ONCE(what_is_estimated_by_samples_is_marked);
	ONCE(a_process_that_was_attached_to_has_more_than_is_shown);
	ONCE(keys_sort_mark_freeze_look_and_help);
	ONCE(an_entry_has_its_exact_numbers_and_its_whole_backtrace);
	TIMES(a_process_that_runs_is_followed_in_every_format, 3);
	ONCE(what_a_killed_process_recorded_last_is_shown);
	ONCE(rates_are_right_in_a_new_file);
	ONCE(the_mark_stays_in_a_new_file);
	ONCE(a_frozen_view_stays_when_the_trace_goes_on);
	ONCE(a_file_that_has_just_begun_has_no_rates_yet);
	ONCE(a_process_is_followed_by_its_number);
	ONCE(a_command_is_started_away_from_the_terminal_and_ended);
	ONCE(a_terminal_changes_its_size);
	ONCE(names_are_shown_as_the_locale_can);
	ONCE(two_million_events_are_shown);
	ONCE(without_a_terminal_it_says_so);
	return run_suite(suite);
}
