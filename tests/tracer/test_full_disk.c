/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A trace on a disk that is full: what is lost, who tells of it, and what happens when there is room again. */
#include "faults.h"
#include "support.h"
#include "traced.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FULL  "log-malloc2: cannot write the trace, tracing stops: no space left on device\n"
#define AGAIN "log-malloc2: the trace can be written again, %llu events are missing\n"

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

int main(void)
{
	Suite *suite = suite_create("full_disk");

	EACH(a_disk_that_fills_up);
	EACH(a_disk_that_has_room_again);
	EACH(the_end_stands_though_the_memory_map_finds_no_room);
	EACH(a_process_that_is_killed_on_a_full_disk);
	EACH(the_launcher_says_what_is_missing);
	EACH(the_launcher_counts_what_a_disk_took_nothing_of);
	EACH(the_launcher_names_what_a_killed_process_lost);
	EACH(what_is_missing_is_told_once_and_to_the_commands);
	EACH(an_exec_on_a_full_disk);
	return run_suite(suite);
}
