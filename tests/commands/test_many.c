/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The commands with a trace in which each event has a backtrace of its own. What they do
 * has to be in proportion to that. Work is counted in instructions, which valgrind's
 * callgrind tells, and memory by the kernel.
 */
#include "support.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* A backtrace has DEPTH frames. Each of the innermost is one of WAYS. */
enum { DEPTH = 4, WAYS = 30 };

enum { MANY = 300000, SOME = 100000 };

/* "few" is an empty trace. "many" has COUNT leaks of 100 bytes, with backtraces of DEPTH frames. */
static void write_leaks(uint64_t count, uint64_t depth)
{
	char path[4096];
	FILE *out;

	snprintf(path, sizeof path, "%s/many", scratch());
	out = fopen(path, "w");
	ck_assert_ptr_nonnull(out);
	fputs("# FORMAT compact\n# PID 1\n# EXE /x/app\n+ INIT [0:0] malloc=0\n", out);
	for (uint64_t i = 1, ways; i <= count; i++) {
		fprintf(out, "# BACKTRACE %" PRIu64 "\n", i);
		ways = i;
		for (uint64_t level = 0; level < depth; level++, ways /= WAYS) {
			uint64_t n = level * WAYS + ways % WAYS;

			fprintf(out, "/x/app(f%" PRIu64 "+0x5)[0x%" PRIx64 "]\n", n, 0x400005 + n * 64);
		}
		fprintf(out, "+ malloc 100 0x%" PRIx64 " [%" PRIu64 ":%" PRIu64 "] bt=%" PRIu64 "\n", i << 8, i * 100,
		        i * 100, i);
	}
	ck_assert_int_eq(fclose(out), 0);
	write_file("few", "# PID 1\n", strlen("# PID 1\n"));
}

/* COMMAND ends with 0, or with 1 for leaks, and what it prints passes FILTER as EXPECTED. */
static void prints(const char *command, const char *filter, const char *expected)
{
	struct run r = run("$B/log-malloc-%s many 2>&1 >shown; [ $? -le 1 ] && { %s; } <shown", command, filter);

	ck_assert_msg(r.status == 0 && strcmp(r.out + strcspn(r.out, "0123456789"), expected) == 0,
	              "%s: status %d: %.300s%.300s", command, r.status, r.out, r.err);
}

START_TEST(all_of_many_leaks_are_found)
{
	write_leaks(MANY, DEPTH);
	prints("findleak --top 1 -n", "grep -o '[0-9]* backtraces;'", "300000 backtraces;\n");
	prints("findleak --format json -n", "grep -o '\"backtrace\":\\[{' | wc -l", "300000\n");
	prints("findleak --format json -n", "grep -o '\"function\":' | wc -l", "1200000\n");
	prints("findleak --format junit --top 0 -n", "grep -c '<failure'", "300000\n");
}
END_TEST

START_TEST(all_of_many_consumers_are_reported)
{
	write_leaks(SOME, DEPTH);
	prints("report -n", "grep -o 'in 100000 backtraces'", "100000 backtraces\n");
	prints("report --format json -n", "grep -o '\"backtrace\":\\[{' | wc -l", "100000\n");
	prints("report --format folded -n", "grep -c ' 100$'", "100000\n");
	prints("report --tree -n", "grep -o 'in 100000 backtraces'", "100000 backtraces\n");
	prints("report --format pprof -n", "gzip -dc | grep -ac f30", "1\n");
	prints("report --format massif -n", "sed -n 's/^mem_heap_B=//p' | tail -1", "10000000\n");
	prints("trackusage", "tail -1", "10000000\n");
}
END_TEST

START_TEST(all_of_much_growth_is_shown)
{
	write_leaks(SOME, DEPTH);
	prints("diff -n few", "grep -o '+100000 blocks' | head -1", "100000 blocks\n");
	prints("diff --format json -n few", "grep -o '\"backtrace\":\\[{' | wc -l", "100000\n");
}
END_TEST

/* ---- counted -------------------------------------------------------------- */

/* The largest resident set of all commands that this test ran so far. */
static long resident(const char *command)
{
	struct rusage usage;
	/* A pipe: the pages of a mapped trace would count as well. */
	struct run r = run("cat many | $B/log-malloc-%s - >/dev/null", command);

	ck_assert_msg(r.status <= 1, "%s: status %d: %.300s", command, r.status, r.err);
	ck_assert_int_eq(getrusage(RUSAGE_CHILDREN, &usage), 0);
	return usage.ru_maxrss;
}

START_TEST(json_takes_hardly_more_memory_than_text)
{
	static const char *const commands[][2] = {
		{"findleak -n", "findleak --format json -n"},
		{"report -n", "report --format json -n"},
		{"diff -n few", "diff --format json -n few"},
	};
	const char *const *command = commands[_i];
	long text, json;

	if (run("grep -aqE '__(asan|tsan)_init' $B/log-malloc-findleak").status == 0) {
		skip("json_takes_hardly_more_memory_than_text", "a sanitizer takes memory of its own");
		return;
	}
	write_leaks(100000, DEPTH);
	text = resident(command[0]);
	json = resident(command[1]);
	ck_assert_msg(json <= text + text / 2, "%s: %ld KiB, %s: %ld KiB", command[0], text, command[1], json);
}
END_TEST

/* The number of instructions that COMMAND takes for COUNT backtraces of DEPTH frames. */
static uint64_t instructions(const char *command, uint64_t count, uint64_t depth)
{
	struct run r;

	write_leaks(count, depth);
	r = run("valgrind --tool=callgrind --callgrind-out-file=/dev/null $B/log-malloc-%s many 2>&1 >/dev/null |"
	        "sed -n 's/.*Collected : *//p'",
	        command);
	ck_assert_msg(strtoull(r.out, NULL, 10) > 0, "%s: %.300s%.300s", command, r.out, r.err);
	return strtoull(r.out, NULL, 10);
}

static bool can_count(const char *test)
{
	if (run("grep -aqE '__(asan|tsan)_init' $B/log-malloc-findleak").status == 0) {
		skip(test, "valgrind does not run what a sanitizer built");
		return false;
	}
	return can_run(test, "valgrind");
}

static const char *const counted[] = {
	"findleak --format json -n",
	"findleak --format junit --top 0 -n",
	"report -n",
	"report --format json -n",
	"report --format folded -n",
	"report --format pprof -n",
	"report --format massif -n",
	"report --tree -n",
	"diff --format json -n few",
};

/* Eight times as many take about eight times as long, and sorting a little more. */
START_TEST(work_is_in_proportion_to_the_number_of_backtraces)
{
	uint64_t some, more;

	if (!can_count("work_is_in_proportion_to_the_number_of_backtraces"))
		return;
	some = instructions(counted[_i], 100, DEPTH);
	more = instructions(counted[_i], 800, DEPTH);
	ck_assert_msg(more < 11 * some, "%s: %" PRIu64 " for 100, %" PRIu64 " for 800", counted[_i], some, more);
}
END_TEST

/* A frame is looked up and made into JSON once. After that, its text is copied. */
START_TEST(frames_that_were_shown_before_are_cheap_in_json)
{
	enum { COUNT = 1000, MORE = 20, INSTRUCTIONS = 2500 };
	static const char *const commands[] = {"findleak --format json -n", "report --format json -n",
	                                       "diff --format json -n few"};
	uint64_t low, deep;

	if (!can_count("frames_that_were_shown_before_are_cheap_in_json"))
		return;
	low = instructions(commands[_i], COUNT, DEPTH);
	deep = instructions(commands[_i], COUNT, DEPTH + MORE);
	ck_assert_msg(deep - low < COUNT * MORE * INSTRUCTIONS, "%s: %" PRIu64 " instructions a frame", commands[_i],
	              (deep - low) / (COUNT * MORE));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("many");

	ONCE(all_of_many_leaks_are_found);
	ONCE(all_of_many_consumers_are_reported);
	ONCE(all_of_much_growth_is_shown);
	TIMES(json_takes_hardly_more_memory_than_text, 3);
	TIMES(work_is_in_proportion_to_the_number_of_backtraces, sizeof counted / sizeof *counted);
	TIMES(frames_that_were_shown_before_are_cheap_in_json, 3);
	return run_suite(suite);
}
