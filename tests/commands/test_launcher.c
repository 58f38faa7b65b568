/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log-malloc: what it passes on, where the trace goes, what it says, and which
 * commands it does not start.
 */
#include "support.h"
#include "traced.h"

#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void write_script(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
	must(run("chmod +x '%s'", name));
}

/* A program that allocates COUNT blocks and releases none. */
static void build_allocating(const char *name, int count, const char *flags)
{
	static const char source[] = "#include <stdlib.h>\n"
				     "#include <unistd.h>\n"
				     "void *volatile p;\n"
				     "int main(void)\n"
				     "{\n"
				     "#ifdef WAIT_US\n"
				     "	usleep(WAIT_US);\n"
				     "#endif\n"
				     "	for (int i = 0; i < COUNT; i++)\n"
				     "		p = malloc(10);\n"
				     "	return 0;\n"
				     "}\n";

	write_file("allocating.c", source, sizeof source - 1);
	must(run("$CC -O1 -fno-builtin-malloc -DCOUNT=%d -o %s allocating.c %s", count, name, flags));
}

static int says(const char *text, const char *what)
{
	return strstr(text, what) != NULL;
}

/* ---- how it ends ------------------------------------------------------------ */

START_TEST(exit_status_is_the_commands)
{
	static const int statuses[] = {0, 1, 7, 126, 255};

	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
		ck_assert_int_eq(run(LM " -o t sh -c 'exit %d'", statuses[i]).status, statuses[i]);
}
END_TEST

START_TEST(death_by_a_signal_is_128_and_the_signal)
{
	static const int signals[] = {6, 9, 11, 15};

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		struct run result = run(LM " -o t sh -c 'kill -%d $$'", signals[i]);

		ck_assert_int_eq(result.status, 128 + signals[i]);
		ck_assert(says(result.err, "ended by signal"));
	}
}
END_TEST

START_TEST(a_missing_command_is_127)
{
	struct run result = run(LM " -o t there-is-no-such-command");

	ck_assert_int_eq(result.status, 127);
	ck_assert_str_eq(result.err, "log-malloc: there-is-no-such-command: command not found\n");
	ck_assert_int_eq(run(LM " ./nothing-here").status, 127);
	ck_assert_int_eq(run(LM " ''").status, 127);
	ck_assert_int_eq(run("PATH= " LM " nothing-here").status, 127);
	ck_assert_ptr_null(read_file("t", NULL));
}
END_TEST

START_TEST(what_cannot_be_run_is_126)
{
	write_file("plain", "text\n", 5);
	ck_assert_int_eq(run(LM " ./plain").status, 126);
	ck_assert_int_eq(run(LM " /").status, 126);
	ck_assert_int_eq(run("mkdir d; cp plain d/cmd; PATH=d " LM " cmd").status, 126);
}
END_TEST

START_TEST(wrong_usage_is_2_and_points_to_help)
{
	static const char *const wrong[] = {"",
	                                    "-x true",
	                                    "--depth 129 true",
	                                    "--depth x true",
	                                    "--depth -1 true",
	                                    "--statm 1.5 true",
	                                    "--statm '' true",
	                                    "--compact=yes true",
	                                    "--packed=yes true",
	                                    "--start maybe true",
	                                    "--start '' true",
	                                    "--signal KILL true",
	                                    "--signal 12 true",
	                                    "--signal usr2 true",
	                                    "-o '' true",
	                                    "-o",
	                                    "--nosuch true"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct run result = run(LM " %s", wrong[i]);

		ck_assert_msg(result.status == 2, "'%s' ends with %d", wrong[i], result.status);
		ck_assert(says(result.err, "--help"));
		ck_assert_str_eq(result.out, "");
	}
}
END_TEST

START_TEST(help_and_version_go_to_standard_output)
{
	struct run result = run(LM " --help");

	ck_assert_int_eq(result.status, 0);
	ck_assert(says(result.out, "Usage: log-malloc"));
	ck_assert_str_eq(result.err, "");
	result = run(LM " -V");
	ck_assert_int_eq(result.status, 0);
	ck_assert(says(result.out, "log-malloc"));
}
END_TEST

START_TEST(options_end_at_the_command)
{
	ck_assert_str_eq(run(LM " -q -o t echo -o x -v --help").out, "-o x -v --help\n");
	ck_assert_str_eq(run(LM " -q -o t -- echo -- -q").out, "-- -q\n");
}
END_TEST

/* ---- what the command sees --------------------------------------------------- */

START_TEST(output_and_input_are_the_commands)
{
	static const char *const commands[] = {"ls -l \"$S\"", "sh -c 'echo out; echo err >&2; exit 3'", "sort -r",
	                                       "env -u LD_PRELOAD printf '%s|' 'a b' '' c"};

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		struct run plain = run("printf 'a\\nb\\n' | %s", commands[i]);
		struct run with = run("printf 'a\\nb\\n' | " LM " -q -o t %s", commands[i]);

		ck_assert_int_eq(with.status, plain.status);
		ck_assert_str_eq(with.out, plain.out);
		ck_assert_str_eq(with.err, plain.err);
	}
}
END_TEST

START_TEST(argv_0_is_as_typed)
{
	write_script("own-name", "#!/bin/sh\necho \"$0\"\n");
	ck_assert_str_eq(run(LM " -q -o t ./own-name").out, "./own-name\n");
	ck_assert_str_eq(run(LM " -q -o t sh -c 'tr \"\\0\" \" \" </proc/$$/cmdline | cut -c1-5'").out, "sh -c\n");
}
END_TEST

START_TEST(the_library_is_in_front_of_others_to_preload)
{
	struct run result = run("LD_PRELOAD=libm.so.6 " LM " -q -o t sh -c 'echo \"$LD_PRELOAD\"'");

	ck_assert(says(result.out, "liblog-malloc2.so:libm.so.6\n"));
	result = run("LD_PRELOAD= " LM " -q -o t sh -c 'echo \"$LD_PRELOAD\"'");
	ck_assert(says(result.out, "liblog-malloc2.so\n"));
}
END_TEST

START_TEST(the_limit_of_open_files_stays_as_it_was)
{
	struct run result = run("ulimit -Sn 256; " LM " -q -o t sh -c 'ulimit -Sn'");

	ck_assert_str_eq(result.out, "256\n");
	ck_assert_int_eq(run("grep -q '^+ INIT' t").status, 0);
	result = run("ulimit -n 256; " LM " -o t echo ran");
	ck_assert_int_eq(result.status, 2);
	ck_assert_str_eq(result.out, "");
	ck_assert(says(result.err, "limit of open files is 256"));
}
END_TEST

START_TEST(signals_that_were_ignored_stay_ignored_for_the_command)
{
	struct run result = run("trap '' HUP INT; " LM " -q -o t sh -c 'kill -HUP $$; kill -INT $$; echo alive'");

	ck_assert_str_eq(result.out, "alive\n");
	result = run(LM " -q -o t sh -c 'kill -INT $$; echo alive'");
	ck_assert_str_eq(result.out, "");
	ck_assert_int_eq(result.status, 130);
	/* Where the end of a child is ignored, no status could be had. */
	ck_assert_int_eq(run("trap '' CHLD; " LM " -q -o t sh -c 'exit 5'").status, 5);
}
END_TEST

START_TEST(signals_are_forwarded_or_left_to_the_command)
{
	static const struct {
		const char *name;
		int status;
	} signals[] = {{"TERM", 143}, {"HUP", 129}, {"USR1", 138}, {"USR2", 140}, {"INT", 0}, {"QUIT", 0}};

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		/* What sh starts in the background has INT and QUIT ignored already. */
		struct run result =
			run("mkfifo started.%zu\n"
		            "env --default-signal=INT,QUIT " LM " -q -o t sh -c 'echo >started.%zu; sleep 1' & pid=$!\n"
		            "read line <started.%zu; kill -%s $pid; wait $pid",
		            i, i, i, signals[i].name);

		ck_assert_msg(result.status == signals[i].status, "%s: %d", signals[i].name, result.status);
	}
}
END_TEST

/*
 * A process number is free for another process as soon as the command was waited for. strace keeps the launcher in
 * that wait for 0.3 s, while signals arrive.
 */
START_TEST(no_signal_goes_to_a_process_that_was_waited_for)
{
	struct run result;

	if (!have_command("strace") || run("strace -qq -e inject=wait4:delay_exit=1 true").status != 0) {
		skip("no_signal_goes_to_a_process_that_was_waited_for", "there is no strace that delays system calls");
		return;
	}
	result = run("strace -o calls -e trace=wait4,waitid,kill -e inject=wait4,waitid:delay_exit=300000 bash -c "
	             "'echo $$ >pid; exec " LM " -q -o t bash -c \": >ready; sleep 0.1\"' &\n"
	             "until [ -e ready ]; do sleep 0.01; done\n"
	             "while kill -TERM $(cat pid); do sleep 0.01; done 2>/dev/null; wait");
	ck_assert_int_eq(run("grep -q '^kill(.* = 0' calls").status, 0);
	ck_assert_int_eq(run("grep -q '^wait4(' calls").status, 0);
	result = run("sed '1,/^wait4(/d' calls | grep '^kill(\\|ESRCH'");
	ck_assert_str_eq(result.out, "");
}
END_TEST

/* ---- where the trace goes ----------------------------------------------------- */

START_TEST(without_a_name_the_trace_has_the_process_id)
{
	struct run result = run(LM " -q ls >/dev/null; ls; for f in log-malloc.*.trace; do head -n 1 $f; done");
	int listed, written;

	ck_assert_int_eq(sscanf(result.out, "log-malloc.%d.trace", &listed), 1);
	ck_assert_int_eq(sscanf(strchr(result.out, '#'), "# PID %d", &written), 1);
	ck_assert_int_eq(listed, written);
}
END_TEST

START_TEST(percent_p_is_the_process_id)
{
	struct run result = run(LM " -q -o 'a.%%p.100%%%%' sh -c 'echo $$'; ls a.*");
	int pid, named;

	ck_assert_int_eq(sscanf(result.out, "%d\na.%d.100%%\n", &pid, &named), 2);
	ck_assert_int_eq(pid, named);
	result = run("LOG_MALLOC_OUTPUT=b.%%p " LM " -q sh -c 'echo $$'; ls b.*");
	ck_assert_int_eq(sscanf(result.out, "%d\nb.%d\n", &pid, &named), 2);
	ck_assert_int_eq(pid, named);
}
END_TEST

START_TEST(a_trace_is_the_owners_alone_and_starts_empty)
{
	write_file("t", "old content\n", 12);
	ck_assert_int_eq(run("chmod 640 t; " LM " -q -o t ls; grep -c old t; stat -c %%a t").status, 0);
	ck_assert(says(run("grep -c old t; " LM " -q -o new true; stat -c %%a t new").out, "0\n640\n600\n"));
}
END_TEST

START_TEST(a_dash_is_standard_error)
{
	struct run result = run(LM " -o - ls /");

	ck_assert_int_eq(result.status, 0);
	ck_assert(says(result.err, "\n+ INIT ["));
	ck_assert(says(result.err, "\n+ malloc "));
	ck_assert(!says(result.out, "+ INIT"));
	ck_assert_str_eq(run("ls | grep -v '^run'").out, "");
}
END_TEST

START_TEST(an_open_descriptor_1022_is_used)
{
	struct run result;

	if (!can_run("an_open_descriptor_1022_is_used", "bash"))
		return;
	build_allocating("five", 5, "");
	result =
		run("bash -c '" LM " ./five 1022>t; " LM " ./five 1022>>t'; ls | grep -c trace; grep -c '^+ malloc' t");
	ck_assert_str_eq(result.out, "0\n10\n");
	/* Each counts its own. */
	ck_assert(says(strstr(result.err, "5 events, ") + 1, "5 events, "));
	/* -o goes first. */
	must(run("bash -c '" LM " -q -o other ./five 1022>t2'; test ! -s t2 && grep -q INIT other"));
}
END_TEST

START_TEST(a_fifo_gets_the_trace)
{
	struct run result = run("mkfifo pipe; cat pipe >copy & " LM
	                        " -o pipe ls / >/dev/null; wait; grep -c '^+ INIT\\|^+ FINI' copy");

	ck_assert_str_eq(result.out, "2\n");
	ck_assert(says(result.err, "the trace went to pipe"));
	ck_assert_int_eq(run(LM " -q -o /dev/null ls /").status, 0);
}
END_TEST

/* The format of the trace t that COMMAND writes. */
static void has_format(const char *command, const char *format)
{
	char expected[64];

	must(run("rm -f t pipe; mkfifo pipe; %s", command));
	snprintf(expected, sizeof expected, "# FORMAT %s\n", format);
	ck_assert_msg(strcmp(run("grep '^# FORMAT ' t | tr -d '\\r'").out, expected) == 0, "%s is not %s", command,
	              format);
}

START_TEST(a_file_is_compact_and_all_else_is_full)
{
	static const char *const compact[] = {
		LM " -q -o t ./three",
		LM " -q -o %% ./three; mv % t",
		"LOG_MALLOC_OUTPUT=t " LM " -q ./three",
		LM " -q ./three; mv log-malloc.*.trace t",
		"LOG_MALLOC_FORMAT= " LM " -q -o t ./three",
		"LOG_MALLOC_FORMAT=full " LM " -q --compact -o t ./three",
		LM " -q --full --comp -o t ./three",
		LM " -q --compact ./three 1022>t",
		LM " -q -o pipe --compact ./three & cat pipe >t; wait $!",
		LM " -q -f -o u sh -c './three; true'; mv u.* t",
	};
	static const char *const full[] = {
		LM " -q -o t --full ./three",
		LM " -q -o t --compact --full ./three",
		"LOG_MALLOC_FORMAT=full " LM " -q -o t ./three",
		"LOG_MALLOC_FORMAT=compact " LM " -q --full -o t ./three",
		LM " -q ./three 1022>t",
		LM " -q -o pipe ./three & cat pipe >t; wait $!",
		LM " -q -o - ./three 2>t",
		LM " -q -o /dev/stdout ./three | cat >t",
		LM " -q -f sh -c './three; true' 1022>u; mv u.* t",
		"LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=t ./three",
	};

	build_allocating("three", 3, "");
	for (size_t i = 0; i < sizeof compact / sizeof *compact; i++)
		has_format(compact[i], "compact");
	for (size_t i = 0; i < sizeof full / sizeof *full; i++)
		has_format(full[i], "full");
	if (can_run("a_file_is_compact_and_all_else_is_full", "script"))
		has_format("script -qec '" LM " -q -o /dev/tty ./three' /dev/null >t", "full");
}
END_TEST

START_TEST(of_a_trace_that_could_not_be_written_it_says_so)
{
	struct run result;

	build_allocating("many", 20000, "");
	result = run(LM " -o /dev/full ./many");
	ck_assert_int_eq(result.status, 0);
	ck_assert(
		says(result.err, "log-malloc: the trace could not be written to /dev/full: No space left on device\n"));
	result = run(LM " ./many 1022>/dev/full");
	ck_assert(
		says(result.err, "log-malloc: the trace could not be written to /dev/full: No space left on device\n"));
	/* The last reader is gone before the command ends, or stays to the end. The launcher sees that while it runs.
	 */
	build_allocating("slow", 20000, "-DWAIT_US=500000");
	result = run("mkfifo pipe; head -c 1000 pipe >/dev/null & " LM " -o pipe ./slow; wait");
	ck_assert(says(result.err,
	               "log-malloc: the trace went to pipe, whose reader went away: what it did not read is "
	               "missing\n"));
	result = run("cat pipe >/dev/null & " LM " -o pipe ./slow; wait");
	ck_assert(says(result.err, "log-malloc: the trace went to pipe, which can not be read again\n"));
	result = run(LM " ./many 1022> >(head -c 1000 >/dev/null)");
	ck_assert(says(result.err, ", whose reader went away: what it did not read is missing\n"));
	result = run("ulimit -f 100; " LM " -o limited ./many");
	ck_assert_int_eq(result.status, 0);
	ck_assert(says(result.err, " in limited, but what came then could not be written: File too large; next: "));
}
END_TEST

/* There may be no attribute to note the number in. Then the full disk itself is seen. */
START_TEST(nothing_could_be_written_is_not_the_tracker_was_not_at_work)
{
	struct run result;

	result =
		run("mkdir disk && mount -t tmpfs -o size=64k tmpfs disk || exit 77; head -c 1M /dev/zero >disk/filler "
	            "2>/dev/null; " LM " -o disk/t bash -c 'kill -9 $$'; umount disk");
	if (result.status == 77) {
		skip("nothing_could_be_written_is_not_the_tracker_was_not_at_work", "nothing can be mounted here");
		return;
	}
	ck_assert(!says(result.err, "not at work"));
	ck_assert_msg(says(result.err,
	                   "log-malloc: no event in disk/t: nothing could be written: No space left on device\n") ||
	                      says(result.err, " more could not be written\n"),
	              "%s", result.err);
}
END_TEST

START_TEST(a_trace_that_cannot_be_opened_is_trouble)
{
	struct run result = run(LM " -o nowhere/t echo ran");

	ck_assert_int_eq(result.status, 2);
	ck_assert_str_eq(result.out, "");
	ck_assert_str_eq(result.err, "log-malloc: cannot open the trace nowhere/t: No such file or directory\n");
	ck_assert_int_eq(run(LM " -o / echo ran").status, 2);
	ck_assert_int_eq(run(LM " -o $(printf '%%5000d' 0 | tr ' ' 0) echo ran").status, 2);
}
END_TEST

START_TEST(children_do_not_write_to_the_trace_and_exec_goes_on_with_it)
{
	must(run(LM " -q -o t sh -c 'ls; ls; exit 0' >/dev/null"));
	ck_assert_str_eq(run("grep -c '^# PID' t").out, "1\n");
	must(run(LM " -q -o t sh -c 'exec ls' >/dev/null"));
	ck_assert_str_eq(run("grep -c '^# PID' t; grep '^# PID' t | sort -u | wc -l; grep -c '^+ INIT' t").out,
	                 "2\n1\n2\n");
}
END_TEST

/* ---- what it says ------------------------------------------------------------- */

START_TEST(images_of_one_process_tell_once_where_the_trace_is)
{
	static const char *const ways[] = {"$B/log-malloc -o t", "$B/log-malloc -o t --compact",
	                                   "env LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=t"};

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct run result =
			run("%s bash -c 'exec bash -c \"exec env true\"' 2>&1 | grep -c '^[*][*][*] '", ways[i]);

		ck_assert_str_eq(result.out, "1\n");
		ck_assert_uint_eq(traced_read("t", false).inits, 4);
	}
}
END_TEST

START_TEST(the_closing_line_counts_events_and_bytes)
{
	build_allocating("seven", 7, "");
	struct run result = run(LM " -o t ./seven; grep -c '^+ [a-z]' t; wc -c <t");
	int events, bytes, counted, size;
	const char *line = strchr(result.err, '\n') + 1;

	ck_assert_int_eq(
		sscanf(line, "log-malloc: %d events, %d bytes in t; next: log-malloc-findleak t\n", &events, &bytes),
		2);
	ck_assert_int_eq(sscanf(result.out, "%d\n%d\n", &counted, &size), 2);
	ck_assert_int_eq(events, counted);
	ck_assert_int_eq(events, 7);
	ck_assert_int_eq(bytes, size);
	/* Packed records are no lines. */
	build_allocating("many", 20000, "");
	result = run(LM " -o t --packed ./many");
	ck_assert(says(result.err, "log-malloc: 20000 events, "));
	ck_assert(says(result.err, "; next: log-malloc-findleak t; as text: log-malloc-cat t\n"));
}
END_TEST

START_TEST(the_next_command_can_be_typed)
{
	build_allocating("one", 1, "");
	ck_assert(says(run(LM " -o \"it's a trace\" ./one").err, "1 event, "));
	ck_assert(says(run(LM " -o \"it's a trace\" ./one").err, "log-malloc-findleak 'it'\\''s a trace'\n"));
	ck_assert(says(run(LM " -o -- -t ./one 2>&1 || :; " LM " -o -t ./one").err, "log-malloc-findleak ./'-t'\n"));
}
END_TEST

START_TEST(quiet_says_nothing)
{
	struct run result = run(LM " -q -o t sh -c 'kill -9 $$'");

	ck_assert_int_eq(result.status, 137);
	ck_assert_str_eq(result.err, "");
	build_allocating("none", 0, "");
	ck_assert_str_eq(run(LM " --quiet --output=t ./none").err, "");
}
END_TEST

START_TEST(verbose_names_library_command_and_settings)
{
	char expected[4096];
	struct run result = run(LM " -v -o t --depth 5 --statm never sh -c :");

	snprintf(expected, sizeof expected, "log-malloc: library: %s/liblog-malloc2.so\n", getenv("LM_BUILD"));
	ck_assert(says(result.err, expected));
	ck_assert(says(result.err, "/sh\n"));
	ck_assert(says(result.err, "LOG_MALLOC_BACKTRACE_DEPTH: 5\n"));
	ck_assert(says(result.err, "LOG_MALLOC_STATM: never\n"));
	ck_assert(says(result.err, "LOG_MALLOC_FORMAT: compact\n"));
	ck_assert(says(run(LM " -v -o - sh -c :").err, "LOG_MALLOC_FORMAT: default\n"));
	result = run("LOG_MALLOC_FORMAT=full LOG_MALLOC_SIGNAL=USR1 " LM " -v -o t --compact --start on sh -c :");
	ck_assert(says(result.err, "LOG_MALLOC_FORMAT: compact\n"));
	ck_assert(says(result.err, "LOG_MALLOC_START: on\n"));
	ck_assert(says(result.err, "LOG_MALLOC_SIGNAL: USR1\n"));
}
END_TEST

START_TEST(a_run_without_events_says_why)
{
	build_allocating("none", 0, "");
	ck_assert(says(run(LM " -o t ./none").err, "no event in t: the command allocated nothing itself"));
}
END_TEST

/* With a copy of the library, what runs in another root directory is traced. */
static void a_copy_of_the_library_helps(void)
{
	struct run result = run("mkdir -p root$B && cp $B/liblog-malloc2.so root$B/ && " LM " -o t chroot root /three");

	ck_assert_int_eq(result.status, 0);
	ck_assert_msg(!says(result.err, "not traced"), "%s", result.err);
	ck_assert_str_eq(run("grep -c '^# EXE /three$' t").out, "1\n");
}

/* Not traced: without an environment, static, and where the loader finds no library. */
START_TEST(a_program_that_was_executed_and_not_traced_is_told)
{
	static const struct {
		const char *command, *exe, *help;
	} ways[] = {
		{"env -i ./three", "/env", " under the same path; "},
		{"env ./static", "/env", " a static program needs the tracker linked in; "},
		{"$B/tests/programs/exec_by.static execl $PWD/three", "/exec_by.static", "nothing is preloaded here: "},
		{"chroot root /three", "/chroot", "the loader needs a copy of "},
		{"unshare -R root /three", "/unshare", "the loader needs a copy of "},
	};

	build_allocating("three", 3, "");
	build_allocating("static", 3, "-static");
	must(run("mkdir root; for f in $(ldd three | grep -o '/[^ ]*'); do mkdir -p root${f%%/*}; cp $f root$f; done; "
	         "cp three root/"));
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct run result;
		char expected[128];

		if (i >= 3 && getuid() != 0) {
			skip("a_program_that_was_executed_and_not_traced_is_told", "only root can call chroot");
			return;
		}
		result = run(LM " -o t %s", ways[i].command);
		ck_assert_msg(result.status == 0, "%s: %d", ways[i].command, result.status);
		snprintf(expected, sizeof expected,
		         "%s executed then: that program was not traced; next: ", ways[i].exe);
		ck_assert_msg(says(result.err, " in t, but none of what ") && says(result.err, expected) &&
		                      says(result.err, ways[i].help),
		              "%s: %s", ways[i].command, result.err);
	}
	a_copy_of_the_library_helps();
}
END_TEST

/* Neither a command that ends in the ordinary way, nor one that is killed, nor one whose exec fails. */
START_TEST(otherwise_nothing_is_said_of_executed_programs)
{
	static const char *const commands[] = {"env ./three", "env nosuch", "sh -c 'kill -9 $$'", "./three",
	                                       "$B/tests/programs/processes _exit"};

	build_allocating("three", 3, "");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		ck_assert_msg(!says(run(LM " -o t %s", commands[i]).err, "not traced"), "%s", commands[i]);
}
END_TEST

START_TEST(of_a_child_that_executes_what_is_not_traced_it_is_told)
{
	build_allocating("three", 3, "");
	ck_assert(says(run("rm -f t t.*; " LM " -f -o t sh -c 'env -i ./three; true'").err,
	               "; it was killed, or executed a program that was not traced\n"));
	ck_assert(!says(run("rm -f t t.*; " LM " -f -o t sh -c 'env ./three; true'").err, "not traced"));
}
END_TEST

START_TEST(settings_reach_the_tracker)
{
	build_allocating("three", 3, "");
	must(run(LM " -q -o t --depth 1 --statm always ./three"));
	ck_assert_str_eq(
		run("grep -c '^+ malloc 10 .* #[0-9 ]*$' t; sed '1,/^+ INIT/d;/^+ FINI/,$d' t | grep -vc '^[+#]'").out,
		"3\n3\n");
	must(run(LM " -q -o t --depth 0 --statm never ./three"));
	ck_assert_str_eq(run("sed '1,/^+ INIT/d;/^+ FINI/,$d' t | grep -c ' #\\|^[^+#]'").out, "0\n");
	ck_assert_str_eq(
		run(LM " -q -o t --compact --start off --signal USR2 env | grep '^LOG_MALLOC_[FS]' | sort").out,
		"LOG_MALLOC_FORMAT=compact\nLOG_MALLOC_SIGNAL=USR2\nLOG_MALLOC_START=off\n");
	must(run(LM " -q -o t --compact ./three"));
	ck_assert_str_eq(run("grep -c '^# FORMAT compact$' t; grep -c '^+ malloc 10 .* bt=' t").out, "1\n3\n");
	ck_assert_str_eq(run(LM " -q -o t --packed env | grep '^LOG_MALLOC_FORMAT'").out, "LOG_MALLOC_FORMAT=packed\n");
}
END_TEST

START_TEST(tracing_can_begin_later)
{
	struct run result;

	build_allocating("three", 3, "");
	result = run(LM " -o t --start off ./three");
	ck_assert(says(result.err, "no event in t: tracing was off from the start"));
	result = run(LM " -o t --start off --signal SIGUSR1 sh -c 'kill -USR1 $$; a=1; b=$a$a; exit 3'");
	ck_assert_int_eq(result.status, 3);
	must(run("grep -q '^+ malloc' t"));
}
END_TEST

/* What a line says that --packed would have saved, in MiB; -1: nothing. */
static long long saving_in(const char *line)
{
	const char *said = strstr(line, "B (");
	long long mib;

	if (!said || !strstr(said, "%) less with --packed"))
		return -1;
	while (said[-1] != ',')
		said--;
	ck_assert_msg(sscanf(said, " about %lld MiB (", &mib) == 1, "%s", line);
	return mib;
}

/* The line of TEXT in which WHAT stands; fails if there is none. */
static const char *line_with(const char *text, const char *what)
{
	static char line[4096];
	const char *at = strstr(text, what), *end;

	ck_assert_msg(at, "no line with '%s': %s", what, text);
	while (at > text && at[-1] != '\n')
		at--;
	end = strchr(at, '\n');
	snprintf(line, sizeof line, "%.*s", (int)(end - at), at);
	return line;
}

/* 13 bytes an event instead of the trace's size, of which a little is no event. */
static void is_expected_saving(const char *line)
{
	long long events, bytes;

	ck_assert_msg(sscanf(line, "log-malloc: %lld events, %lld bytes in ", &events, &bytes) == 2, "%s", line);
	ck_assert_msg(llabs(saving_in(line) - ((bytes - 13 * events) >> 20)) <= 1, "%s", line);
}

static void build_pairs(void)
{
	static const char source[] = "#include <stdlib.h>\n"
				     "void *volatile p;\n"
				     "int main(int argc, char **argv)\n"
				     "{\n"
				     "	for (int i = 0; i < atoi(argv[argc - 1]); i++) {\n"
				     "		p = malloc(10);\n"
				     "		free(p);\n"
				     "	}\n"
				     "	return 0;\n"
				     "}\n";

	write_file("pairs.c", source, sizeof source - 1);
	must(run("$CC -O1 -fno-builtin -o pairs pairs.c"));
}

START_TEST(of_a_large_trace_it_says_what_packed_would_save)
{
	long long compact, packed;
	const char *line;
	struct run r;

	build_pairs();
	r = run(LM " -o u --packed ./pairs 1000000; " LM " -o t ./pairs 1000000; stat -c %%s t u");
	ck_assert_int_eq(sscanf(r.out, "%lld %lld", &compact, &packed), 2);
	line = line_with(strstr(r.err, " in u;"), "2000000 events");
	/* It is about what it really is. */
	ck_assert_msg(llabs(saving_in(line) - ((compact - packed) >> 20)) <= compact >> 24, "%lld: %s",
	              (compact - packed) >> 20, line);
	ck_assert_int_gt(saving_in(line), 20);
	ck_assert(strstr(line, " less with --packed; next: "));
	is_expected_saving(line);
	line = line_with(run(LM " -o t --full ./pairs 300000").err, "600000 events");
	ck_assert_int_gt(saving_in(line), 60);
	is_expected_saving(line);
	/* A trace that is not large has no need of it, and one that is packed has it. */
	ck_assert_int_eq(saving_in(run(LM " -o t ./pairs 500000").err), -1);
	ck_assert_int_eq(saving_in(run(LM " -o t --packed ./pairs 1000000").err), -1);
	must(run("rm t"));
}
END_TEST

/* Neither what the program writes itself nor its memory map is shorter in the packed format. */
START_TEST(what_packed_does_not_shorten_is_not_saved)
{
	static const char source[] = "#include <stdlib.h>\n"
				     "int log_malloc_trace_printf(const char *format, ...) __attribute__((weak));\n"
				     "int main(void)\n"
				     "{\n"
				     "	for (int i = 0; i < 90000; i++)\n"
				     "		log_malloc_trace_printf(\"# %0900d\\n\", i);\n"
				     "	free(malloc(10));\n"
				     "	return 0;\n"
				     "}\n";
	struct run r;

	write_file("telling.c", source, sizeof source - 1);
	r = must(run("$CC -O1 -fno-builtin -o telling telling.c && " LM " -o t ./telling && stat -c %%s t; rm t"));
	ck_assert_int_gt(strtol(r.out, NULL, 10), 70 << 20);
	ck_assert_msg(!says(r.err, "--packed"), "%s", r.err);
}
END_TEST

/* The traces of several processes may be large together. */
START_TEST(of_all_traces_of_a_run_it_says_what_packed_would_save)
{
	struct run result;

	build_pairs();
	result = run(LM " -f -o t sh -c './pairs 500000; ./pairs 500000; true'; rm t.*");
	ck_assert_int_eq(saving_in(line_with(result.err, " in t; next: ")), -1);
	ck_assert_int_gt(saving_in(line_with(result.err, "log-malloc: all traces together: ")), 20);
	/* One of them alone. */
	result = run(LM " -f -o t sh -c './pairs 1000000; true'; rm t.*");
	ck_assert_int_gt(saving_in(line_with(result.err, "log-malloc: all traces together: ")), 20);
	ck_assert_ptr_null(strstr(run(LM " -f -o t sh -c './pairs 300000; true'; rm t.*").err, "--packed"));
	ck_assert_ptr_null(strstr(run(LM " -f -o t --packed sh -c './pairs 1000000; true'; rm t.*").err, "together"));
	ck_assert_str_eq(run(LM " -q -f -o t sh -c './pairs 1000000; true'; rm t.*").err, "");
}
END_TEST

START_TEST(a_trace_that_is_not_there_any_more_is_not_named_as_if_it_were)
{
	static const char next[] = "; next: log-malloc-findleak ";
	struct run r = run("mkdir -p other; " LM " -o t sh -c 'mv t \"other/b c\"'; "
	                   "eval \"$B/$(" LM " -o u sh -c 'mv u other/d' 2>&1 | sed -n 's/.*next: //p')\"; ls t u");

	ck_assert_msg(says(r.err, ", which was moved to '") && says(r.err, "/other/b c'; next: log-malloc-findleak '/"),
	              "%s", r.err);
	ck_assert_ptr_nonnull(strstr(r.out, "Total: "));
	/* Another file in its place is not the trace. */
	r = run("rm -f t; " LM " -o t sh -c 'mv t other/e; echo new >t'");
	ck_assert_msg(says(r.err, "/other/e; next: log-malloc-findleak /"), "%s", r.err);
	r = run("rm -f t; " LM " -o t sh -c 'rm t'");
	ck_assert_msg(says(r.err, " in t; it is not there any more") && !says(r.err, next), "%s", r.err);
	r = run("rm -f t; " LM " -o t ls");
	ck_assert_msg(says(r.err, " in t; next: log-malloc-findleak t\n"), "%s", r.err);
}
END_TEST

/* ---- what is run --------------------------------------------------------------- */

START_TEST(the_interpreters_of_scripts_are_traced)
{
	static const struct {
		const char *name, *text, *out, *exe;
	} scripts[] = {{"plain", "#!/bin/sh\necho \"sh $1\"\n", "sh a\n", "sh"},
	               {"option", "#! /bin/sh -e\necho \"sh $1\"\n", "sh a\n", "sh"},
	               {"by-env", "#!/usr/bin/env sh\necho \"sh $1\"\n", "sh a\n", "sh"},
	               {"split", "#!/usr/bin/env -S X=1 sh -e\necho \"sh $1 $X\"\n", "sh a 1\n", "sh"},
	               {"nested", "#!./plain\n", "sh ./nested\n", "sh"},
	               {"unmarked", "echo \"sh $1\"\n", "sh a\n", "sh"}};

	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		write_script(scripts[i].name, scripts[i].text);
		struct run result = run(LM " -v -o t ./%s a", scripts[i].name);

		ck_assert_msg(strcmp(result.out, scripts[i].out) == 0, "%s: %s%s", scripts[i].name, result.out,
		              result.err);
		ck_assert(says(result.err, "sh\nlog-malloc: trace"));
		ck_assert_int_eq(run("grep -q '^+ INIT' t").status, 0);
	}
	ck_assert_str_eq(run("PATH=.:$PATH; " LM " -q -o t plain a").out, "sh a\n");
	ck_assert_str_eq(run("PATH=:$PATH; " LM " -q -o t plain a").out, "sh a\n");
}
END_TEST

START_TEST(scripts_that_cannot_run_say_why)
{
	write_script("lost", "#!/no/such/interpreter\n");
	write_script("lost-env", "#!/usr/bin/env no-such-interpreter\n");
	write_script("circle", "#!./circle\n");
	struct run result = run(LM " ./lost");

	ck_assert_int_eq(result.status, 127);
	ck_assert(says(result.err, "'/no/such/interpreter'"));
	ck_assert_int_eq(run(LM " ./lost-env").status, 127);
	ck_assert_int_eq(run(LM " ./circle").status, 126);
}
END_TEST

START_TEST(a_static_program_is_not_started)
{
	build_allocating("static", 2, "-static");
	write_script("by-static", "#!./static\n");
	struct run result = run(LM " -o t ./static");

	ck_assert_int_eq(result.status, 2);
	ck_assert(says(result.err, "./static is statically linked"));
	ck_assert(says(result.err, "pkg-config --static --libs log-malloc2-wrap"));
	ck_assert_ptr_null(read_file("t", NULL));
	ck_assert_int_eq(run(LM " -o t ./by-static").status, 2);
	build_allocating("static", 2, "-static-pie -fPIE");
	ck_assert_int_eq(run(LM " -o t ./static").status, 2);
}
END_TEST

START_TEST(a_program_with_the_tracker_in_it_runs_without_the_library)
{
	static const char *const flags[] = {
		"$(PKG_CONFIG_PATH=\"$B/pkgconfig\" pkg-config --cflags --libs log-malloc2-wrap)",
		"-static $(PKG_CONFIG_PATH=\"$B/pkgconfig\" pkg-config --static --libs "
		"log-malloc2-wrap)"};

	build_allocating("linked", 4, flags[_i]);
	struct run result = run(LM " -v -o t ./linked; grep -c '^+ malloc 10 ' t");

	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(result.out, "4\n");
	ck_assert(says(result.err, "library: none"));
	/* As a stripped program, too. */
	must(run("strip linked && " LM " -q -o t ./linked"));
}
END_TEST

START_TEST(the_loader_as_a_command_is_traced)
{
	build_allocating("two", 2, "");
	struct run result = run("interp=$(readelf -l two | sed -n 's/.*interpreter: \\(.*\\)]/\\1/p'); " LM
	                        " -q -o t $interp ./two; "
	                        "grep -c '^+ malloc 10 ' t");

	ck_assert_str_eq(result.out, "2\n");
}
END_TEST

/* Changes the ELF header of a program that runs here, and looks what is said. */
static struct run run_changed(size_t offset, const char *bytes, size_t len)
{
	size_t size;
	char *program;

	build_allocating("changed", 1, "");
	program = read_file("changed", &size);
	memcpy(program + offset, bytes, len);
	write_file("changed", program, size);
	return run(LM " -o t ./changed; echo $?");
}

START_TEST(a_program_for_another_machine_is_not_started)
{
	struct run result = run_changed(offsetof(Elf64_Ehdr, e_machine), "\x08\x00", 2);

	ck_assert_str_eq(result.out, "2\n");
	ck_assert(says(result.err, "./changed is a "));
	ck_assert(says(result.err, "-bit program for mips"));
}
END_TEST

START_TEST(a_program_of_the_other_class_is_not_started)
{
	/* No more than a header: that is as far as one has to look. */
	Elf32_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
	                     .e_type = ET_EXEC,
	                     .e_machine = EM_386,
	                     .e_version = EV_CURRENT,
	                     .e_ehsize = sizeof(Elf32_Ehdr)};
	struct run result;

	if (sizeof(void *) != 8) {
		skip("a_program_of_the_other_class_is_not_started", "this is a 32-bit machine");
		return;
	}
	write_file("small", (const char *)&header, sizeof header);
	result = run("chmod +x small; " LM " -o t ./small");
	ck_assert_int_eq(result.status, 2);
	ck_assert(says(result.err, "./small is a 32-bit program for i386, and this log-malloc traces 64-bit programs"));
}
END_TEST

START_TEST(a_program_of_another_libc_is_not_started)
{
	build_allocating("other", 1, "-Wl,--dynamic-linker=/lib/ld-musl-some.so.1");
	struct run result = run(LM " -o t ./other");

	ck_assert_int_eq(result.status, 2);
	ck_assert(says(result.err, "its loader is /lib/ld-musl-some.so.1"));
}
END_TEST

START_TEST(a_program_with_other_rights_is_not_started)
{
	struct run result;

	if (run("test \"$(id -u)\" = 0").status != 0) {
		skip("a_program_with_other_rights_is_not_started", "only root can make one");
		return;
	}
	build_allocating("raised", 1, "");
	result = run("chown 12345 raised && chmod 4755 raised && " LM " ./raised");
	ck_assert_int_eq(result.status, 2);
	ck_assert(says(result.err, "./raised is set-user-id"));
	result = run("chown 0:12345 raised && chmod 2755 raised && " LM " ./raised");
	ck_assert_int_eq(result.status, 2);
	ck_assert(says(result.err, "./raised is set-group-id"));
	/* One's own: nothing is raised. */
	ck_assert_int_eq(run("chown 0:0 raised && chmod 6755 raised && " LM " -q -o t ./raised").status, 0);
	result = run("chmod 755 raised && setcap cap_net_raw+ep raised && setpriv --reuid 12345 --clear-groups test -x "
	             "raised");
	if (result.status != 0) {
		skip("a_program_with_other_rights_is_not_started", "file capabilities can not be set here");
		return;
	}
	result = run("setpriv --reuid 12345 --clear-groups " LM " -o /dev/null ./raised");
	ck_assert_int_eq(result.status, 2);
	ck_assert(says(result.err, "./raised has file capabilities"));
}
END_TEST

START_TEST(the_library_is_found_where_it_was_installed)
{
	struct run result =
		run("mkdir -p usr/bin usr/lib && cp " LM " usr/bin && cp -L \"$B/liblog-malloc2.so\" usr/lib && "
	            "usr/bin/log-malloc -v -o t ls");

	ck_assert_int_eq(result.status, 0);
	ck_assert(says(result.err, "/usr/lib/liblog-malloc2.so\n"));
	/* Of a distribution's packages, that of the library has only the name with the number. */
	result = run("mv usr/lib/liblog-malloc2.so usr/lib/liblog-malloc2.so.1 && usr/bin/log-malloc -v -o t ls");
	ck_assert_int_eq(result.status, 0);
	ck_assert(says(result.err, "/usr/lib/liblog-malloc2.so.1\n"));
	result = run("mkdir -p 'a dir' && cp " LM
	             " \"$B/liblog-malloc2.so\" 'a dir' && 'a dir/log-malloc' -o t echo ran");
	ck_assert_int_eq(result.status, 2);
	ck_assert_str_eq(result.out, "");
	ck_assert(says(result.err, "a blank or colon"));
}
END_TEST

/* It is looked for beside the launcher, whose path is then told by its name. */
START_TEST(the_library_is_found_without_proc)
{
	static const char *const names[] = {"./log-malloc", "log-malloc"};

	ck_assert_int_eq(run("cp " LM " . && cp -L \"$B/liblog-malloc2.so\" .").status, 0);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct run result = run("PATH=$PWD:$PATH; unshare -m sh -c 'mount -t tmpfs none /proc || exit 77; "
		                        "exec \"$@\"' sh %s -q -o t echo ran",
		                        names[i]);

		if (result.status == 77 || result.status == 1) {
			skip("the_library_is_found_without_proc", "nothing can be mounted here");
			return;
		}
		ck_assert_str_eq(result.err, "");
		ck_assert_str_eq(result.out, "ran\n");
		ck_assert_int_eq(result.status, 0);
		ck_assert_str_eq(run("grep -c '^+ INIT ' t; rm t").out, "1\n");
	}
}
END_TEST

/* ---- the examples ----------------------------------------------------------------- */

START_TEST(the_demonstration_shows_file_and_line_for_both_flavours)
{
	struct run result = run("\"$S/examples/demo.sh\" \"$B\" && \"$S/examples/demo.sh\" \"$B\" | grep -c 'main "
	                        ".*leak-01\\.c:[0-9]'");

	ck_assert_msg(result.status == 0, "%s%s", result.out, result.err);
	ck_assert(says(result.out, "\n2\n"));
	ck_assert_int_eq(run("\"$S/examples/demo.sh\"").status, 2);
	ck_assert_int_ne(run("\"$S/examples/demo.sh\" /nowhere").status, 0);
}
END_TEST

START_TEST(the_trace_of_a_crash_is_complete)
{
	struct run result = run(LM " -q -o t \"$B/examples/segv-01\"; echo $?; \"$B/log-malloc-findleak\" t");

	ck_assert(says(result.out, "139\n"));
	ck_assert(says(result.out, "leaked 16 bytes"));
	ck_assert(says(result.out, "segv-01.c:"));
	ck_assert(says(result.err, "# FILE /proc/self/maps\n"));
}
END_TEST

START_TEST(the_examples_of_the_api_say_what_is_kept)
{
	struct run result = run(LM " -q -o t \"$B/examples/api-01\"; grep -c '^# SP-COMPARE start ' t");

	ck_assert_str_eq(result.out, "the cache keeps 128 bytes\nafter it was emptied: 0 bytes\n"
	                             "one more block: 9 bytes\nin use at the end: 0 bytes\n2\n");
	result = run("\"$B/examples/api-assert\"");
	ck_assert_int_eq(result.status, 134);
	ck_assert(says(result.err, "LOG_MALLOC_ASSERT(round) failed: expected 384 bytes in use, actual 448 (+64)"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("launcher");
	TCase *tests = tcase_create("launcher");

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, exit_status_is_the_commands);
	tcase_add_test(tests, death_by_a_signal_is_128_and_the_signal);
	tcase_add_test(tests, a_missing_command_is_127);
	tcase_add_test(tests, what_cannot_be_run_is_126);
	tcase_add_test(tests, wrong_usage_is_2_and_points_to_help);
	tcase_add_test(tests, help_and_version_go_to_standard_output);
	tcase_add_test(tests, options_end_at_the_command);
	tcase_add_test(tests, output_and_input_are_the_commands);
	tcase_add_test(tests, argv_0_is_as_typed);
	tcase_add_test(tests, the_library_is_in_front_of_others_to_preload);
	tcase_add_test(tests, the_limit_of_open_files_stays_as_it_was);
	tcase_add_test(tests, signals_that_were_ignored_stay_ignored_for_the_command);
	tcase_add_test(tests, signals_are_forwarded_or_left_to_the_command);
	tcase_add_test(tests, no_signal_goes_to_a_process_that_was_waited_for);
	tcase_add_test(tests, without_a_name_the_trace_has_the_process_id);
	tcase_add_test(tests, percent_p_is_the_process_id);
	tcase_add_test(tests, a_trace_is_the_owners_alone_and_starts_empty);
	tcase_add_test(tests, a_dash_is_standard_error);
	tcase_add_test(tests, an_open_descriptor_1022_is_used);
	tcase_add_test(tests, a_fifo_gets_the_trace);
	tcase_add_test(tests, a_file_is_compact_and_all_else_is_full);
	tcase_add_test(tests, of_a_trace_that_could_not_be_written_it_says_so);
	tcase_add_test(tests, nothing_could_be_written_is_not_the_tracker_was_not_at_work);
	tcase_add_test(tests, a_trace_that_cannot_be_opened_is_trouble);
	tcase_add_test(tests, children_do_not_write_to_the_trace_and_exec_goes_on_with_it);
	tcase_add_test(tests, images_of_one_process_tell_once_where_the_trace_is);
	tcase_add_test(tests, the_closing_line_counts_events_and_bytes);
	tcase_add_test(tests, the_next_command_can_be_typed);
	tcase_add_test(tests, quiet_says_nothing);
	tcase_add_test(tests, verbose_names_library_command_and_settings);
	tcase_add_test(tests, a_run_without_events_says_why);
	tcase_add_test(tests, a_program_that_was_executed_and_not_traced_is_told);
	tcase_add_test(tests, otherwise_nothing_is_said_of_executed_programs);
	tcase_add_test(tests, of_a_child_that_executes_what_is_not_traced_it_is_told);
	tcase_add_test(tests, settings_reach_the_tracker);
	tcase_add_test(tests, tracing_can_begin_later);
	tcase_add_test(tests, of_a_large_trace_it_says_what_packed_would_save);
	tcase_add_test(tests, what_packed_does_not_shorten_is_not_saved);
	tcase_add_test(tests, of_all_traces_of_a_run_it_says_what_packed_would_save);
	tcase_add_test(tests, a_trace_that_is_not_there_any_more_is_not_named_as_if_it_were);
	tcase_add_test(tests, the_interpreters_of_scripts_are_traced);
	tcase_add_test(tests, scripts_that_cannot_run_say_why);
	tcase_add_test(tests, a_static_program_is_not_started);
	tcase_add_loop_test(tests, a_program_with_the_tracker_in_it_runs_without_the_library, 0, 2);
	tcase_add_test(tests, the_loader_as_a_command_is_traced);
	tcase_add_test(tests, a_program_for_another_machine_is_not_started);
	tcase_add_test(tests, a_program_of_the_other_class_is_not_started);
	tcase_add_test(tests, a_program_of_another_libc_is_not_started);
	tcase_add_test(tests, a_program_with_other_rights_is_not_started);
	tcase_add_test(tests, the_library_is_found_where_it_was_installed);
	tcase_add_test(tests, the_library_is_found_without_proc);
	tcase_add_test(tests, the_demonstration_shows_file_and_line_for_both_flavours);
	tcase_add_test(tests, the_trace_of_a_crash_is_complete);
	tcase_add_test(tests, the_examples_of_the_api_say_what_is_kept);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
