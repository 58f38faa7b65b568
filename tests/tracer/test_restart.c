/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files that an earlier run has left where a trace begins. A sampled trace with a limit keeps them among its older
 * files, and other traces remove them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flavours.h"
#include "rotated.h"
#include "support.h"

static const char *const formats[] = {"full", "compact", "packed"};

enum { FORMATS = sizeof formats / sizeof *formats };

/* ---- runs that follow each other ---- */

/* The two ways to a trace: the launcher opens the file, or the tracker does. */
static const char *const doors[] = {
	LM " -q --sample 1 --%s --limit 128K --keep 3 -o t " PROGRAMS "rotating ",
	"env LD_PRELOAD=$B/liblog-malloc2.so " ROTATED_SETTINGS
	"LOG_MALLOC_FORMAT=%s LOG_MALLOC_LIMIT=128K LOG_MALLOC_KEEP=3 LOG_MALLOC_OUTPUT=t " PROGRAMS "rotating ",
	"env " ROTATED_SETTINGS "LOG_MALLOC_FORMAT=%s LOG_MALLOC_LIMIT=128K "
	"LOG_MALLOC_KEEP=3 LOG_MALLOC_OUTPUT=t " PROGRAMS "rotating.static "};

enum { DOORS = sizeof doors / sizeof *doors };

/* Until three older files are there. */
static const int rounds[] = {4000, 8000, 20000};

static const char *door(int number)
{
	static char command[1024];

	snprintf(command, sizeof command, doors[number % DOORS], formats[number / DOORS]);
	return command;
}

/* A service is killed, and started again: the older files tell what was before. */
START_TEST(the_trace_of_a_killed_run_becomes_an_older_file)
{
	struct file killed;

	/* At rest: a kill while the names move on may leave a number free. */
	must(run("%s1 %d stay >said & until [ -s said ]; do sleep 0.01; done; "
	         "pkill -9 -P $! || kill -9 $!; wait; [ -e t.old-3 ] && chmod 640 t && cksum <t >a && "
	         "cksum <t.old-1 >b && cksum <t.old-2 >c",
	         door(_i), rounds[_i / DOORS]));
	killed = rotated_read("t");
	must(run("%s1 10 >said; cksum <t.old-1 | cmp - a && cksum <t.old-2 | cmp - b && cksum <t.old-3 | cmp - c && "
	         "[ $(stat -c %%a t) = 640 ] && ls t* | tr '\\n' ' ' >names",
	         door(_i)));
	ck_assert_str_eq(run("cat names").out, "t t.old-1 t.old-2 t.old-3 ");
	ck_assert_uint_ne(rotated_read("t").last.count, killed.last.count);
	ck_assert_int_eq(rotated_read("t").ending, TRACE_FINISHED);
	/* They count. */
	must(run("%s1 %d >said; ls t* | tr '\\n' ' ' >names; [ $(grep -ah '^# PROCESS' t* | sort -u | wc -l) = 1 ]",
	         door(_i), rounds[_i / DOORS]));
	ck_assert_str_eq(run("cat names").out, "t t.old-1 t.old-2 t.old-3 ");
	rotated_follow("t", 3, 128 << 10);
}
END_TEST

/* A kill between the two names, and one that came before the tracker did. */
START_TEST(a_run_that_was_killed_while_it_began_loses_nothing)
{
	must(run("%s1 10 >said; mv t t.former; cksum <t.former >a; %s1 10 >said; cksum <t.old-1 | cmp - a && "
	         "! [ -e t.former ]",
	         door(_i), door(_i)));
	must(run("mv t t.former; >t; cksum <t.former >b; %s1 10 >said; cksum <t.old-1 | cmp - b && cksum <t.old-2 | "
	         "cmp - a",
	         door(_i)));
}
END_TEST

/* Only a sampled trace that is whole: of another one, a part may be in its journal. */
START_TEST(other_files_are_emptied_as_ever)
{
	static const char *const before[] = {
		LM " -q -o t true",
		"echo mine >t",
		"printf '# PID 1\\n# SAMPLE\\n' >t",
		LM " -q --sample 1 -o t true && touch t.journal && chmod 600 t.journal",
		LM " -q --sample 1 -o t true && ln t linked",
		LM " -q --sample 1 -o t " PROGRAMS "rotating 1 3000 >said && [ $(stat -c %s t) -gt 131072 ]",
	};

	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		must(run("rm -f t* linked; %s; inode=$(stat -c %%i t); %s1 10 >said; [ $(stat -c %%i t) = $inode ] && "
		         "! [ -e t.old-1 ] && ! [ -e t.former ]",
		         before[i], door(_i)));
		ck_assert_int_eq(rotated_read("t").ending, TRACE_FINISHED);
	}
}
END_TEST

/* The limit was a greater one, so all together would be larger than the user wants now. */
START_TEST(older_files_that_are_too_large_are_removed)
{
	must(run(LM " -q --sample 1 --limit 1M --keep 2 -o t " PROGRAMS "rotating 1 40000 >said; [ -e t.old-2 ]; "
	            "echo 3 >t.old-3; "
	            "%s1 10 >said; ls t* | tr '\\n' ' ' >names",
	         door(_i)));
	ck_assert_str_eq(run("cat names t.old-3").out, "t t.old-3 3\n");
}
END_TEST

/* The name leads elsewhere: what it leads to is moved. */
START_TEST(a_symbolic_link_stays_one)
{
	must(run("mkdir -p d; ln -s d/real t; %s1 10 >said; cksum <d/real >a; %s1 10 >said; [ -L t ] && "
	         "cksum <d/real.old-1 | cmp - a && [ $(ls d | wc -l) = 2 ]",
	         door(_i), door(_i)));
}
END_TEST

START_TEST(a_file_in_the_way_is_told_and_nothing_is_lost)
{
	struct run r = run("%s1 10 >said; echo mine >t.old-3; cksum <t >a; %s1 10 >said; cksum <t.former | cmp - a && "
	                   "[ $(cat t.old-3) = mine ]",
	                   door(_i), door(_i));

	must(r);
	ck_assert_msg(strstr(r.err, "t.old-3 is in the way of the trace's older files, and is not removed: it is no "
	                            "older file of a trace\n"),
	              "%s", r.err);
	/* Nor in the next one. */
	must(run("%s1 10 >said; cksum <t.former | cmp - a; rm t.old-3; %s1 10 >said; cksum <t.old-1 | cmp - a || "
	         "cksum <t.old-2 | cmp - a",
	         door(_i), door(_i)));
}
END_TEST

/* One of them has the trace, or they follow each other: as many as there may be older files. */
START_TEST(runs_that_begin_at_once_take_one_file)
{
	for (int i = 0; i < 10; i++) {
		must(run("rm -f t*; %s1 10 >said; cksum <t >a; for i in 1 2 3; do %s1 10 & done >said 2>err; wait; "
		         "for i in t.old-*; do cksum <$i | cmp -s - a && echo found; done >found; [ -s found ] && "
		         "! [ -e t.former ]",
		         door(_i), door(_i)));
		for (int number = rotated_oldest("t"); number > 0; number--) {
			char name[32];

			snprintf(name, sizeof name, "t.old-%d", number);
			ck_assert_int_eq(rotated_read(name).ending, TRACE_FINISHED);
		}
	}
}
END_TEST

/* Those of earlier runs are not this one's. */
START_TEST(the_launcher_names_the_older_files_of_its_own_run)
{
	static const char launcher[] = LM " --sample 1 --limit 16K --keep 5 -o %s " PROGRAMS "rotating 1 ";
	const char *const name = _i ? "t.zst" : "t";
	char command[256], expected[256];
	struct run r;

	snprintf(command, sizeof command, launcher, name);
	must(run("%s1500 >said; [ -e %s.old-5 ]", command, name));
	r = must(run("%s10 >said; ls | grep -c '\\.old-'", command));
	ck_assert_str_eq(r.out, "5\n");
	ck_assert_msg(!strstr(r.err, "(older:"), "%s", r.err);
	r = must(run("%s300 >said", command));
	snprintf(expected, sizeof expected, " in %s (older: %s.old-1", name, name);
	ck_assert_msg(strstr(r.err, expected) && !strstr(r.err, ".old-5)"), "%s", r.err);
	must(run(
		"for i in %s %s.old-*; do $B/log-malloc-findleak -n $i >/dev/null; [ $? -le 1 ] || echo $i; done >bad; "
		"! [ -s bad ]",
		name, name));
}
END_TEST

/* ---- what is removed ---- */

#define OLDER "printf '# PID 1\\n+ INIT [0:0] malloc=0\\n# CONTINUED\\n' >"

/* Also one that has no older files itself: they would be taken for its own. */
START_TEST(a_new_trace_removes_the_older_files_of_the_one_before)
{
	static const char *const settings[] = {ROTATED_SETTINGS "LOG_MALLOC_LIMIT=64K", "LOG_MALLOC_QUIET=1"};

	for (int i = 0; i < 2; i++) {
		must(run("rm -f t*; for i in 2 3 5 6 9; do " OLDER "t.old-$i; done; " OLDER
		         "t.next; %s %s LOG_MALLOC_OUTPUT=t " PROGRAMS "rotating%s 1 10; ls t* | tr '\\n' ' ' >names",
		         flavours[_i].environment, settings[i], flavours[_i].suffix));
		/* One number can be missing, and not two. */
		ck_assert_str_eq(run("cat names").out, "t t.old-9 ");
	}
}
END_TEST

START_TEST(a_trace_without_a_limit_removes_older_files_of_every_format)
{
	static const char *const names[] = {"t", "t.zst"};
	const char *name = names[_i / FORMATS];

	must(run(LM " -q --sample 1 --limit 64K --keep 3 --%s -o %s " PROGRAMS
	            "rotating 1 15000 >said; [ -e %s.old-3 ] && " LM " -q -o %s true",
	         formats[_i % FORMATS], name, name, name));
	ck_assert_msg(strcmp(run("ls | grep -x 't.*' | tr '\\n' ' '").out, _i / FORMATS ? "t.zst " : "t ") == 0, "%s",
	              run("ls").out);
}
END_TEST

/* What is not known for an older file of a trace stays. */
START_TEST(no_file_of_somebody_else_is_removed)
{
	static const char files[] =
		LM " -q -o t.old-1 true && echo mine >t.old-2 && mkdir t.old-3 && " OLDER
		   "other && ln -s other t.old-4 && " OLDER "t.old-5 && echo more >>t.old-5 && "
		   "echo mine >t.next && cksum t.old-1 t.old-2 t.old-4 t.old-5 other t.next >before && ";
	struct run r;

	r = must(run("%s " LM " -q -o t true && cksum t.old-1 t.old-2 t.old-4 t.old-5 other t.next | cmp - before",
	             files));
	ck_assert_str_eq(r.err, "");
	r = must(run("rm -rf t* other; %s %s " ROTATED_SETTINGS
	             "LOG_MALLOC_OUTPUT=t LOG_MALLOC_LIMIT=64K LOG_MALLOC_KEEP=2 " PROGRAMS
	             "rotating%s 1 4000 >said; [ $(cat t.old-2) = mine ] && cksum t.old-1 t.old-2 t.old-4 t.old-5 "
	             "other | cmp - <(grep -v next before) && grep -c '^# LIMIT ' t",
	             files, flavours[0].environment, flavours[0].suffix));
	ck_assert_msg(strstr(r.err, "/t.old-1 is in the way of the trace's older files, and is not removed: it is no "
	                            "older file of a trace\n") &&
	                      strstr(r.err, "/t.old-2 is in the way") && !strstr(r.err, "/t.old-3") &&
	                      strstr(r.err, ": operation not permitted\n"),
	              "%s", r.err);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("restart");

	TIMES(the_trace_of_a_killed_run_becomes_an_older_file, DOORS * FORMATS);
	TIMES(a_run_that_was_killed_while_it_began_loses_nothing, DOORS);
	TIMES(other_files_are_emptied_as_ever, DOORS);
	TIMES(older_files_that_are_too_large_are_removed, DOORS);
	TIMES(a_symbolic_link_stays_one, DOORS);
	TIMES(a_file_in_the_way_is_told_and_nothing_is_lost, DOORS);
	TIMES(runs_that_begin_at_once_take_one_file, DOORS);
	TIMES(the_launcher_names_the_older_files_of_its_own_run, 2);
	EACH(a_new_trace_removes_the_older_files_of_the_one_before);
	TIMES(a_trace_without_a_limit_removes_older_files_of_every_format, 2 * FORMATS);
	ONCE(no_file_of_somebody_else_is_removed);
	return run_suite(suite);
}
