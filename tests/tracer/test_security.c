/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs that gained privileges, places where others can write, and names
 * that were made to play tricks.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "support.h"

#define PRELOAD "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_QUIET=1"

/* Becomes somebody who is not root. */
#define AS_OTHER "setpriv --reuid 12345 --regid 12345 --clear-groups"

static const char *const linked[] = {".wrap", ".static", ".static-pie"};

enum { LINKED = sizeof linked / sizeof *linked };

/* Can this test be made? Else it says why not. */
static bool can_change_user(const char *name)
{
	if (run("test \"$(id -u)\" = 0 && " AS_OTHER " true").status == 0)
		return true;
	skip(name, "only root, with setpriv, can be somebody else");
	return false;
}

START_TEST(a_program_that_gained_privileges_trusts_nothing)
{
	struct run result;

	if (!can_change_user("a_program_that_gained_privileges_trusts_nothing"))
		return;
	/* Somewhere that the other user can get to. */
	result = run("d=$(mktemp -d) && chmod 755 $d && cp " PROGRAMS
	             "processes%s $d/raised && cp $(command -v id) $d/id && "
	             "chmod 4755 $d/raised $d/id && mkdir -m 777 $d/out && cd $d/out && "
	             "if [ \"$(" AS_OTHER " ../id -un)\" != root ]; then rm -r $d; exit 77; fi; " AS_OTHER
	             " env LOG_MALLOC_OUTPUT=named LOG_MALLOC_FOLLOW=1 LOG_MALLOC_STATM=bad ../raised fork; "
	             "echo $?; ls; " AS_OTHER " sh -c 'exec bash -c \"../raised nothing 1022>inherited\"'; "
	             "wc -c <inherited; ls; rm -r $d",
	             linked[_i]);
	if (result.status == 77) {
		skip("a_program_that_gained_privileges_trusts_nothing", "set-user-id has no effect here");
		return;
	}
	ck_assert_str_eq(result.err, "");
	ck_assert_str_eq(result.out, "7\n0\ninherited\n");
}
END_TEST

/* How a trace's name gets to who opens it. */
static const struct door {
	const char *name, *before, *message;
} doors[] = {
	{"variable", PRELOAD " LOG_MALLOC_OUTPUT=", "log-malloc2: cannot open the trace "},
	{"launcher", LM " -q -o ", "log-malloc: cannot open the trace "},
};

enum { DOORS = sizeof doors / sizeof *doors };

START_TEST(new_traces_are_their_owners_alone)
{
	struct run result = run("umask 0; rm -f t; %st " PROGRAMS "processes nothing; stat -c %%a t", doors[_i].before);

	ck_assert_str_eq(result.out, "600\n");
}
END_TEST

START_TEST(a_link_in_a_shared_directory_is_not_followed)
{
	struct run result =
		run("mkdir -p shared && chmod 1777 shared && echo precious >target && ln -sf ../target shared/t && "
	            "%sshared/t " PROGRAMS "processes nothing; cat target",
	            doors[_i].before);

	ck_assert_str_eq(result.out, "precious\n");
	ck_assert_msg(strstr(result.err, doors[_i].message) != NULL, "%s", result.err);
	/* A directory of one's own is one's own business. */
	result = run("ln -sf target own; %sown " PROGRAMS "processes nothing; grep -c precious target; test -h own",
	             doors[_i].before);
	ck_assert_str_eq(result.out, "0\n");
	ck_assert_int_eq(result.status, 0);
}
END_TEST

START_TEST(somebody_elses_file_in_a_shared_directory_is_not_written_to)
{
	struct run result;

	if (!can_change_user("somebody_elses_file_in_a_shared_directory_is_not_written_to"))
		return;
	result = run("mkdir -p shared && chmod 1777 shared && echo theirs >shared/t && chmod 666 shared/t && "
	             "chown 12345 shared/t && %sshared/t " PROGRAMS "processes nothing; cat shared/t",
	             doors[_i].before);
	ck_assert_str_eq(result.out, "theirs\n");
	ck_assert_msg(strstr(result.err, doors[_i].message) != NULL, "%s", result.err);
}
END_TEST

START_TEST(what_is_no_file_is_written_to_as_it_is)
{
	struct run result = run("rm -f pipe; mkfifo pipe; cat pipe >copy & %spipe " PROGRAMS
	                        "processes nothing; wait; grep -c '^+ FINI' copy; test -p pipe",
	                        doors[_i].before);

	ck_assert_str_eq(result.out, "1\n");
	ck_assert_int_eq(result.status, 0);
	result = run("%s/dev/null " PROGRAMS "processes nothing", doors[_i].before);
	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(result.err, "");
	result = run("mkdir -p directory; %sdirectory " PROGRAMS "processes nothing", doors[_i].before);
	ck_assert_msg(strstr(result.err, doors[_i].message) && strstr(result.err, "irectory\n"), "%s", result.err);
}
END_TEST

START_TEST(control_bytes_of_names_do_not_reach_the_terminal)
{
	static const char *const commands[] = {
		LM " -v -o $'a\\033[31m\\r.t' ./*/$'evil\\033]0;x\\007' nothing",
		LM " -f -o $'f\\033[31m\\r.t' sh -c \"./*/$'evil\\033]0;x\\007' nothing; true\"",
		LM " -o $'no\\033/t' true",
		LM " -o t $'no\\033such'",
		"$B/log-malloc-findleak $'a\\033[31m\\r.t'",
		"$B/log-malloc-findleak -n $'f\\033[31m\\r.t'.*",
		"$B/log-malloc-findleak $'no\\033such'",
		"$B/log-malloc-trackusage $'no\\033such'",
		"$B/backtrace2line $'no\\033such(+0x1)[0x1]'",
		PRELOAD " LOG_MALLOC_OUTPUT=$'no\\033/t' " PROGRAMS "processes nothing",
		PRELOAD " LOG_MALLOC_STATM=$'no\\033' " PROGRAMS "processes nothing 1022>/dev/null",
	};

	ck_assert_int_eq(
		run("mkdir -p $'d\\033[1m' && cp " PROGRAMS "processes $'d\\033[1m'/$'evil\\033]0;x\\007'").status, 0);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		struct run result = run("%s 2>&1 | LC_ALL=C grep -c $'[\\001-\\010\\013-\\037\\177]'", commands[i]);

		ck_assert_msg(strcmp(result.out, "0\n") == 0, "%s", commands[i]);
	}
	/* What can be typed leads there. */
	ck_assert_int_eq(
		run(LM
	            " -o $'a\\033\\302\\233\\233.t' ls 2>said >/dev/null; eval \"$B/$(sed -n 's/.*next: //p' said)\"")
			.status,
		1);
	ck_assert_ptr_nonnull(strstr(run("cat said").out, "$'a\\033\\302\\233\\233.t'"));
}
END_TEST

/* All that the tracker itself says, with U+009B and the byte 0x9b in each name. A letter that has this byte stays. */
START_TEST(c1_controls_do_not_reach_the_terminal_from_the_tracker_either)
{
	static const char before[] = "LD_PRELOAD=$B/liblog-malloc2.so", name[] = "$'n\\302\\233\\2332J\\303\\233'";
	static const char *const commands[] = {
		"LOG_MALLOC_OUTPUT=%s " PROGRAMS "processes nothing",
		"LOG_MALLOC_OUTPUT=no/%s " PROGRAMS "processes nothing",
		"LOG_MALLOC_OUTPUT=t LOG_MALLOC_STATM=%s " PROGRAMS "processes nothing",
		"LOG_MALLOC_OUTPUT=t LOG_MALLOC_BACKTRACE_DEPTH=%s " PROGRAMS "processes nothing",
		"LOG_MALLOC_OUTPUT=t LOG_MALLOC_SIGNAL=%s " PROGRAMS "processes nothing",
		"LOG_MALLOC_OUTPUT=t LOG_MALLOC_FOLLOW=%s " PROGRAMS "processes nothing",
	};

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		char command[512];
		struct run result;

		snprintf(command, sizeof command, commands[i], name);
		result = must(run("%s %s", before, command));
		ck_assert_msg(strstr(result.err, "n\\302\\233\\2332J\xc3\x9b"), "%s: %s", command, result.err);
		result = run("%s %s 2>&1 | LC_ALL=C sed 's/\\xc3\\x9b//g' | "
		             "LC_ALL=C grep -c -a $'[\\x80-\\x9f\\x7f]'",
		             before, command);
		ck_assert_msg(strcmp(result.out, "0\n") == 0, "%s", command);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("security");

	TIMES(a_program_that_gained_privileges_trusts_nothing, LINKED);
	TIMES(new_traces_are_their_owners_alone, DOORS);
	TIMES(a_link_in_a_shared_directory_is_not_followed, DOORS);
	TIMES(somebody_elses_file_in_a_shared_directory_is_not_written_to, DOORS);
	TIMES(what_is_no_file_is_written_to_as_it_is, DOORS);
	TIMES(control_bytes_of_names_do_not_reach_the_terminal, 1);
	ONCE(c1_controls_do_not_reach_the_terminal_from_the_tracker_either);
	return run_suite(suite);
}
