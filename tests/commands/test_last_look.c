/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `log-malloc --lost`: what a program lost is found when it ends, however it ends, and is in its trace. */
#include "support.h"
#include "tracing.h"

#include <stdio.h>
#include <string.h>

#define FINDLEAK "$B/log-malloc-findleak"
#define ENDING   PROGRAMS "ending"

/* What tests/programs/ending.c has: state, blocks and bytes of each place. Others are libc's. */
#define STATES                                                                                                         \
	"[.leaks[] | select(.backtrace[0].function as $f | [\"lose\", \"lose_one\"] | index($f))"                      \
	" | [.state, .count, .bytes]] | sort"
#define FOUND                                                                                                          \
	"[[\"indirect\",1,30],[\"lost\",1,70],[\"lost\",1,70],[\"possible\",1,40],[\"reachable\",1,500],"              \
	"[\"reachable\",2,100]]"

#define SUMS                                                                                                           \
	"definitely lost: 2 blocks, 140 bytes; indirectly: 1 block, 30 bytes; possibly: 1 block, 40 bytes; "           \
	"still reachable: "

static void says(const struct run *r, const char *text)
{
	ck_assert_msg(strstr(r->err, text) != NULL, "no \"%s\" in: %s", text, r->err);
}

static void is_found(const char *trace, const char *states)
{
	char expected[1000];

	snprintf(expected, sizeof expected, "%s\n", states);
	json_is("log-malloc-findleak", trace, STATES, expected);
}

/* ---- how a program ends ------------------------------------------------------------ */

static const struct {
	const char *how;
	int status;
} ends[] = {{"return", 0}, {"exit", 3}, {"threads", 3}, {"kill", 128 + 9}, {"abort", 128 + 6}};

enum { ENDS = sizeof ends / sizeof *ends };

START_TEST(what_is_lost_is_found_however_the_program_ends)
{
	struct run r = run(LM " --lost -o trace " ENDING " %s", ends[_i].how);

	ck_assert_int_eq(r.status, ends[_i].status);
	says(&r, SUMS);
	is_found("trace", FOUND);
	if (ends[_i].status > 128)
		must(run("grep -q '^# KILLED' trace"));
}
END_TEST

START_TEST(a_static_program_is_looked_at_as_well)
{
	struct run r = run(LM " --lost --packed -o trace " ENDING ".static %s", ends[_i].how);

	ck_assert_int_eq(r.status, ends[_i].status);
	says(&r, SUMS);
	is_found("trace", FOUND);
}
END_TEST

/* What these allocators keep for themselves points to blocks, too. */
static const char *const allocators[] = {"libjemalloc.so.2", "libmimalloc.so.2", "libtcmalloc_minimal.so.4"};

START_TEST(other_allocators_own_memory_holds_no_pointers)
{
	struct run r;

	if (run("ldconfig -p | grep -q '%s '", allocators[_i]).status != 0) {
		skip("other_allocators_own_memory_holds_no_pointers", allocators[_i]);
		return;
	}
	r = must(run("LD_PRELOAD=%s " LM " --lost -o trace " ENDING, allocators[_i]));
	says(&r, SUMS);
	is_found("trace", FOUND);
}
END_TEST

/* ---- the trace --------------------------------------------------------------------- */

static const char *const formats[] = {"--full", "--compact", "--packed", "--packed --limit 1G"};

START_TEST(every_format_takes_the_result)
{
	must(run(LM " --lost %s -o trace.zst " ENDING, formats[_i]));
	is_found("trace.zst", FOUND);
	must(run("$B/log-malloc-cat trace.zst >text 2>messages && ! test -s messages && grep -q UNREACHABLE text"));
}
END_TEST

START_TEST(findleak_lists_what_is_lost_alone)
{
	struct run r;

	must(run(LM " -q --lost -o trace " ENDING));
	r = run(FINDLEAK " trace >text");
	ck_assert_int_eq(r.status, 1);
	must(run("test $(grep -c '^ 0x.*leaked 70 bytes' text) = 2"));
	must(run("! grep -q 'leaked 500 bytes' text"));
	must(run(FINDLEAK " --max-bytes 170 trace >text"));
	ck_assert_int_eq(run(FINDLEAK " --max-bytes 169 trace >text").status, 1);
}
END_TEST

START_TEST(a_program_that_loses_nothing_has_no_leaks)
{
	must(run(LM " -q --lost -o trace find . -name x"));
	json_is("log-malloc-findleak", "trace", "[.leaks[] | select(.state == \"lost\")] | length", "0\n");
}
END_TEST

/* ---- several processes -------------------------------------------------------------- */

START_TEST(each_followed_process_has_its_own_result)
{
	struct run r = must(run(LM " -f --lost -o trace " ENDING " fork"));

	says(&r, SUMS);
	is_found("trace", FOUND);
	must(run("test $(ls trace.* | wc -l) = 1 && mv trace.* child"));
	/* The child has its parent's blocks, and its trace does not. */
	is_found("child", "[[\"lost\",1,90],[\"reachable\",1,600]]");
}
END_TEST

START_TEST(processes_that_are_not_followed_are_left_alone)
{
	must(run(LM " -q --lost -o trace " ENDING " fork"));
	is_found("trace", FOUND);
	must(run("! ls trace.*"));
}
END_TEST

START_TEST(after_exec_the_last_program_is_looked_at)
{
	must(run(LM " -q --lost -o trace " ENDING " exec"));
	must(run("grep -c '^# REACHED-AT' trace | grep -qx 1"));
	must(run("tail -n 2 trace | grep -q '^# REACHED-AT'"));
}
END_TEST

/* A shell with pipes, background processes and a stopped one: all of it works as ever. */
START_TEST(job_control_works)
{
	struct run r = must(run(LM " -f -q --lost -o trace bash -c '"
	                           "set -m; sleep 100 & kill -STOP %%1; kill -CONT %%1; kill %%1; wait %%1; echo $?;"
	                           "seq 1000 | sort -n | tail -n 1; (exit 7); echo $?; "
	                           "trap \"echo caught\" USR1; kill -USR1 $$; sleep 0.05 & wait; echo end'"));

	ck_assert_str_eq(r.out, "143\n1000\n7\ncaught\nend\n");
}
END_TEST

/* ---- what can't be ------------------------------------------------------------------- */

START_TEST(the_trace_has_to_be_a_file)
{
	struct run r = run(LM " --lost -o - true");

	ck_assert_int_eq(r.status, 2);
	says(&r, "--lost");
}
END_TEST

START_TEST(without_permission_the_program_runs_all_the_same)
{
	struct run r;

	if (!can_strace("without_permission_the_program_runs_all_the_same"))
		return;
	r = run("strace -f -o /dev/null " LM " --lost -o trace " ENDING " exit");
	ck_assert_int_eq(r.status, 3);
	says(&r, "--lost is not possible here");
	says(&r, "is traced by process");
	is_found("trace", "[[null,1,30],[null,1,40],[null,1,70],[null,1,70],[null,1,500],[null,2,100]]");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("last_look");

#define LOOKING(test, times) add_tracing_test(suite, TRACING_CHILDREN, #test, test, times)
	LOOKING(what_is_lost_is_found_however_the_program_ends, ENDS);
	LOOKING(a_static_program_is_looked_at_as_well, ENDS);
	LOOKING(other_allocators_own_memory_holds_no_pointers, (int)(sizeof allocators / sizeof *allocators));
	LOOKING(every_format_takes_the_result, (int)(sizeof formats / sizeof *formats));
	LOOKING(findleak_lists_what_is_lost_alone, 0);
	LOOKING(a_program_that_loses_nothing_has_no_leaks, 0);
	LOOKING(each_followed_process_has_its_own_result, 0);
	LOOKING(processes_that_are_not_followed_are_left_alone, 0);
	LOOKING(after_exec_the_last_program_is_looked_at, 0);
	LOOKING(job_control_works, 0);
	ONCE(the_trace_has_to_be_a_file);
	ONCE(without_permission_the_program_runs_all_the_same);
	return run_suite(suite);
}
