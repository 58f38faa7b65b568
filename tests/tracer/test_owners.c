/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whose a trace is, where names or numbers are not enough to tell: an image of
 * another user, processes with the same number, and processes that have the same
 * file open.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"
#include "traced.h"

#define PRELOAD "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_QUIET=1"

/* A new PID namespace, where the command is process 1. */
#define APART "unshare -pf --mount-proc env"

/* Without LD_PRELOAD, what is statically linked alone is traced. */
static const struct flavour {
	const char *before, *suffix;
} flavours[] = {{PRELOAD, ""}, {"LOG_MALLOC_QUIET=1", ".static"}};

enum { FLAVOURS = sizeof flavours / sizeof *flavours };

static size_t count_of(const char *path, uint64_t size)
{
	struct traced trace = traced_read(path, true);
	size_t count = 0;

	for (size_t i = 0; i < trace.count; i++)
		count += trace.list[i].event.size == size && trace.list[i].event.call == LM_CALL_MALLOC;
	return count;
}

/* How many blocks of SIZE are in all the files that PATTERN names. */
static size_t count_in_all(const char *pattern, uint64_t size)
{
	glob_t found = {.gl_pathc = 0};
	size_t count = 0;
	char full[4096];

	snprintf(full, sizeof full, "%s/%s", scratch(), pattern);
	glob(full, 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc; i++)
		count += count_of(found.gl_pathv[i] + strlen(scratch()) + 1, size);
	globfree(&found);
	return count;
}

static bool is_root(const char *test)
{
	if (getuid() == 0)
		return true;
	skip(test, "only root can change its user");
	return false;
}

static bool can_set_apart(const char *test)
{
	if (run(APART " true").status == 0)
		return true;
	skip(test, "no PID namespace can be made");
	return false;
}

/* The directory of the traces, which other users can write to. */
static void make_open_directory(void)
{
	ck_assert_int_eq(run("rm -rf d; mkdir -m 777 d").status, 0);
	ck_assert_int_eq(chmod(scratch(), 0755), 0);
}

/* ---- another user ---------------------------------------------------------------- */

/* The name that was asked for, and patterns of those that the two images use. */
static const struct name {
	const char *asked, *first, *second;
} names[] = {
	{"d/t.%p.trace", "d/t.[0-9]*[0-9].trace", "d/t.[0-9]*.2.trace"},
	{"d/%p", "d/[0-9]*[0-9]", "d/[0-9]*.2"},
	{"d/t", "d/t", "d/t.2"},
	{"d/t.trace", "d/t.trace", "d/t.2.trace"},
	{"d/.t", "d/.t", "d/.t.2"},
};

enum { NAMES = sizeof names / sizeof *names };

START_TEST(an_image_of_another_user_has_a_trace_of_its_own)
{
	if (!is_root("an_image_of_another_user_has_a_trace_of_its_own"))
		return;
	for (size_t i = 0; i < NAMES; i++) {
		struct run result;

		make_open_directory();
		result = run("%s LOG_MALLOC_OUTPUT=%s $B/tests/programs/exec_by%s execl $B/tests/programs/exec_by%s "
		             "drop; status=$?; ls -A d | wc -l; exit $status",
		             flavours[_i].before, names[i].asked, flavours[_i].suffix, flavours[_i].suffix);
		ck_assert_msg(result.status == 9, "%s: %d, %s", names[i].asked, result.status, result.err);
		ck_assert_msg(strncmp(result.err, "log-malloc2: cannot open the trace d/", 37) == 0 &&
		                      strstr(result.err, ": permission denied; using d/") &&
		                      strchr(result.err, '\n')[1] == '\0',
		              "%s: %s", names[i].asked, result.err);
		ck_assert_str_eq(result.out, "2\n");
		ck_assert_uint_eq(count_in_all(names[i].first, 3301), 1000);
		ck_assert_uint_eq(count_in_all(names[i].second, 4405), 100);
		ck_assert_int_eq(run("stat -c '%%u %%a' %s | grep -qx '65534 600'", names[i].second).status, 0);
	}
}
END_TEST

START_TEST(a_followed_process_that_changes_its_user_has_two_traces)
{
	struct run result;

	if (!is_root("a_followed_process_that_changes_its_user_has_two_traces"))
		return;
	make_open_directory();
	result = run(LM " -f -o d/t sh -c '$B/tests/programs/exec_by%s execl $B/tests/programs/exec_by%s drop; true'",
	             flavours[_i].suffix, flavours[_i].suffix);
	ck_assert_int_eq(result.status, 0);
	ck_assert_uint_eq(count_in_all("d/t.[0-9]*[0-9]", 3301), 1000);
	ck_assert_uint_eq(count_in_all("d/t.[0-9]*.2", 4405), 100);
	/* The launcher tells of both. */
	ck_assert_int_eq(
		run("sed -n 's/^log-malloc: process [0-9]*, .*exec_by.* in //p' run.*.err | wc -l | grep -qx 2").status,
		0);
}
END_TEST

START_TEST(what_follows_goes_on_in_the_other_trace)
{
	struct run result;

	if (!is_root("what_follows_goes_on_in_the_other_trace"))
		return;
	make_open_directory();
	result = run(PRELOAD " LOG_MALLOC_OUTPUT=d/t.%%p setpriv --reuid 65534 --regid 65534 --clear-groups "
	                     "sh -c 'exec $B/tests/programs/blocks 77'; ls d | wc -l");
	ck_assert_str_eq(result.out, "2\n");
	ck_assert_msg(strchr(result.err, '\n') && strchr(result.err, '\n')[1] == '\0', "%s", result.err);
	ck_assert_uint_eq(count_in_all("d/t.[0-9]*.2", 77), 10);
	ck_assert_int_eq(run("grep -c '^+ INIT' d/t.*.2 | grep -qx 2").status, 0);
}
END_TEST

/* Whatever others put where the other name is: it is not written to. */
START_TEST(other_names_are_never_files_of_others)
{
	static const char *const traps[] = {
		"ln -s ../precious d/t.2", "echo precious >d/t.2; chmod 666 d/t.2",
		"mkfifo -m 666 d/t.2",     "mkdir d/t.2",
		"ln precious d/t.2",       "install -o 65534 -m 644 /dev/null d/t.2",
	};

	if (!is_root("other_names_are_never_files_of_others"))
		return;
	for (size_t i = 0; i < sizeof traps / sizeof *traps; i++) {
		struct run result;

		make_open_directory();
		result = run("rm -f precious; echo precious >precious; chmod 666 precious; chown 65534 precious; %s\n"
		             "ls -l d/t.2 >before; " PRELOAD " LOG_MALLOC_OUTPUT=d/t $B/tests/programs/exec_by execl "
		             "$B/tests/programs/exec_by drop; ls -l d/t.2 | cmp - before && cat precious",
		             traps[i]);
		ck_assert_msg(strcmp(result.out, "precious\n") == 0, "%s: %s%s", traps[i], result.out, result.err);
		ck_assert_uint_eq(count_of("d/t.3", 4405), 100);
	}
}
END_TEST

START_TEST(where_no_other_file_can_be_made_a_line_says_so)
{
	struct run result;

	if (!is_root("where_no_other_file_can_be_made_a_line_says_so"))
		return;
	make_open_directory();
	result = run("chmod 755 d; " PRELOAD " LOG_MALLOC_OUTPUT=d/t $B/tests/programs/exec_by execl "
	             "$B/tests/programs/exec_by drop");
	ck_assert_int_eq(result.status, 9);
	ck_assert_str_eq(result.err, "log-malloc2: cannot open the trace d/t: permission denied; this process has no "
	                             "trace, since no other file can be made: permission denied\n");
}
END_TEST

/* ---- the same number ------------------------------------------------------------- */

START_TEST(processes_with_one_number_have_traces_of_their_own)
{
	static const char *const orders[] = {"&", ";"};

	if (!can_set_apart("processes_with_one_number_have_traces_of_their_own"))
		return;
	for (size_t i = 0; i < 2; i++) {
		const char *meet[] = {i ? "" : "a b", i ? "" : "b a"};
		struct run result = run("rm -rf d a b; mkdir d; { " APART " %s LOG_MALLOC_OUTPUT=d/t.%%p "
		                        "$B/tests/programs/blocks%s 1001 %s %s " APART " %s LOG_MALLOC_OUTPUT=d/t.%%p "
		                        "$B/tests/programs/blocks%s 1002 %s\nwait; }",
		                        flavours[_i].before, flavours[_i].suffix, meet[0], orders[i],
		                        flavours[_i].before, flavours[_i].suffix, meet[1]);

		ck_assert_int_eq(result.status, 0);
		ck_assert_str_eq(result.err, "log-malloc2: the trace d/t.1 is that of another process with the same "
		                             "number; using d/t.1.2 instead\n");
		ck_assert_uint_eq(count_of("d/t.1", 1001) + count_of("d/t.1.2", 1001), i ? 10 : 20);
		ck_assert_uint_eq(count_of("d/t.1", 1002) + count_of("d/t.1.2", 1002), i ? 10 : 20);
		ck_assert(count_of("d/t.1", 1001) == 0 || count_of("d/t.1", 1002) == 0);
	}
}
END_TEST

START_TEST(so_have_those_that_the_launcher_follows)
{
	struct run result;

	if (!can_set_apart("so_have_those_that_the_launcher_follows"))
		return;
	result = run("rm -rf d a b; mkdir d; " LM " -f -o d/t sh -c '" APART
	             " $B/tests/programs/blocks%s 1001 a b & " APART
	             " $B/tests/programs/blocks%s 1002 b a & wait; " APART " $B/tests/programs/blocks%s 1003'",
	             flavours[_i].suffix, flavours[_i].suffix, flavours[_i].suffix);
	ck_assert_int_eq(result.status, 0);
	ck_assert_uint_eq(count_in_all("d/t.1*", 1001), 20);
	ck_assert_uint_eq(count_in_all("d/t.1*", 1002), 20);
	ck_assert_uint_eq(count_in_all("d/t.1*", 1003), 10);
	/* In a file of its own. */
	ck_assert_str_eq(run("grep -l '^+ malloc 1003 ' d/t.1* | xargs grep -lE '^[+] malloc 100[12] '").out, "");
	ck_assert_int_eq(
		run("cat run.*.err | grep -c '^log-malloc: process 1, .*blocks.* in d/t.1' | grep -qx 3").status, 0);
}
END_TEST

/* With one name for all, the second one has to do without while the first one is there. */
START_TEST(of_one_name_the_second_process_hears_that_it_has_no_trace)
{
	struct run result;

	if (!can_set_apart("of_one_name_the_second_process_hears_that_it_has_no_trace"))
		return;
	result = run("rm -f t a b; (" APART " %s LOG_MALLOC_OUTPUT=t $B/tests/programs/blocks%s 1001 a b & " APART
	             " %s LOG_MALLOC_OUTPUT=t $B/tests/programs/blocks%s 1002 b a; wait)",
	             flavours[_i].before, flavours[_i].suffix, flavours[_i].before, flavours[_i].suffix);
	ck_assert_int_eq(result.status, 0);
	ck_assert_msg(strstr(result.err, " writes to the trace t, and process 1 has none; "), "%s", result.err);
	ck_assert_uint_eq(count_of("t", 1001) + count_of("t", 1002), 20);
	/* Afterwards, the name is free, as for every new run. */
	result = run(APART " %s LOG_MALLOC_OUTPUT=t $B/tests/programs/blocks%s 1003; ls t*", flavours[_i].before,
	             flavours[_i].suffix);
	ck_assert_str_eq(result.err, "");
	ck_assert_str_eq(result.out, "t\n");
	ck_assert_int_eq(run("grep -c '^+ INIT' t | grep -qx 1").status, 0);
}
END_TEST

/* The number and the file are those of the launcher's command, but that is another process. */
START_TEST(a_namesake_of_the_launchers_command_has_no_part_in_its_trace)
{
	static const char *const identities[] = {":1", ""};

	for (size_t i = 0; i < 2; i++) {
		struct run result = run(": >t; sh -c '%s LOG_MALLOC_OWNER=$$:$(stat -c %%d:%%i t)%s exec "
		                        "$B/tests/programs/blocks%s 1001' 1022>>t",
		                        flavours[_i].before, identities[i], flavours[_i].suffix);

		ck_assert_int_eq(result.status, 0);
		ck_assert_str_eq(result.err, "");
		ck_assert_uint_eq(count_of("t", 1001), i ? 10 : 0);
	}
}
END_TEST

START_TEST(a_report_tells_namesakes_apart)
{
	struct run result;

	if (!can_set_apart("a_report_tells_namesakes_apart"))
		return;
	result = run("rm -f t; for i in 1 2; do " APART
	             " %s $B/tests/programs/blocks%s 1001 1022>>t; done; grep -c '^# PID 1$' t; "
	             "$B/log-malloc-findleak t | grep -c 'another program in its place'",
	             flavours[_i].before, flavours[_i].suffix);
	ck_assert_msg(strcmp(result.out, "2\n0\n") == 0, "%s%s", result.out, result.err);
}
END_TEST

/* ---- the same process ------------------------------------------------------------- */

START_TEST(without_proc_a_process_that_execs_keeps_its_trace)
{
	static const char *const hides[] = {
		/* before the first image; between the two */
		"unshare -m sh -c 'mount -t tmpfs none /proc && exec env %s LOG_MALLOC_OUTPUT=t "
		"$B/tests/programs/exec_by%s "
		"execl $B/tests/programs/exec_by%s'",
		"unshare -m env %s LOG_MALLOC_OUTPUT=t $B/tests/programs/exec_by%s execl $B/tests/programs/exec_by%s "
		"hide",
	};

	if (run("unshare -m mount -t tmpfs none /proc").status != 0) {
		skip("without_proc_a_process_that_execs_keeps_its_trace", "/proc can't be hidden");
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		char command[1024];
		struct run result;

		snprintf(command, sizeof command, hides[i], flavours[_i].before, flavours[_i].suffix,
		         flavours[_i].suffix);
		write_file("command", command, strlen(command));
		result = run("rm -f t t.*; . ./command; status=$?; ls t*; exit $status");
		ck_assert_msg(result.status == 9, "%d, %s", result.status, result.err);
		ck_assert_str_eq(result.out, "t\n");
		ck_assert_uint_eq(count_of("t", 3301), 1000);
		ck_assert_uint_eq(count_of("t", 4405), 100);
	}
}
END_TEST

/* ---- one file, several processes --------------------------------------------------- */

START_TEST(who_shares_a_file_and_has_no_trace_hears_of_it)
{
	static const struct {
		const char *before, *behind, *after, *where;
	} ways[] = {
		{"", "", "1022>t", "on descriptor 1022"},
		{"", "1022>>t", "", "on descriptor 1022"},
		{"LOG_MALLOC_OUTPUT=t", "", "", "t"},
	};

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct run result =
			run("rm -f t a b; { %s %s $B/tests/programs/blocks%s 1001 a b %s & %s %s "
		            "$B/tests/programs/blocks%s 1002 b a %s; wait; } %s",
		            flavours[_i].before, ways[i].before, flavours[_i].suffix, ways[i].behind,
		            flavours[_i].before, ways[i].before, flavours[_i].suffix, ways[i].behind, ways[i].after);
		char expected[256];

		ck_assert_int_eq(result.status, 0);
		snprintf(expected, sizeof expected, " writes to the trace %s, and process ", ways[i].where);
		ck_assert_msg(strncmp(result.err, "log-malloc2: process ", 21) == 0 && strstr(result.err, expected),
		              "%s", result.err);
		ck_assert_ptr_eq(strchr(result.err, '\n') + 1, result.err + result.err_len);
		ck_assert_uint_eq(count_of("t", 1001) + count_of("t", 1002), 20);
	}
}
END_TEST

/* A process that another one starts is not traced unless that was asked for; and writing to nowhere is no loss. */
START_TEST(what_is_expected_is_not_told)
{
	static const char *const commands[] = {
		PRELOAD " LOG_MALLOC_OUTPUT=t sh -c \"sh -c '$B/tests/programs/blocks 1; true'; true\"",
		PRELOAD " sh -c \"sh -c '$B/tests/programs/blocks 1; true'; true\" 1022>t",
		LM " -q -o t sh -c \"sh -c '$B/tests/programs/blocks 1; true'; true\"",
		"rm -f a b; { " PRELOAD " $B/tests/programs/blocks 1 a b & " PRELOAD
		" $B/tests/programs/blocks 1 b a; wait; } 1022>/dev/null",
	};

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		ck_assert_str_eq(must(run("%s", commands[i])).err, "");
}
END_TEST

START_TEST(the_launcher_leaves_a_trace_alone_that_is_being_written)
{
	struct run result = run("rm -f t a b; " LM " -q -o t $B/tests/programs/blocks%s 1001 a b & "
	                        "until [ -e a ]; do sleep 0.01; done; " LM
	                        " -q -o t $B/tests/programs/blocks%s 1002; status=$?; : >b; wait; exit $status",
	                        flavours[_i].suffix, flavours[_i].suffix);

	ck_assert_int_eq(result.status, 2);
	ck_assert_str_eq(result.err, "log-malloc: cannot open the trace t: another process is writing to it\n");
	ck_assert_uint_eq(count_of("t", 1001), 20);
}
END_TEST

#define EACH(test) TIMES(test, FLAVOURS)

int main(void)
{
	Suite *suite = suite_create("owners");

	EACH(an_image_of_another_user_has_a_trace_of_its_own);
	EACH(a_followed_process_that_changes_its_user_has_two_traces);
	ONCE(what_follows_goes_on_in_the_other_trace);
	ONCE(other_names_are_never_files_of_others);
	ONCE(where_no_other_file_can_be_made_a_line_says_so);
	EACH(processes_with_one_number_have_traces_of_their_own);
	EACH(so_have_those_that_the_launcher_follows);
	EACH(of_one_name_the_second_process_hears_that_it_has_no_trace);
	EACH(a_namesake_of_the_launchers_command_has_no_part_in_its_trace);
	EACH(a_report_tells_namesakes_apart);
	EACH(without_proc_a_process_that_execs_keeps_its_trace);
	EACH(who_shares_a_file_and_has_no_trace_hears_of_it);
	ONCE(what_is_expected_is_not_told);
	EACH(the_launcher_leaves_a_trace_alone_that_is_being_written);
	return run_suite(suite);
}
