/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pictures of log-malloc-trackusage: in the terminal, and by gnuplot. */
#include "support.h"
#include "tmux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHART "$B/log-malloc-trackusage --chart "
#define PLOT  "$B/log-malloc-trackusage --plot "
#define USAGE "$S/tests/golden/usage.trace"

/* The files are of a machine whose pages have 4096 bytes. */
static bool has_small_pages(const char *test)
{
	if (strcmp(run("getconf PAGESIZE").out, "4096\n") == 0)
		return true;
	skip(test, "pages have another size here");
	return false;
}

START_TEST(a_made_up_trace_has_its_chart)
{
	if (!has_small_pages("a_made_up_trace_has_its_chart"))
		return;
	must(run("COLUMNS=80 LINES=24 LC_ALL=C.UTF-8 " CHART USAGE " | diff $S/tests/golden/usage.chart -"));
	must(run("COLUMNS=60 LINES=20 LC_ALL=C " CHART USAGE " | diff $S/tests/golden/usage.ascii -"));
}
END_TEST

/* The same numbers, however they are recorded and kept. */
START_TEST(every_format_has_the_same_chart)
{
	must(run("export COLUMNS=90 LC_ALL=C.UTF-8; " CHART USAGE " >expected;"
	         "$B/log-malloc-cat --compact " USAGE " >compact && " CHART "compact | diff expected - &&"
	         "zstd -q " USAGE " -o z && " CHART "z | diff expected - && gzip -c <" USAGE " >g && " CHART
	         "- <g | diff expected -"));
	must(run("export COLUMNS=90 LC_ALL=C.UTF-8; cd $S/tests/golden; " CHART "packed.full >$OLDPWD/full; " CHART
	         "packed.trace | diff $OLDPWD/full -"));
}
END_TEST

START_TEST(no_line_is_wider_than_the_terminal)
{
	must(run("for w in 24 25 31 40 63 64 80 132 200 499 500; do COLUMNS=$w LC_ALL=C " CHART USAGE
	         " >shown || exit 1; awk -v w=$w 'length > w { print w \": \" $0; bad = 1 } END { exit bad }' shown || "
	         "exit 1; done"));
	/* In the narrowest one, the words are longer. */
	must(run("COLUMNS=10 LC_ALL=C " CHART USAGE " >shown; grep -c '^[#+._ ]\\{1,10\\}$' shown | grep -qx '[4-9]'"));
	/* The locale's characters are one column each. */
	must(run("for w in 24 80 500; do COLUMNS=$w LC_ALL=C.UTF-8 " CHART USAGE
	         " | python3 -c 'import sys; sys.exit(any(len(l.rstrip(chr(10))) > '$w' for l in "
	         "open(0, encoding=\"utf-8\")))' || exit 1; done"));
}
END_TEST

/* One event of a hundred thousand. It is asked for and released within a millisecond. */
START_TEST(a_short_peak_is_seen)
{
	struct run r = must(run(
		"awk 'BEGIN { print \"# PID 1\"; print \"+ INIT [0:0] malloc=0\";"
		"for (i = 1; i <= 50000; i++) { if (i %% 50 == 0) print \"# TIME \" i; s = i == 33350 ? 900000 : 100;"
		"print \"+ malloc \" s \" 0x10 [\" s \":\" s \"]\"; print \"+ free -\" s \" 0x10 [0:0]\" } }' >t;"
		"COLUMNS=80 LINES=24 LC_ALL=C " CHART "t"));
	const char *top = strstr(r.out, "1.00M+"), *high;

	ck_assert_msg(top && (high = strchr(top + strlen("1.00M+"), '+')) != NULL, "%s", r.out);
	ck_assert_ptr_nonnull(strstr(r.out, "peak: requested 900000 bytes at 33.4 s"));
	/* All rows have it in the same column. */
	must(run("COLUMNS=80 LINES=24 LC_ALL=C " CHART "t | grep -c '^      |  *+$' | grep -qx '1[0-9]'"));
}
END_TEST

START_TEST(colours_are_for_terminals)
{
	static const char esc = '\033';

	ck_assert_ptr_null(strchr(must(run(CHART USAGE)).out, esc));
	ck_assert_ptr_nonnull(strstr(must(run(CHART "--color always " USAGE)).out, "\033[32m"));
	ck_assert_ptr_nonnull(strstr(
		must(run("env -u NO_COLOR TERM=xterm script -qec '" CHART USAGE "' /dev/null")).out, "\033[35m"));
	ck_assert_ptr_null(
		strstr(must(run("env NO_COLOR=1 TERM=xterm script -qec '" CHART USAGE "' /dev/null")).out, "\033[3"));
	/* Without colours, it is the same chart. */
	must(run("export COLUMNS=70 LC_ALL=C.UTF-8; " CHART USAGE " >plain; " CHART "--color always " USAGE
	         " | sed 's/\\x1b\\[[0-9]*m//g' | diff plain -"));
}
END_TEST

START_TEST(it_fills_the_terminal_that_it_is_in)
{
	if (!can_run("it_fills_the_terminal_that_it_is_in", "tmux") ||
	    !has_small_pages("it_fills_the_terminal_that_it_is_in"))
		return;
	must(run(TMUX "begin 90 30 \"LC_ALL=C.UTF-8 NO_COLOR=1 $B/log-malloc-trackusage --chart " USAGE
	              "\" && shows 'status 0' && screen | sed -n 's/ *$//; /^status/q; p' | tail -n 25 >shown;"
	              "COLUMNS=90 LINES=30 LC_ALL=C.UTF-8 " CHART USAGE " >expected; test $(wc -l <expected) = 29 && "
	              "tail -n 25 expected | diff - shown"));
}
END_TEST

START_TEST(each_program_and_each_trace_has_a_chart)
{
	struct run r = run("COLUMNS=80 LC_ALL=C " CHART "$S/tests/golden/exec.trace " USAGE);

	ck_assert_int_eq(r.status, 0);
	must(run("COLUMNS=80 LC_ALL=C " CHART "$S/tests/golden/exec.trace " USAGE
	         " >shown; n=$($B/log-malloc-report --format json $S/tests/golden/exec.trace | wc -l);"
	         "test $n -gt 1 && test $(grep -c '^# requested' shown) = $((n + 1))"));
	r = run("COLUMNS=80 LC_ALL=C " CHART "missing " USAGE);
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.out, "demo, process 4711: 12.0 s, 1665 events\n"));
}
END_TEST

START_TEST(a_part_of_a_trace_has_a_chart)
{
	struct run r = must(run("COLUMNS=80 LC_ALL=C " CHART "--since 7s --until 11s " USAGE));

	ck_assert_msg(strstr(r.out, "process 4711: 3.9 s, 621 events\n") && strstr(r.out, "     7.0 s ") &&
	                      strstr(r.out, "marks: a late (9.0 s)\n"),
	              "%s", r.out);
	r = must(run("COLUMNS=80 LC_ALL=C " CHART "--between 'mark:warmed up' late " USAGE));
	ck_assert_msg(strstr(r.out, "requested 1144000 bytes (1.09 MiB) at 6.0 s"), "%s", r.out);
	ck_assert_int_eq(run(CHART "--since nothing " USAGE).status, 2);
	/* The other formats take a part, too. */
	ck_assert_str_eq(must(run("$B/log-malloc-trackusage --peak --until 5s " USAGE)).out, "320000\n");
}
END_TEST

START_TEST(what_a_trace_lacks_is_left_out)
{
	struct run r = must(run("sed '/^# TIME/d; s/ #1776.*//' " USAGE " | COLUMNS=80 LC_ALL=C " CHART "-"));

	/* No times, and no statm. */
	ck_assert_msg(strstr(r.out, "event 1 ") && !strstr(r.out, "resident"), "%s", r.out);
	r = must(run("printf '# PID 3\\n' | LC_ALL=C " CHART "-"));
	ck_assert_str_eq(r.out, "program, process 3: 0 events; the trace ends early\nno events\n");
	r = must(run("head -c 50000 " USAGE " >cut; COLUMNS=200 LC_ALL=C " CHART "cut 2>/dev/null"));
	ck_assert_msg(strstr(r.out, "; the trace ends early\n") && strstr(r.out, "+ at times"), "%s", r.out);
	r = run(": >empty; " CHART "empty");
	ck_assert_int_eq(r.status, 2);
	/* One event only. */
	r = must(run("printf '# PID 3\\n+ malloc 0 0x10 [0:0]\\n' | COLUMNS=40 LC_ALL=C " CHART "-"));
	ck_assert_ptr_nonnull(strstr(r.out, "peak: requested 0 bytes"));
}
END_TEST

START_TEST(names_do_no_harm_to_a_terminal)
{
	struct run r = must(
		run("sed 's,^# EXE .*,# EXE /x/a\\\\033[31m\\x9bz,; s,^# MARK late,# MARK \\\\033]0;x\\\\007,' " USAGE
	            " >t; COLUMNS=80 LC_ALL=C.UTF-8 " CHART "t"));

	ck_assert_msg(strstr(r.out, "a\\033[31m\\233z, process") && strstr(r.out, "b \\033]0;x\\007"), "%s", r.out);
	ck_assert_ptr_null(strchr(r.out, '\033'));
}
END_TEST

START_TEST(many_marks_are_counted)
{
	struct run r = must(run("sed 's/^# TIME .*/&\\n# MARK m/' " USAGE " >t; COLUMNS=500 LC_ALL=C " CHART "t"));

	ck_assert_msg(strstr(r.out, " z m (") && strstr(r.out, " and 97 more\n"), "%s", r.out);
}
END_TEST

START_TEST(a_program_is_drawn_as_it_ran)
{
	must(run(
		"COLUMNS=80 LC_ALL=C; " LM " -q -o t sh -c 'sleep 0.3; :' && " CHART "t >shown && "
		"grep -q '^sh\\|^dash\\|^bash' shown && grep -q 'resident bytes' shown && grep -q ' ms$\\| s$' shown"));
}
END_TEST

/* ---- gnuplot -------------------------------------------------------------- */

START_TEST(gnuplot_draws_what_the_chart_has)
{
	if (!can_run("gnuplot_draws_what_the_chart_has", "gnuplot"))
		return;
	must(run(PLOT "p.svg " USAGE
	              " $S/tests/golden/exec.trace $S/tests/golden/seed.trace && xmllint --noout p.svg && "
	              "grep -q 'demo, process 4711: 12.0 s, 1665 events' p.svg && grep -q '>warmed up<' p.svg && "
	              "grep -q '>peak 1.09 MiB<' p.svg && grep -q '>resident' p.svg"));
	must(run(PLOT "p.png " USAGE " && head -c 4 p.png | tail -c 3 | grep -qx PNG"));
	must(run(PLOT "p.svg $S/tests/golden/*.trace 2>/dev/null; xmllint --noout p.svg"));
}
END_TEST

/* Whatever stands in a trace, gnuplot takes none of it for a command. */
START_TEST(gnuplot_runs_nothing_that_a_trace_says)
{
	static const char *const names[] = {"`touch HARM`",
	                                    "\\047; system(\"touch HARM\"); \\047",
	                                    "\\012!touch HARM",
	                                    "\\042`touch HARM`\\042",
	                                    "@HARM\\134\\047 %d",
	                                    "{/:Bold <b>&amp;}\\377\\001\\302\\200",
	                                    "END",
	                                    "'; system('touch HARM') #"};

	if (!can_run("gnuplot_runs_nothing_that_a_trace_says", "gnuplot"))
		return;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *trace;
		size_t len;
		FILE *out = open_memstream(&trace, &len);

		fprintf(out,
		        "# PID 1\n# EXE /x/%s\n+ INIT [0:0] malloc=0\n# TIME 0\n# MARK %s\n+ malloc 9 0x10 [9:9]\n"
		        "# TIME 900\n+ free -9 0x10 [0:0]\n",
		        names[i], names[i]);
		fclose(out);
		write_file("t", trace, len);
		free(trace);
		must(run(PLOT "p.svg t && xmllint --noout p.svg && test ! -e HARM"));
	}
	/* Nor what a file in the home directory says. */
	must(run("mkdir -p home; echo 'system(\"touch HARM\")' >home/.gnuplot; HOME=$PWD/home " PLOT
	         "p.svg t; test ! -e "
	         "HARM"));
}
END_TEST

START_TEST(without_a_gnuplot_that_works_there_is_no_picture)
{
	struct run r;

	r = run("echo old >p.svg; mkdir -p none; PATH=none " PLOT "p.svg " USAGE);
	ck_assert_int_eq(r.status, 2);
	ck_assert_msg(strstr(r.err, "--plot needs gnuplot: ") && strstr(r.err, "gnuplot-nox"), "%s", r.err);
	r = run("mkdir -p bad; printf '#!/bin/sh\\nexit 1\\n' >bad/gnuplot; chmod +x bad/gnuplot; "
	        "PATH=$PWD/bad:$PATH " PLOT "p.svg " USAGE);
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.err, "gnuplot failed"));
	ck_assert_str_eq(must(run("cat p.svg; ls | grep -c 'p.svg'")).out, "old\n1\n");
}
END_TEST

START_TEST(wrong_usage_is_refused)
{
	static const char *const wrong[] = {"--chart",
	                                    "--chart --format csv " USAGE,
	                                    "--chart --every 10 " USAGE,
	                                    "--chart --peak " USAGE,
	                                    "--plot p.gif " USAGE,
	                                    "--plot p " USAGE,
	                                    "--plot /nonexistent/p.svg " USAGE,
	                                    "--plot p.svg missing",
	                                    "--chart " USAGE " >/dev/full",
	                                    USAGE " " USAGE};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_msg(run("$B/log-malloc-trackusage %s", wrong[i]).status == 2, "%s", wrong[i]);
	ck_assert_int_eq(run("test -e p.svg -o -e p.gif").status, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("chart");

	ONCE(a_made_up_trace_has_its_chart);
	ONCE(every_format_has_the_same_chart);
	ONCE(no_line_is_wider_than_the_terminal);
	ONCE(a_short_peak_is_seen);
	ONCE(colours_are_for_terminals);
	ONCE(it_fills_the_terminal_that_it_is_in);
	ONCE(each_program_and_each_trace_has_a_chart);
	ONCE(a_part_of_a_trace_has_a_chart);
	ONCE(what_a_trace_lacks_is_left_out);
	ONCE(names_do_no_harm_to_a_terminal);
	ONCE(many_marks_are_counted);
	ONCE(a_program_is_drawn_as_it_ran);
	ONCE(gnuplot_draws_what_the_chart_has);
	ONCE(gnuplot_runs_nothing_that_a_trace_says);
	ONCE(without_a_gnuplot_that_works_there_is_no_picture);
	ONCE(wrong_usage_is_refused);
	return run_suite(suite);
}
