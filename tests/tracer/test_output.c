/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Trouble with the trace while a program runs, beyond what tests/tracer/test_flavours.c
 * has: the program ends as it would have, and at most one line tells of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "traced.h"

/* Twice so many calls and their releases, with something between: journal and all. */
#define EVENTS "20000"

#define FULL  "log-malloc2: cannot write the trace, tracing stops: no space left on device\n"
#define AGAIN "log-malloc2: the trace can be written again, %llu events are missing\n"

static const struct flavour {
	const char *environment, *suffix;
} flavours[] = {{"LD_PRELOAD=$B/liblog-malloc2.so", ""}, {"", ".static"}};

enum { FLAVOURS = sizeof flavours / sizeof *flavours };

static void is_unaffected(const struct run *result)
{
	ck_assert_msg(result->status == 5, "%d, %s", result->status, result->err);
	ck_assert_str_eq(result->out, "40000\n");
}

static struct run run_faults(int flavour, const char *before, const char *command)
{
	return run("%s%s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t " PROGRAMS "faults%s " EVENTS " '%s'", before,
	           flavours[flavour].environment, flavours[flavour].suffix, command);
}

START_TEST(a_disk_that_fills_up)
{
	/* With room for the journal, and without; of all threads together the same. */
	static const struct {
		const char *size;
		int count, threads;
		bool has_journal;
	} cases[] = {{"5m", 20000, 1, true}, {"5m", 5000, 4, true}, {"1m", 20000, 1, false}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run result = run("mkdir -p small && mount -t tmpfs -o size=%s tmpfs small || exit 77; "
		                        "%s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=small/t " PROGRAMS "faults%s %d : %d"
		                        "; s=$?; cp small/t full; "
		                        "rm -f full.journal; [ ! -e small/t.journal ] || cp small/t.journal "
		                        "full.journal; ls small >names; umount small; exit $s",
		                        cases[i].size, flavours[_i].environment, flavours[_i].suffix, cases[i].count,
		                        cases[i].threads);
		struct traced trace;

		if (result.status == 77) {
			skip("a_disk_that_fills_up", "nothing can be mounted here");
			return;
		}
		is_unaffected(&result);
		ck_assert_str_eq(result.err, FULL);
		/* What the trace has no room for is in the journal. */
		ck_assert_str_eq(read_file("names", NULL), cases[i].has_journal ? "t\nt.journal\n" : "t\n");
		trace = traced_read("full", false);
		ck_assert_uint_eq(trace.malformed, 0);
		if (!cases[i].has_journal)
			continue;
		/* And the end, for which a place is kept there. */
		traced_is_sound_but_for_loss(&trace);
		/* Of all 40000. */
		ck_assert_uint_gt(trace.calls[LM_CALL_MALLOC], 8000);
	}
}
END_TEST

/* FINI and the map of 256 KiB and more are one record each: what there is no room for does not take FINI with it. */
START_TEST(the_end_stands_though_the_memory_map_finds_no_room)
{
	static const char *const rooms[] = {"80m", "5m"};

	for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
		bool has_room = i == 0;
		struct run result =
			run("mkdir -p small && mount -t tmpfs -o size=%s tmpfs small || exit 77; "
		            "%s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=small/t " PROGRAMS
		            "many_maps%s 40000; s=$?; cp small/t full; rm -f full.journal; "
		            "[ ! -e small/t.journal ] || cp small/t.journal full.journal; umount small; exit $s",
		            rooms[i], flavours[_i].environment, flavours[_i].suffix);
		struct traced trace;

		if (result.status == 77) {
			skip("the_end_stands_though_the_memory_map_finds_no_room",
			     "nothing can be mounted here, or no process can have 10000 mappings");
			return;
		}
		ck_assert_msg(result.status == 5, "%d, %s", result.status, result.err);
		ck_assert_str_eq(result.err, has_room ? "" : FULL);
		trace = traced_read("full", false);
		traced_is_sound_but_for_loss(&trace);
		ck_assert_int_eq(trace.lost > 0, !has_room);
		ck_assert_int_eq(run("grep -a -q '^# FILE /proc/self/maps' full").status, has_room ? 0 : 1);
		if (has_room)
			ck_assert_int_eq(run("test $(sed -n '/^# FILE/,$p' full | wc -l) -gt 10000").status, 0);
	}
}
END_TEST

/* On a tmpfs that has 5 MiB left, COMMAND is run and ends: its trace is "t", with its journal if that is still there.
 */
static struct run run_on_full_disk(const char *command)
{
	return run("mkdir -p disk && mount -t tmpfs -o size=80m tmpfs disk || exit 77; "
	           "head -c $((75 * 1048576)) /dev/zero >disk/filler; export LOG_MALLOC_QUIET=1; %s; s=$?; rm -f t "
	           "t.journal; "
	           "cp disk/t t; [ ! -e disk/t.journal ] || cp disk/t.journal .; umount disk; exit $s",
	           command);
}

START_TEST(a_process_that_is_killed_on_a_full_disk)
{
	char command[512];
	struct run result;

	snprintf(command, sizeof command, "%s LOG_MALLOC_OUTPUT=disk/t " PROGRAMS "faults%s " EVENTS " 'kill -9 $PPID'",
	         flavours[_i].environment, flavours[_i].suffix);
	result = run_on_full_disk(command);
	if (result.status == 77) {
		skip("a_process_that_is_killed_on_a_full_disk", "nothing can be mounted here");
		return;
	}
	ck_assert_int_eq(result.status, 137);
	/* Then the shell's line. */
	ck_assert_msg(strncmp(result.err, FULL, strlen(FULL)) == 0, "%s", result.err);
	ck_assert_ptr_nonnull(read_file("t.journal", NULL));
	result = run("$B/log-malloc-findleak -n t");
	ck_assert_str_eq(result.err, "");
	ck_assert_ptr_nonnull(strstr(result.out, "; the trace ends early\n"));
	/* All but one of a hundred are released, and of the rest one was perhaps not written any more. */
	ck_assert_uint_le(traced_read("t", false).heap.blocks, 20000 / 100 + 20);
}
END_TEST

START_TEST(the_launcher_says_what_is_missing)
{
	static const char *const commands[] = {"rm disk/filler; sleep 0.3", ":"};
	char command[512];

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		struct run result;
		struct traced trace;
		char expected[256];

		snprintf(command, sizeof command, "$B/log-malloc -o disk/t --full " PROGRAMS "faults%s " EVENTS " '%s'",
		         flavours[_i].suffix, commands[i]);
		result = run_on_full_disk(command);
		if (result.status == 77) {
			skip("the_launcher_says_what_is_missing", "nothing can be mounted here");
			return;
		}
		is_unaffected(&result);
		trace = traced_read("t", false);
		ck_assert_uint_eq(trace.malformed, 0);
		if (i == 0)
			snprintf(expected, sizeof expected, " bytes in disk/t, %llu more could not be written; next: ",
			         (unsigned long long)trace.lost);
		else
			snprintf(expected, sizeof expected,
			         "log-malloc: disk/t.journal: the end of the trace stays in this file, for the "
			         "commands to read: No space left on device\n");
		ck_assert_msg(strstr(result.err, expected) != NULL, "%s", result.err);
		traced_is_sound_but_for_loss(&trace);
	}
}
END_TEST

/* Does a tmpfs keep the attributes of files that the tracker notes what is missing in? 77: nothing can be mounted. */
static int tmpfs_keeps_attributes(void)
{
	struct run result = run("mkdir -p disk && mount -t tmpfs tmpfs disk && >disk/t || exit 77");
	int keeps;

	if (result.status != 0)
		return 77;
	keeps = run("python3 -c 'import os; os.setxattr(\"disk/t\", \"user.x\", b\"1\")'").status == 0;
	run("umount disk");
	return keeps;
}

/* The sum of the numbers in front of each WHAT in TEXT. */
static unsigned long long sum_before(const char *text, const char *what)
{
	unsigned long long sum = 0;

	for (const char *at = text; (at = strstr(at, what)); at++) {
		const char *number = at;

		while (number > text && number[-1] >= '0' && number[-1] <= '9')
			number--;
		sum += strtoull(number, NULL, 10);
	}
	return sum;
}

/* Not a byte has room: no trace can say what is missing, neither the command's, nor a child's, nor one behind exec. */
START_TEST(the_launcher_counts_what_a_disk_took_nothing_of)
{
	static const struct {
		const char *name, *before, *command;
	} cases[] = {
		{"a process", "", ":"},
		{"an exec", "env", ":"},
		{"a child", "", PROGRAMS "faults.static 3000 :"},
	};
	int keeps = tmpfs_keeps_attributes();

	if (keeps != 1) {
		skip("the_launcher_counts_what_a_disk_took_nothing_of",
		     keeps ? "nothing can be mounted here" : "this kernel keeps no attributes on a tmpfs");
		return;
	}
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		static const char *const command =
			"%s -f -o %s/t %s " PROGRAMS "faults%s " EVENTS " '%s >/dev/null; :'";
		char full[1024], empty[1024];
		unsigned long long all, lost;
		struct run result;

		snprintf(empty, sizeof empty, command, LM, ".", cases[i].before, flavours[_i].suffix, cases[i].command);
		result = run("export LOG_MALLOC_QUIET=1; %s", empty);
		is_unaffected(&result);
		all = sum_before(result.err, " event");
		snprintf(full, sizeof full, command, LM, "disk", cases[i].before, flavours[_i].suffix,
		         cases[i].command);
		result = run("mount -t tmpfs -o size=256k tmpfs disk || exit 77; head -c 1M /dev/zero >disk/filler "
		             "2>/dev/null; export LOG_MALLOC_QUIET=1; %s; s=$?; umount disk; exit $s",
		             full);
		is_unaffected(&result);
		lost = sum_before(result.err, " more could not be written");
		ck_assert_msg(lost == all && all > 40000, "%s: %llu of %llu: %s", cases[i].name, lost, all, result.err);
		ck_assert_msg(strstr(result.err, "log-malloc: 0 events, 0 bytes in disk/t, ") != NULL, "%s",
		              result.err);
		ck_assert_ptr_null(strstr(result.err, "at least"));
	}
}
END_TEST

/* A process that is killed counts nothing any more. The number that was noted 100 ms before is not all. */
START_TEST(the_launcher_names_what_a_killed_process_lost)
{
	char command[512];
	struct run result;

	snprintf(command, sizeof command,
	         "$B/log-malloc -o disk/t --full " PROGRAMS "faults%s " EVENTS " 'kill -9 $PPID'", flavours[_i].suffix);
	result = run_on_full_disk(command);
	if (result.status == 77 || tmpfs_keeps_attributes() != 1) {
		skip("the_launcher_names_what_a_killed_process_lost", "nothing can be mounted or noted here");
		return;
	}
	ck_assert_int_eq(result.status, 137);
	ck_assert_msg(strstr(result.err, " more could not be written; next: ") != NULL &&
	                      strstr(result.err, "/t, at least ") != NULL,
	              "%s", result.err);
}
END_TEST

/* A command reads the same number; and a trace that has room again has it in a line, once. */
START_TEST(what_is_missing_is_told_once_and_to_the_commands)
{
	static const char *const commands[] = {":", "rm disk/filler; sleep 0.3"};

	if (tmpfs_keeps_attributes() != 1) {
		skip("what_is_missing_is_told_once_and_to_the_commands", "nothing can be mounted or noted here");
		return;
	}
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		struct run result =
			run("mount -t tmpfs -o size=80m tmpfs disk || exit 77; head -c 90M /dev/zero >disk/filler "
		            "2>/dev/null; truncate -s -64K disk/filler; export LOG_MALLOC_QUIET=1; "
		            "$B/log-malloc -o disk/t env " PROGRAMS "faults%s " EVENTS
		            " '%s'; s=$?; $B/log-malloc-findleak --format json disk/t | "
		            "jq -s '[.[].lost] | add' >lost; umount disk; exit $s",
		            flavours[_i].suffix, commands[i]);

		is_unaffected(&result);
		ck_assert_uint_gt(strtoull(read_file("lost", NULL), NULL, 10), 0);
		ck_assert_uint_eq(strtoull(read_file("lost", NULL), NULL, 10),
		                  sum_before(result.err, " more could not be written"));
	}
}
END_TEST

/* The next program in the process has to bring out what the one before left, and its own beginning. */
START_TEST(an_exec_on_a_full_disk)
{
	char command[1024];
	struct run result;
	struct traced trace;

	snprintf(command, sizeof command,
	         "%s LOG_MALLOC_OUTPUT=disk/t LD_PRELOAD=$B/liblog-malloc2.so bash -c 'x=; for ((i = 0; i < 8000; "
	         "i++)); do "
	         "x=a$i.$x; x=${x:0:100}; done; exec " PROGRAMS "faults%s " EVENTS " \"rm disk/filler; sleep 0.3\"'",
	         flavours[_i].environment, flavours[_i].suffix);
	result = run_on_full_disk(command);
	if (result.status == 77) {
		skip("an_exec_on_a_full_disk", "nothing can be mounted here");
		return;
	}
	is_unaffected(&result);
	trace = traced_read("t", false);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert_uint_eq(trace.inits, 2);
	ck_assert_uint_eq(trace.finis, 1);
	ck_assert_uint_gt(trace.lost, 0);
	ck_assert_ptr_null(read_file("t.journal", NULL));
}
END_TEST

START_TEST(a_terminal_that_is_hung_up)
{
	static const char *const script = "import os, pty, sys\n"
					  "master, slave = pty.openpty()\n"
					  "child = os.fork()\n"
					  "if child == 0:\n"
					  "    os.close(master)\n"
					  "    os.dup2(slave, 1022)\n"
					  "    os.execvp(sys.argv[1], sys.argv[1:])\n"
					  "os.close(slave)\n"
					  "os.read(master, 1000)\n"
					  "os.close(master)\n"
					  "status = os.waitpid(child, 0)[1]\n"
					  "sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 100)\n";
	struct run result;

	if (!can_run("a_terminal_that_is_hung_up", "python3"))
		return;
	write_file("hangup.py", script, strlen(script));
	result = run("python3 hangup.py env LOG_MALLOC_QUIET=1 %s " PROGRAMS "faults%s " EVENTS,
	             flavours[_i].environment, flavours[_i].suffix);
	is_unaffected(&result);
	ck_assert_str_eq(result.err, "log-malloc2: cannot write the trace, tracing stops: input/output error\n");
}
END_TEST

/* What is left of a tmpfs of 80 MiB, and what else tells how the trace is written. */
static const struct disk {
	const char *room, *settings, *redirections;
	int count, threads;
} disks[] = {
	/* By a ring. */
	{"5m", "LOG_MALLOC_FORMAT=full", "", 20000, 1},
	{"5m", "LOG_MALLOC_FORMAT=full", "", 15000, 4},
	{"5m", "LOG_MALLOC_FORMAT=compact", "", 70000, 4},
	/* Each record at once, as there is no room for a journal; then there is. */
	{"1m", "LOG_MALLOC_FORMAT=full", "", 20000, 1},
	{"1m", "LOG_MALLOC_FORMAT=full", "", 15000, 4},
	{"1m", "LOG_MALLOC_FORMAT=compact", "", 30000, 4},
	/* Each record at once in any case, since the file is not the trace's alone. */
	{"1m", "LOG_MALLOC_FORMAT=full", "<disk/t", 20000, 1},
	{"1m", "LOG_MALLOC_FORMAT=compact", "<disk/t", 30000, 4},
	/* Not even the beginning of the trace. */
	{"0", "LOG_MALLOC_FORMAT=compact", "", 30000, 4},
};

enum { DISKS = sizeof disks / sizeof *disks };

/* Room comes in the middle of the program. */
static struct run run_on_disk(const struct disk *disk, int flavour)
{
	return run("mkdir -p disk && mount -t tmpfs -o size=80m tmpfs disk || exit 77; >disk/t; "
	           "r=%s; head -c $((80 * 1048576 - ${r%%m} * 1048576)) /dev/zero >disk/filler 2>/dev/null; "
	           "%s %s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=disk/t " PROGRAMS
	           "faults%s %d 'rm disk/filler; sleep 0.3' %d"
	           " %s; s=$?; cp disk/t t; ls disk >names; umount disk; exit $s",
	           disk->room, disk->settings, flavours[flavour].environment, flavours[flavour].suffix, disk->count,
	           disk->threads, disk->redirections);
}

/* What others of several threads lose just then, or when the disk was full once more, comes too late for the line. */
static void tells_of_loss(const char *err, const struct traced *trace, int threads)
{
	unsigned long long lost = 0;
	int len = 0;

	ck_assert_msg(sscanf(err, FULL AGAIN "%n", &lost, &len) == 1 && len && err[len] == '\0', "%s", err);
	ck_assert_uint_le(lost, trace->lost);
	ck_assert_uint_gt(lost, 0);
	ck_assert(threads > 1 || lost == trace->lost);
}

START_TEST(a_disk_that_has_room_again)
{
	for (size_t i = 0; i < DISKS; i++) {
		const struct disk *disk = &disks[i];
		struct run result = run_on_disk(disk, _i), sound;
		struct traced trace, other;
		char expected[256];

		if (result.status == 77) {
			skip("a_disk_that_has_room_again", "nothing can be mounted here");
			return;
		}
		trace = traced_read("t", false);
		traced_is_sound_but_for_loss(&trace);
		ck_assert_uint_eq(trace.inits, 1);
		ck_assert_uint_gt(trace.lost, 0);
		ck_assert_uint_gt(trace.behind_loss, (uint64_t)disk->count);
		ck_assert_int_eq(result.status, 5);
		snprintf(expected, sizeof expected, "%d\n", 2 * disk->count * disk->threads);
		ck_assert_str_eq(result.out, expected);
		tells_of_loss(result.err, &trace, disk->threads);
		ck_assert_str_eq(read_file("names", NULL), "t\n");
		/* The books do not depend on it. */
		sound = run("%s %s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t " PROGRAMS "faults%s %d : %d", disk->settings,
		            flavours[_i].environment, flavours[_i].suffix, disk->count, disk->threads);
		ck_assert_int_eq(sound.status, 5);
		other = traced_read("t", false);
		traced_is_sound(&other);
		ck_assert_int_eq(trace.fini.used, other.fini.used);
	}
}
END_TEST

START_TEST(a_limit_of_file_sizes)
{
	/* In units of 1024 bytes: without room for a journal, and with. */
	static const char *const limits[] = {"ulimit -f 3000; ", "ulimit -f 4300; ", "trap '' XFSZ; ulimit -f 3000; "};

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct run result = run_faults(_i, limits[i], ":");

		is_unaffected(&result);
		ck_assert_str_eq(result.err, "log-malloc2: cannot write the trace, tracing stops: file too large\n");
		ck_assert_uint_eq(traced_read("t", false).malformed, 0);
		/* It stays where it has more than the trace. */
		ck_assert_int_eq(run("test -e t.journal").status, i != 1);
		run("rm -f t t.journal");
	}
}
END_TEST

/* More of them than its size and a quarter of a megabyte, of the file T. */
static int has_blocks_to_spare(void)
{
	return run("test $(($(stat -c '%%b * %%B' t) - $(stat -c %%s t))) -gt 262144").status == 0;
}

START_TEST(a_trace_takes_no_more_of_the_disk_than_it_needs)
{
	struct run result = run_faults(_i, "", "sync t");

	is_unaffected(&result);
	ck_assert(!has_blocks_to_spare());
	/* Of one that is killed, the launcher sees to that. */
	result = run("$B/log-malloc -q -o t " PROGRAMS "faults%s " EVENTS " 'kill -9 $PPID'", flavours[_i].suffix);
	ck_assert_int_eq(result.status, 128 + 9);
	ck_assert(!has_blocks_to_spare());
}
END_TEST

START_TEST(a_trace_that_is_removed)
{
	struct run result = run_faults(_i, "", "rm t");

	is_unaffected(&result);
	ck_assert_str_eq(result.err, "");
	ck_assert_str_eq(run("ls | grep -c '^t'").out, "0\n");
}
END_TEST

START_TEST(a_trace_that_is_truncated)
{
	struct run result = run_faults(_i, "", ": >t");
	struct traced trace;

	is_unaffected(&result);
	ck_assert_str_eq(result.err, "");
	/* Written on where it was: what is left has an end. */
	trace = traced_read("t", false);
	ck_assert_uint_eq(trace.finis, 1);
	ck_assert_uint_le(trace.malformed, 1);
}
END_TEST

START_TEST(a_journal_that_is_removed)
{
	struct run result = run_faults(_i, "", "rm t.journal");
	struct traced trace = traced_read("t", false);

	is_unaffected(&result);
	ck_assert_str_eq(result.err, "");
	traced_is_sound(&trace);
}
END_TEST

START_TEST(a_slow_pipe_that_does_not_block)
{
	/* perl makes it so; the description is the program's as well. */
	struct run result = run("perl -MFcntl -e 'pipe(R, W); fcntl(W, F_SETFL, O_NONBLOCK); "
	                        "unless (fork) { close W; while (sysread(R, $b, 50000)) { print $b; "
	                        "select(undef, undef, undef, 0.002) } exit } close R; open(STDERR, \">&W\"); "
	                        "close W; exec @ARGV' bash -c '%s LOG_MALLOC_QUIET=1 " PROGRAMS "faults%s 5000 "
	                        "1022>&2 2>/dev/null >out; echo $? >status' >t; sleep 0.5",
	                        flavours[_i].environment, flavours[_i].suffix);
	struct traced trace = traced_read("t", false);

	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(read_file("status", NULL), "5\n");
	ck_assert_str_eq(read_file("out", NULL), "10000\n");
	traced_is_sound(&trace);
}
END_TEST

START_TEST(a_standard_error_that_nobody_reads)
{
	/* The banner and the line that tracing stops go there, too; to SIGPIPE the program would not answer. */
	struct run result =
		run("{ sleep 0.2; %s " PROGRAMS "faults%s " EVENTS " 2>&1 1022>&1 >out; echo $? >status; } | :",
	            flavours[_i].environment, flavours[_i].suffix);

	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(read_file("status", NULL), "5\n");
	ck_assert_str_eq(read_file("out", NULL), "40000\n");
}
END_TEST

START_TEST(a_place_that_can_only_be_read)
{
	struct run result;

	if (run("test -w /proc/version").status == 0 && run("echo >/proc/version").status == 0) {
		skip("a_place_that_can_only_be_read", "/proc can be written to");
		return;
	}
	result = run("%s LOG_MALLOC_OUTPUT=/proc/no-such-trace " PROGRAMS "faults%s " EVENTS, flavours[_i].environment,
	             flavours[_i].suffix);
	is_unaffected(&result);
	ck_assert_msg(strncmp(result.err, "log-malloc2: cannot open the trace /proc/no-such-trace: ", 54) == 0 &&
	                      strchr(result.err, '\n')[1] == '\0',
	              "%s", result.err);
}
END_TEST

/* ---- descriptors ---- */

/* Few of the kernel's calls are left to it: not even the one that tells the tracker which process it is in. */
START_TEST(a_program_that_may_ask_the_kernel_for_little_runs_on)
{
	static const int before[] = {10, 2000}; /* without the ring, and with it */

	for (int i = 0; i < 2; i++) {
		struct run result = run("%s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=trace " PROGRAMS "filtered%s %d 3000",
		                        flavours[_i].environment, flavours[_i].suffix, before[i]);
		struct traced trace;

		if (result.status == 3) {
			skip("a_program_that_may_ask_the_kernel_for_little_runs_on",
			     "the kernel has no seccomp filters");
			return;
		}
		ck_assert_msg(result.status == 0, "%d, %s", result.status, result.err);
		ck_assert_str_eq(result.out, "done\n");
		ck_assert_str_eq(result.err,
		                 "log-malloc2: cannot write the trace, tracing stops: operation not permitted\n");
		trace = traced_read("trace", false);
		ck_assert_uint_eq(trace.malformed, 0);
		ck_assert_uint_ge(trace.calls[LM_CALL_MALLOC], (unsigned)before[i]);
	}
}
END_TEST

START_TEST(descriptors_that_are_closed_in_one_go)
{
	static const char *const cases[] = {"range", "limit"};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run result = run("%s LOG_MALLOC_QUIET=1 " PROGRAMS "descriptors%s %s mine 1022>t",
		                        flavours[_i].environment, flavours[_i].suffix, cases[i]);
		struct traced trace = traced_read("t", false);

		if (result.status == 77) {
			skip("descriptors_that_are_closed_in_one_go", "the kernel does not know how");
			continue;
		}
		ck_assert_int_eq(result.status, 0);
		ck_assert_str_eq(result.err, "");
		ck_assert_str_eq(read_file("mine", NULL), "mine");
		traced_is_sound(&trace);
		ck_assert_str_eq(run("grep -c '^+ malloc 60 ' t").out, "100\n");
	}
}
END_TEST

START_TEST(a_trace_that_is_out_of_reach_ends_with_one_line)
{
	struct run result =
		run("mkdir -p cage; %s LOG_MALLOC_QUIET=1 " PROGRAMS "descriptors%s chroot mine cage 1022>t",
	            flavours[_i].environment, flavours[_i].suffix);

	if (result.status == 77) {
		skip("a_trace_that_is_out_of_reach_ends_with_one_line", "only root can chroot");
		return;
	}
	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(result.err,
	                 "log-malloc2: cannot write the trace, tracing stops: the program closed its descriptor\n");
	ck_assert_str_eq(read_file("mine", NULL), "mine");
	ck_assert_uint_eq(traced_read("t", false).malformed, 0);
}
END_TEST

START_TEST(a_limit_of_descriptors_under_1022_is_enough)
{
	struct run result = run("%s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t bash -c 'ulimit -n 20; exec " PROGRAMS
	                        "descriptors%s nothing mine'",
	                        flavours[_i].environment, flavours[_i].suffix);

	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(result.err, "");
	ck_assert_str_eq(run("grep -c '^+ malloc 60 ' t").out, "100\n");
}
END_TEST

START_TEST(a_machine_without_proc_does)
{
	struct run result = run("unshare -m sh -c 'mount -t tmpfs none /proc || exit 77; exec \"$@\"' sh "
	                        "env %s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t " PROGRAMS "faults%s " EVENTS,
	                        flavours[_i].environment, flavours[_i].suffix);
	struct traced trace;

	if (result.status == 77 || result.status == 1) {
		skip("a_machine_without_proc_does", "nothing can be mounted here");
		return;
	}
	is_unaffected(&result);
	ck_assert_str_eq(result.err, "");
	trace = traced_read("t", false);
	traced_is_sound(&trace);
}
END_TEST

/* ---- which descriptors are there --------------------------------------------------- */

/* The numbers that log-malloc(1) names, those from FIRST on, a line each. */
static const char *documented(int first)
{
	return must(run("sed -n '/^.Ss Descriptors/,/^.El/ s/^.It Li //p' $S/man/log-malloc.1 | awk '$1 >= %d'", first))
	        .out;
}

START_TEST(no_descriptor_is_open_that_the_manual_does_not_name)
{
	static const struct {
		const char *before, *behind;
		int first;
	} ways[] = {
		{"", "1022>t", 1022},
		{"LOG_MALLOC_OUTPUT=t", "", 1023},
	};
	static const char more[] = "descriptors%s list %s | { grep -vxFf untraced || true; }";

	if (run("grep -q UNWIND=libunwind $B/variant").status == 0) {
		skip("no_descriptor_is_open_that_the_manual_does_not_name", "libunwind has a pipe of its own");
		return;
	}
	must(run("{ echo none; " PROGRAMS "descriptors list; } >untraced"));
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		char command[256];
		struct run result;

		snprintf(command, sizeof command, more, flavours[_i].suffix, ways[i].behind);
		result = run("%s LOG_MALLOC_QUIET=1 %s " PROGRAMS "%s", flavours[_i].environment, ways[i].before,
		             command);
		ck_assert_str_eq(result.out, documented(ways[i].first));
		/* Without statm, there is one less; with a low limit, the numbers are lower. */
		result = run("%s LOG_MALLOC_QUIET=1 LOG_MALLOC_STATM=never %s " PROGRAMS "%s | tail -n 1",
		             flavours[_i].environment, ways[i].before, command);
		ck_assert_str_eq(result.out, "4080\n");
	}
	ck_assert_str_eq(run("ulimit -n 256; %s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t " PROGRAMS
	                     "descriptors%s list | grep -vxFf untraced",
	                     flavours[_i].environment, flavours[_i].suffix)
	                         .out,
	                 "240\n241\n");
}
END_TEST

/* Neither the launcher's nor the tracker's of another process. */
START_TEST(a_command_and_its_children_have_no_others)
{
	struct run result;

	if (run("grep -q UNWIND=libunwind $B/variant").status == 0)
		return;
	must(run("{ echo none; " PROGRAMS "descriptors list; } >untraced"));
	result = run(LM " -q -o t " PROGRAMS "descriptors%s list | grep -vxFf untraced", flavours[_i].suffix);
	ck_assert_str_eq(result.out, documented(0));
	/* The child's own trace is on no 1022, but it inherits its parent's. */
	result = run(LM " -f -q -o t sh -c '" PROGRAMS "descriptors%s list; true' | grep -vxFf untraced",
	             flavours[_i].suffix);
	ck_assert_str_eq(result.out, documented(0));
	result = run(LM " -q -o t sh -c '" PROGRAMS "descriptors%s list; true' | grep -vxFf untraced",
	             flavours[_i].suffix);
	ck_assert_str_eq(result.out, "1022\n");
}
END_TEST

/* Each thread's 40th write takes 3 seconds, which is more than a ring that does not move is given. */
START_TEST(a_write_that_takes_seconds)
{
	struct run result;
	struct traced trace;

	if (!have_command("strace") || run("strace -qq -e inject=writev:delay_enter=1 true").status != 0) {
		skip("a_write_that_takes_seconds", "there is no strace that delays system calls");
		return;
	}
	result = run("strace -f -qq -o calls -e trace=writev -e inject=writev:delay_enter=3000000:when=40 "
	             "env %s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t " PROGRAMS "threads%s 4 20000 >live",
	             flavours[_i].environment, flavours[_i].suffix);
	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(result.err, "");
	ck_assert_int_eq(run("grep -q DELAYED calls").status, 0);
	trace = traced_read("t", false);
	traced_is_sound(&trace);
	ck_assert_ptr_null(read_file("t.journal", NULL));
}
END_TEST

#define EACH(test) TIMES(test, FLAVOURS)

int main(void)
{
	Suite *suite = suite_create("output");

	EACH(a_disk_that_fills_up);
	EACH(a_disk_that_has_room_again);
	EACH(the_end_stands_though_the_memory_map_finds_no_room);
	EACH(a_process_that_is_killed_on_a_full_disk);
	EACH(the_launcher_says_what_is_missing);
	EACH(the_launcher_counts_what_a_disk_took_nothing_of);
	EACH(the_launcher_names_what_a_killed_process_lost);
	EACH(what_is_missing_is_told_once_and_to_the_commands);
	EACH(an_exec_on_a_full_disk);
	EACH(a_terminal_that_is_hung_up);
	EACH(a_limit_of_file_sizes);
	EACH(a_trace_takes_no_more_of_the_disk_than_it_needs);
	EACH(a_trace_that_is_removed);
	EACH(a_trace_that_is_truncated);
	EACH(a_journal_that_is_removed);
	EACH(a_slow_pipe_that_does_not_block);
	EACH(no_descriptor_is_open_that_the_manual_does_not_name);
	EACH(a_command_and_its_children_have_no_others);
	EACH(a_write_that_takes_seconds);
	EACH(a_standard_error_that_nobody_reads);
	EACH(a_place_that_can_only_be_read);
	EACH(a_program_that_may_ask_the_kernel_for_little_runs_on);
	EACH(descriptors_that_are_closed_in_one_go);
	EACH(a_trace_that_is_out_of_reach_ends_with_one_line);
	EACH(a_limit_of_descriptors_under_1022_is_enough);
	EACH(a_machine_without_proc_does);
	return run_suite(suite);
}
