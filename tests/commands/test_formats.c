/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The three formats of the same run: every command says the same of each. The programs
 * make the same calls each time they run, at the same addresses. What differs is the
 * number of the process, the times, and the numbers of lines.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static const char *const formats[] = {"full", "compact", "packed"};
static const char *const programs[] = {"everything", "semantics"};

enum { FORMATS = sizeof formats / sizeof *formats, PROGRAMS_COUNT = sizeof programs / sizeof *programs };

#define JSON                                                                                                           \
	" | jq 'walk(if type == \"object\" then del(.line, .first_line, .last_line, .time, .last_time, .pid, .tid) "   \
	"else . end)'"

/* "t" is the trace in the format in question. */
static const char *const commands[] = {
	"log-malloc-findleak t",
	"log-malloc-findleak --by-address --top=0 --no-default-suppressions t",
	"log-malloc-findleak --no-translate <t -",
	"log-malloc-findleak --format=json t" JSON,
	"log-malloc-findleak --format=junit t",
	"log-malloc-report --by=peak t",
	"log-malloc-report --by=leaked --top=0 t",
	"log-malloc-report --by=allocated t",
	"log-malloc-report --by=calls t",
	"log-malloc-report --by=temporary t",
	"log-malloc-report --tree t",
	"log-malloc-report --tree=bottom-up t",
	"log-malloc-report --format=json t" JSON,
	"log-malloc-report --format=folded t",
	"log-malloc-report --format=massif t",
	/* Fields 9 and 10 are times, the third one of a label is the process. */
	"log-malloc-report --format=pprof t | gunzip | protoc --decode_raw | grep -Ev '^(9|10|    3): '",
	"log-malloc-trackusage t",
	"log-malloc-trackusage --usable-size t",
	"log-malloc-trackusage --peak t",
	"log-malloc-trackusage --format=csv t | cut -d, -f2,3",
	"log-malloc-diff --by=allocated --format=json ../t.full t" JSON,
	"log-malloc-diff --by=peak t ../t.full",
	"backtrace2line t | sort -u",
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static bool can_fix_addresses(const char *test)
{
	if (run("setarch -R true").status == 0)
		return true;
	skip(test, "addresses can't be the same each time here");
	return false;
}

/* Records PROGRAM in each format, as FORMAT/t. */
static void record(const char *program)
{
	for (int i = 0; i < FORMATS; i++)
		must(run("rm -rf %s; mkdir %s && LOG_MALLOC_QUIET=1 setarch -R env LD_PRELOAD=$B/liblog-malloc2.so "
		         "LOG_MALLOC_OUTPUT=%s/t LOG_MALLOC_FORMAT=%s " PROGRAMS "%s >/dev/null && cp %s/t t.%s",
		         formats[i], formats[i], formats[i], formats[i], program, formats[i], formats[i]));
}

/* What COMMAND says of the trace in FORMAT. */
static char *said(const char *format, const char *command)
{
	struct run r =
		run("cd %s && $B/%s | sed -E 's/(lines?:?) [0-9]+( to [0-9]+)?/\\1 N/g; "
	            "s/(process|PROCESS) [0-9]+/\\1 N/; s/(# THREAD [0-9]+) [0-9]+/\\1 N/; s/[0-9.]+ m?s\\b/N ms/g'",
	            format, command);

	ck_assert_msg(*r.out, "%s says nothing of %s: %s", command, format, r.err);
	ck_assert_msg(!*r.err, "%s of %s: %s", command, format, r.err);
	return r.out;
}

/* Where two texts begin to differ, from the beginning of that line on. */
static const char *difference(const char *a, const char *b)
{
	const char *line = b;

	for (; *a && *a == *b; a++, b++)
		if (*b == '\n')
			line = b + 1;
	return line;
}

START_TEST(commands_say_the_same_of_each_format)
{
	if (!can_run("commands_say_the_same_of_each_format", "jq") ||
	    !can_run("commands_say_the_same_of_each_format", "protoc") ||
	    !can_fix_addresses("commands_say_the_same_of_each_format"))
		return;
	record(programs[_i]);
	for (int i = 0; i < COMMANDS; i++) {
		char *full = said(formats[0], commands[i]);

		for (int format = 1; format < FORMATS; format++) {
			char *other = said(formats[format], commands[i]);

			ck_assert_msg(strcmp(full, other) == 0, "%s of %s, in %s:\n%.400s\nand in full:\n%.400s",
			              commands[i], programs[_i], formats[format], difference(full, other),
			              difference(other, full));
		}
	}
}
END_TEST

/* A trace that is cut is read up to where it is cut, in each format. */
START_TEST(a_trace_that_is_cut_is_read_up_to_there)
{
	if (!can_fix_addresses("a_trace_that_is_cut_is_read_up_to_there"))
		return;
	record("everything");
	for (int i = 0; i < FORMATS; i++) {
		struct run r = must(run("$B/log-malloc-trackusage %s/t >all; s=$(stat -c %%s %s/t); "
		                        "for part in 3 5 7; do head -c $((s * part / 11)) %s/t >cut; "
		                        "$B/log-malloc-trackusage cut >some && [ $(wc -l <some) -gt 100 ] && "
		                        "head -n $(wc -l <some) all | cmp - some || exit 1; done",
		                        formats[i], formats[i], formats[i]));

		ck_assert_str_eq(r.err, "");
	}
}
END_TEST

/* Compressed, and from standard input. */
START_TEST(a_packed_trace_can_come_in_any_way)
{
	static const char *const ways[] = {"gzip -c packed/t >t.gz; $B/log-malloc-trackusage t.gz",
	                                   "zstd -qc packed/t >t.zst; $B/log-malloc-trackusage t.zst",
	                                   "$B/log-malloc-trackusage - <packed/t",
	                                   "cat packed/t | $B/log-malloc-trackusage -",
	                                   "(head -c 1001; sleep 0.1; cat) <packed/t | $B/log-malloc-trackusage -"};

	if (!can_run("a_packed_trace_can_come_in_any_way", "zstd") ||
	    !can_fix_addresses("a_packed_trace_can_come_in_any_way"))
		return;
	record("everything");
	must(run("$B/log-malloc-trackusage packed/t >all"));
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		must(run("(%s) | cmp - all", ways[i]));
}
END_TEST

/* Three images in one file: each says what it says alone. */
START_TEST(traces_of_different_formats_can_be_joined)
{
	if (!can_fix_addresses("traces_of_different_formats_can_be_joined"))
		return;
	record("everything");
	must(run("cat packed/t compact/t packed/t full/t packed/t >joined; $B/log-malloc-trackusage joined >all; "
	         "for f in packed compact packed full packed; do $B/log-malloc-trackusage $f/t; done | cmp - all"));
	must(run("$B/log-malloc-findleak joined >all 2>messages; [ ! -s messages ] && [ $(grep -c ^IMAGE all) = 5 ]"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("formats");

	TIMES(commands_say_the_same_of_each_format, PROGRAMS_COUNT);
	ONCE(a_trace_that_is_cut_is_read_up_to_there);
	ONCE(a_packed_trace_can_come_in_any_way);
	ONCE(traces_of_different_formats_can_be_joined);
	return run_suite(suite);
}
