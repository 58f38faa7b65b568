/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whose trace it is: what fork, vfork, clone, exec, shells, wrappers and daemons
 * leave in the trace of the process that was started, and with --follow in
 * traces of their own.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "traced.h"

/* How the tracker gets into a program of the tests that the launcher starts. */
static const char *const suffixes[] = {"", ".static"};

enum { SUFFIXES = sizeof suffixes / sizeof *suffixes };

/* Ways to fork, as tests/programs/forking has them, and what they leave. */
static const struct way {
	const char *how;
	int times, threads, files;
	bool is_fork; /* the child's first image goes on with its parent's blocks */
} ways[] = {
	{"fork", 40, 2, 40, true},    {"clone", 10, 0, 10, true}, {"vfork", 10, 2, 10, false},
	{"handler", 40, 1, 40, true}, {"tree", 5, 2, 5, true},    {"clone-handler", 40, 0, 40, true},
};

enum { WAYS = sizeof ways / sizeof *ways };

static const char *const formats[] = {"full", "compact", "packed"};

enum { FORMATS = sizeof formats / sizeof *formats };

static struct run run_forking(const char *options, const char *suffix, const struct way *way)
{
	return run("rm -rf f; mkdir f; " LM " -q -o f/t %s " PROGRAMS "forking%s %s %d %d", options, suffix, way->how,
	           way->times, way->threads);
}

static glob_t files(const char *pattern)
{
	char full[4096];
	glob_t found = {.gl_pathc = 0};

	snprintf(full, sizeof full, "%s/%s", scratch(), pattern);
	glob(full, 0, NULL, &found);
	return found;
}

static size_t count_files(const char *pattern)
{
	return files(pattern).gl_pathc;
}

static void children_are_sound(const struct way *way)
{
	glob_t found = files("f/t.*");

	ck_assert_msg(found.gl_pathc == (size_t)way->files, "%s: %zu files", way->how, found.gl_pathc);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct traced trace = traced_read(found.gl_pathv[i] + strlen(scratch()) + 1, true);

		traced_is_sound(&trace);
		ck_assert_int_eq(trace.parent != 0, way->is_fork);
		ck_assert_uint_gt(trace.count, 0);
		/* Its backtraces are in its own file. */
		for (size_t call = 0; call < trace.count; call++)
			ck_assert(!trace.list[call].event.has_backtrace || trace.list[call].depth);
	}
}

START_TEST(children_leave_the_trace_alone)
{
	for (int i = 0; i < WAYS; i++) {
		struct run result = run_forking("", suffixes[_i], &ways[i]);
		struct traced trace = traced_read("f/t", false);

		ck_assert_msg(result.status == 0, "%s: %d, %s", ways[i].how, result.status, result.err);
		ck_assert_str_eq(result.err, "");
		ck_assert_uint_eq(trace.inits, 1);
		traced_is_sound(&trace);
		ck_assert_uint_eq(count_files("f/*"), 1);
	}
}
END_TEST

START_TEST(followed_children_have_traces_of_their_own)
{
	for (int i = 0; i < WAYS; i++) {
		char options[64];
		struct run result;
		struct traced trace;

		snprintf(options, sizeof options, "-f %s", i % 2 ? "" : "--compact");
		result = run_forking(options, suffixes[_i], &ways[i]);
		ck_assert_msg(result.status == 0, "%s: %d, %s", ways[i].how, result.status, result.err);
		ck_assert_str_eq(result.err, "");
		trace = traced_read("f/t", false);
		traced_is_sound(&trace);
		ck_assert_uint_eq(trace.inits, 1);
		children_are_sound(&ways[i]);
	}
}
END_TEST

/*
 * The child of a raw clone() goes on with whatever its parent's handler
 * interrupted, and no pthread_atfork() handler has told it what it is.
 */
START_TEST(a_clone_out_of_a_handler_leaves_the_trace_alone)
{
	static const struct way way = {"clone-handler", 150, 0, 150, true};

	for (int i = 0; i < FORMATS; i++) {
		struct traced trace;
		struct run result;
		char option[32];

		snprintf(option, sizeof option, "--%s", formats[i]);
		result = run_forking(option, suffixes[_i], &way);

		ck_assert_msg(result.status == 0, "%d, %s", result.status, result.err);
		ck_assert_str_eq(result.err, "");
		trace = traced_read("f/t", false);
		traced_is_sound(&trace);
		ck_assert_uint_eq(trace.inits, 1);
		ck_assert_uint_eq(trace.wrong_totals, 0);
		ck_assert_uint_eq(count_files("f/*"), 1);
	}
}
END_TEST

START_TEST(threads_fork_a_thousand_times_while_others_allocate)
{
	static const struct way way = {"fork", 1000, 1, 1000, true};
	struct run result = run_forking("-f --compact --depth 4", ".static", &way);

	ck_assert_msg(result.status == 0, "%d, %s", result.status, result.err);
	children_are_sound(&way);
}
END_TEST

START_TEST(children_are_followed_without_the_launcher)
{
	static const struct {
		const char *before, *behind, *own, *childrens;
	} cases[] = {
		{"", "1022>f/t", "f/t", "f/t.[0-9]*"},
		{"LOG_MALLOC_OUTPUT=f/t", "", "f/t", "f/t.[0-9]*"},
		{"LOG_MALLOC_OUTPUT=f/t", "1022>f/u", "f/u", "f/t.[0-9]*"},
		{"LOG_MALLOC_OUTPUT=f/%p.t", "1022>f/u", "f/u", "f/[0-9]*.t"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char line[512];
		struct run result;
		struct traced trace;

		snprintf(line, sizeof line,
		         "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_FOLLOW=1 LOG_MALLOC_QUIET=1 "
		         "LOG_MALLOC_FORMAT=%s %s " PROGRAMS "processes fork %s",
		         formats[i % FORMATS], cases[i].before, cases[i].behind);
		write_file("line", line, strlen(line));
		result = run("rm -rf f; mkdir f; . ./line");
		ck_assert_msg(result.status == 7, "%zu: %d, %s", i, result.status, result.err);
		ck_assert_str_eq(result.err, "");
		trace = traced_read(cases[i].own, false);
		traced_is_sound(&trace);
		ck_assert_uint_eq(count_files(cases[i].childrens), 1);
		ck_assert_uint_eq(count_files("f/*"), 2);
	}
}
END_TEST

START_TEST(a_trace_that_is_no_file_has_no_others_beside)
{
	struct run result = run("LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_FOLLOW=1 LOG_MALLOC_QUIET=1 " PROGRAMS
	                        "processes fork 1022>&1 | cat >t; ls t*");

	ck_assert_str_eq(result.out, "t\n");
	ck_assert_str_eq(result.err, "log-malloc2: children are not followed: the trace is no file that theirs could "
	                             "be beside; LOG_MALLOC_OUTPUT can name one\n");
	result = run(LM " -f -o - true");
	ck_assert_int_eq(result.status, 2);
	ck_assert_str_eq(result.err, "log-malloc: --follow: the trace has to be a file, so that the traces of other "
	                             "processes can lie beside it\n");
}
END_TEST

START_TEST(wrappers_hand_the_trace_on)
{
	static const char *const wrappers[] = {"env A=1", "nice", "sh -c 'exec \"$@\"' sh", "nohup", "setsid"};

	for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
		struct run result = run("rm -f t; " LM " -q -o t %s " PROGRAMS "processes nothing 2>/dev/null; "
		                        "grep '^# EXE' t | sed 's|.*/||'; ls t*",
		                        wrappers[i]);

		ck_assert_msg(strstr(result.out, "processes\nt\n"), "%s: %s", wrappers[i], result.out);
		ck_assert_uint_eq(traced_read("t", false).malformed, 0);
	}
}
END_TEST

/* Each of them runs it in a child, and not in its own process. */
START_TEST(what_wrappers_start_is_followed)
{
	static const char *const wrappers[] = {"timeout 50", "sh -c '\"$@\"; true' sh", "xargs -a /dev/null",
	                                       "make -s -j2 -f Makefile.test"};
	static const char makefile[] = "all: a b c\na b c:\n\t@$B/tests/programs/processes nothing\n";

	write_file("Makefile.test", makefile, sizeof makefile - 1);
	for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
		bool is_make = strncmp(wrappers[i], "make", 4) == 0;
		struct run result = run("rm -f t*; " LM " -f -q -o t %s %s; "
		                        "grep -l '^# EXE.*/processes$' t.* | wc -l; grep -c '^# EXE.*/processes$' t",
		                        wrappers[i], is_make ? "B=$B" : PROGRAMS "processes nothing");

		ck_assert_msg(strcmp(result.out, is_make ? "3\n0\n" : "1\n0\n") == 0, "%s: %s%s", wrappers[i],
		              result.out, result.err);
	}
}
END_TEST

/* All that the child of vfork allocates is its parent's: nothing of it is lost, and nobody else's counted wrongly. */
START_TEST(children_of_vfork_that_allocate_first_are_part_of_their_parent)
{
	struct run result =
		run("rm -rf f; mkdir f; " LM " -q -o f/t --compact " PROGRAMS "forking%s visit 150 3", suffixes[_i]);
	struct traced trace = traced_read("f/t", false);

	ck_assert_msg(result.status == 0, "%d, %s", result.status, result.err);
	ck_assert_str_eq(result.err, "");
	traced_is_sound(&trace);
	ck_assert_uint_eq(count_files("f/*"), 1);
}
END_TEST

START_TEST(a_daemon_is_followed)
{
	struct run result = run("rm -f t*; " LM " -f -q -o t " PROGRAMS "processes%s daemon mine; "
	                        "for i in $(seq 100); do [ -s mine ] && break; sleep 0.1; done; sleep 0.3; cat mine; "
	                        "grep -cH '^+ malloc [0-9]' t.* | grep -c ':100$'",
	                        suffixes[_i]);

	ck_assert_str_eq(result.out, "daemon\n1\n");
	ck_assert_uint_eq(traced_read("t", false).malformed, 0);
}
END_TEST

START_TEST(processes_that_change_their_directory_are_followed)
{
	struct run result = run("rm -f t*; " LM " -f -q -o 't.%%p' sh -c 'cd /; ls; true' >/dev/null; "
	                        "grep -l '^# EXE.*/ls$' t.*[0-9] | wc -l; ls t* | wc -l");

	ck_assert_str_eq(result.out, "1\n2\n");
	ck_assert_str_eq(run("rm -f t*; mkdir -p 'a%%d [b]*'; cd 'a%%d [b]*'; " LM
	                     " -f -o t sh -c 'ls; true' >/dev/null "
	                     "2>../said; ls | wc -l; grep -c ': process .*/ls: ' ../said")
	                         .out,
	                 "2\n1\n");
}
END_TEST

START_TEST(killed_children_lose_nothing)
{
	struct run result = run("rm -f t*; " LM " -f -o t sh -c '" PROGRAMS "counting counts 30000 kill; true'; "
	                        "ls t* | grep -c journal");
	glob_t found = files("t.*");
	struct traced trace;

	ck_assert_str_eq(result.out, "0\n");
	ck_assert_uint_eq(found.gl_pathc, 1);
	trace = traced_read(found.gl_pathv[0] + strlen(scratch()) + 1, false);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert_uint_eq(trace.finis, 0);
	ck_assert_msg(strstr(result.err, "counting: "), "%s", result.err);
}
END_TEST

START_TEST(the_launcher_names_each_trace)
{
	struct run result = run("rm -f t*; " LM " -f -o t " PROGRAMS "forking fork 25 0; echo old >t.1; sleep 0.1; " LM
	                        " -f -o t " PROGRAMS "forking fork 3 0");
	int lines = 0;

	for (const char *at = result.err; (at = strstr(at, "log-malloc: process ")); at++)
		lines++;
	ck_assert_msg(lines == 20 + 3, "%s", result.err);
	ck_assert_ptr_nonnull(strstr(result.err, "log-malloc: 5 more processes: "));
}
END_TEST

/* Each starts one program between the begin of the later run and the end of the earlier one. */
START_TEST(runs_beside_each_other_have_processes_of_their_own)
{
	must(run("follow() { " LM
	         " -f -o %%p.t bash -c \": >$1.begun; until [ -e $2.begun ]; do :; done; $(type -P $1); "
	         ": >$1.done; until [ -e $2.done ]; do :; done\" 2>$1; }; "
	         "follow true false & follow false true; wait"));
	ck_assert_str_eq(run("sed -n 's/^log-malloc: process [0-9]*, .*\\(true\\|false\\): .*/\\1/p' true").out,
	                 "true\n");
	ck_assert_str_eq(run("sed -n 's/^log-malloc: process [0-9]*, .*\\(true\\|false\\): .*/\\1/p' false").out,
	                 "false\n");
	ck_assert_str_eq(run("cat true false | grep -c '^log-malloc: process '").out, "2\n");
}
END_TEST

START_TEST(the_report_tells_a_forks_blocks_from_its_parents)
{
	struct run result = run("rm -f t*; " LM " -f -q -o t " PROGRAMS "forking fork 1 0; "
	                        "$B/log-malloc-findleak -n t.* | sed -n '1p;$p'; $B/log-malloc-trackusage t.* | wc -l");

	ck_assert_msg(strstr(result.out, ", fork of ") &&
	                      strstr(result.out, "; 64 frees of blocks from before a fork; "),
	              "%s", result.out);
	ck_assert_ptr_null(strstr(result.out, "unknown"));
	result = run("$B/log-malloc-report -n t.*");
	ck_assert_msg(strstr(result.out, ", fork of ") &&
	                      strstr(result.out, " foreign frees, 64 frees of blocks from before the fork\n"),
	              "%s", result.out);
}
END_TEST

/* A parent that is gone by the time its child is another program has its lock no more. */
START_TEST(orphans_leave_the_trace_alone)
{
	struct run result = run("rm -f t*; LOG_MALLOC_OUTPUT=t " LM " -q -o t sh -c '(sleep 0.3; exec ls) 1022>&- & "
	                        "(sleep 0.3; exec ls) &' >/dev/null; cp t before; sleep 0.8; cmp t before && ls t*");

	ck_assert_msg(result.status == 0, "%s%s", result.out, result.err);
	ck_assert_str_eq(result.out, "t\n");
}
END_TEST

#define EACH(test) TIMES(test, SUFFIXES)

int main(void)
{
	Suite *suite = suite_create("processes");

	EACH(children_leave_the_trace_alone);
	EACH(followed_children_have_traces_of_their_own);
	EACH(a_clone_out_of_a_handler_leaves_the_trace_alone);
	ONCE(threads_fork_a_thousand_times_while_others_allocate);
	ONCE(children_are_followed_without_the_launcher);
	ONCE(a_trace_that_is_no_file_has_no_others_beside);
	ONCE(wrappers_hand_the_trace_on);
	ONCE(what_wrappers_start_is_followed);
	EACH(children_of_vfork_that_allocate_first_are_part_of_their_parent);
	EACH(a_daemon_is_followed);
	ONCE(processes_that_change_their_directory_are_followed);
	ONCE(killed_children_lose_nothing);
	ONCE(the_launcher_names_each_trace);
	ONCE(runs_beside_each_other_have_processes_of_their_own);
	ONCE(the_report_tells_a_forks_blocks_from_its_parents);
	ONCE(orphans_leave_the_trace_alone);
	return run_suite(suite);
}
