/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A trace with a limit: at that size it takes no more allocations, but all releases of
 * blocks that it has. What it says is live, is; how large it becomes has a bound; and
 * who reads it is told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flavours.h"
#include "support.h"
#include "traced.h"

static const char *const formats[] = {"full", "compact", "packed"};

enum { FORMATS = sizeof formats / sizeof *formats };

/* A record of a release takes less, and the limit may be passed by the records of this many bytes. */
enum { RELEASE_MAX = 160, PASSED_MAX = 16 << 10 };

/* The size of the file, and where it has the line of the limit; -1: it has none. */
struct place {
	long long size, at;
};

static struct place find_limit(const char *path, long long limit)
{
	struct run r = run("stat -c %%s %s; grep -abo '# LIMIT %lld' %s | sed 's/:.*//'", path, limit, path);
	struct place place = {.at = -1};

	ck_assert_int_ge(sscanf(r.out, "%lld\n%lld", &place.size, &place.at), 1);
	return place;
}

static size_t count_calls(const struct traced *traced, enum lm_call call, int64_t change)
{
	size_t n = 0;

	for (size_t i = 0; i < traced->count; i++)
		n += traced->list[i].event.call == call && traced->list[i].event.change == change;
	return n;
}

/* Every block that the trace releases was allocated in it, and it is no larger than it may be. */
static struct traced is_limited(const char *path, long long limit, long long blocks)
{
	struct traced traced = traced_read(path, true);
	struct place place = find_limit(path, limit);

	ck_assert_uint_eq(traced.malformed, 0);
	ck_assert_uint_eq(traced.heap.counts.unknown, 0);
	ck_assert_uint_eq(traced.heap.counts.foreign, 0);
	ck_assert_uint_eq(traced.heap.counts.replaced, 0);
	ck_assert_msg(place.at >= limit && place.at < limit + PASSED_MAX, "%lld", place.at);
	ck_assert_msg(place.size < limit + PASSED_MAX + blocks * RELEASE_MAX, "%lld", place.size);
	return traced;
}

/* ---- what is in the trace ---- */

static const struct {
	long long limit;
	int count;
	const char *mode;
} runs[] = {{64 << 10, 10000, ""}, {64 << 10, 10000, "churn"}, {512 << 10, 45000, "churn"}};

enum { RUNS = sizeof runs / sizeof *runs };

START_TEST(releases_of_what_it_has_go_on)
{
	const int flavour = _i / FORMATS / RUNS, mode = _i / FORMATS % RUNS;
	char settings[256], arguments[64];
	struct traced whole, traced;
	size_t blocks;
	struct run r;

	snprintf(arguments, sizeof arguments, "%d %s", runs[mode].count, runs[mode].mode);
	snprintf(settings, sizeof settings, "LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=%s", formats[_i % FORMATS]);
	r = run_traced(flavour, settings, "limited", arguments);
	ck_assert_str_eq(r.err, "");
	whole = traced_read("trace", false);
	snprintf(settings, sizeof settings, "LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=%s LOG_MALLOC_LIMIT=%lldK",
	         formats[_i % FORMATS], runs[mode].limit >> 10);
	r = run_traced(flavour, settings, "limited", arguments);
	ck_assert_int_eq(r.status, 0);
	/* One line. */
	ck_assert_msg(strstr(r.err, "log-malloc2: the trace has reached its limit of ") == r.err &&
	                      strchr(r.err, '\n') == r.err + strlen(r.err) - 1,
	              "%s", r.err);
	traced = traced_read("trace", true);
	blocks = count_calls(&traced, LM_CALL_MALLOC, 24);
	traced = is_limited("trace", runs[mode].limit, (long long)blocks);
	ck_assert_uint_gt(blocks, 100);
	ck_assert_uint_lt(blocks, (size_t)runs[mode].count);
	/* Of three blocks one was released, and one resized, which is a release for the trace. */
	ck_assert_uint_eq(count_calls(&traced, LM_CALL_FREE, -24), (blocks + 2) / 3);
	ck_assert_uint_eq(count_calls(&traced, LM_CALL_REALLOC, -24), (blocks + 1) / 3);
	ck_assert_uint_eq(traced.calls[LM_CALL_REALLOC], (blocks + 1) / 3);
	/* The totals at the end are the program's. */
	ck_assert_int_eq(traced.finis, 1);
	ck_assert_int_eq(traced.fini.used, whole.fini.used);
	ck_assert_mem_eq(traced.fini.counts, whole.fini.counts, sizeof whole.fini.counts);
}
END_TEST

START_TEST(a_limit_that_is_not_reached_changes_nothing)
{
	struct traced traced;
	struct run r = run_traced(_i, "LOG_MALLOC_QUIET=1 LOG_MALLOC_LIMIT=1G", "limited", "3000 churn");

	ck_assert_str_eq(r.err, "");
	traced = traced_read("trace", false);
	traced_is_sound(&traced);
	ck_assert_int_eq(find_limit("trace", 1 << 30).at, -1);
}
END_TEST

/* The first lines of a trace are more than that. */
START_TEST(a_limit_of_a_byte_leaves_no_event)
{
	struct traced traced;
	struct run r = run_traced(_i, "LOG_MALLOC_QUIET=1 LOG_MALLOC_LIMIT=1", "limited", "3000 churn");

	ck_assert_int_eq(r.status, 0);
	traced = traced_read("trace", true);
	ck_assert_uint_eq(traced.malformed, 0);
	ck_assert_uint_eq(traced.count, 0);
	ck_assert_int_eq(traced.finis, 1);
	ck_assert_int_ge(find_limit("trace", 1).at, 1);
}
END_TEST

START_TEST(threads_reach_the_limit_together)
{
	char settings[128];
	struct run r;

	snprintf(settings, sizeof settings, "LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=%s LOG_MALLOC_LIMIT=256K",
	         formats[_i % FORMATS]);
	r = run_traced(_i / FORMATS, settings, "limited", "10000 threads");
	ck_assert_int_eq(r.status, 0);
	ck_assert_msg(strchr(r.err, '\n') == r.err + strlen(r.err) - 1, "%s", r.err);
	is_limited("trace", 256 << 10, (256 << 10) / 16);
}
END_TEST

START_TEST(tracing_that_is_off_for_a_while_adds_nothing)
{
	struct traced traced;
	struct run r = run_traced(_i, "LOG_MALLOC_QUIET=1 LOG_MALLOC_LIMIT=64K LOG_MALLOC_SIGNAL=USR2", "limited",
	                          "20000 off");

	ck_assert_int_eq(r.status, 0);
	traced = is_limited("trace", 64 << 10, 20000);
	ck_assert_uint_eq(count_calls(&traced, LM_CALL_FREE, -7000), 0);
	ck_assert_uint_eq(count_calls(&traced, LM_CALL_FREE, -7100), 0);
}
END_TEST

/* ---- several processes and images ---- */

START_TEST(a_child_has_a_limit_of_its_own)
{
	struct traced traced;
	struct run r;

	r = run("rm -rf f; mkdir f; cd f; %s LOG_MALLOC_QUIET=1 LOG_MALLOC_LIMIT=64K LOG_MALLOC_FOLLOW=1 "
	        "LOG_MALLOC_OUTPUT=$PWD/t " PROGRAMS "limited%s 20000 fork; mv t.* child; ls",
	        flavours[_i].environment, flavours[_i].suffix);
	ck_assert_str_eq(r.out, "again\nchild\nt\n");
	is_limited("f/t", 64 << 10, 20000);
	traced = traced_read("f/child", true);
	ck_assert_int_ge(find_limit("f/child", 64 << 10).at, 64 << 10);
	/* Its parent's trace does not have this block, but it has. */
	ck_assert_uint_eq(count_calls(&traced, LM_CALL_MALLOC, 5000), 1);
	ck_assert_uint_eq(count_calls(&traced, LM_CALL_FREE, -5000), 2);
}
END_TEST

START_TEST(what_is_behind_exec_is_behind_the_limit)
{
	static const char *const ways[] = {LM " -q -o t", "LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t"};

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		must(run("rm -f t; env %s LOG_MALLOC_LIMIT=64K %s " PROGRAMS "limited%s 20000 exec",
		         i ? flavours[_i].environment : "", ways[i], flavours[_i].suffix));
		ck_assert_str_eq(run("grep -c '^# LIMIT 65536$' t; grep -c '^+ INIT' t; sed '1,/^+ INIT/d' t | "
		                     "sed '1,/^+ INIT/d' | grep -c '^+ [a-z]'")
		                         .out,
		                 "2\n2\n0\n");
		ck_assert_int_lt(find_limit("t", 64 << 10).size, (64 << 10) + PASSED_MAX + 20000);
	}
}
END_TEST

START_TEST(a_pipe_has_a_limit_too)
{
	struct run r =
		run("%s LOG_MALLOC_QUIET=1 LOG_MALLOC_LIMIT=64K " PROGRAMS "limited%s 20000 churn 1022> >(cat >t); "
	            "until grep -qs '^+ FINI' t; do sleep 0.01; done",
	            flavours[_i].environment, flavours[_i].suffix);

	ck_assert_int_eq(r.status, 0);
	is_limited("t", 64 << 10, 3000);
	/* What the file had before does not count. */
	must(run("head -c 100000 /dev/zero | tr '\\0' '#' >a; echo >>a; %s LOG_MALLOC_QUIET=1 "
	         "LOG_MALLOC_LIMIT=64K " PROGRAMS "limited%s 20000 churn 1022>>a; tail -c +100002 a >t",
	         flavours[_i].environment, flavours[_i].suffix));
	is_limited("t", 64 << 10, 3000);
}
END_TEST

/* ---- what is said ---- */

START_TEST(a_wrong_limit_is_told)
{
	static const char *const wrong[] = {"x", "1T", "1m", "-1", "M", "99999999999G", "18446744073709551616", "1.5M"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char expected[128], settings[128];
		struct run r;

		snprintf(settings, sizeof settings, "LOG_MALLOC_QUIET=1 LOG_MALLOC_LIMIT=%s", wrong[i]);
		r = run_traced(0, settings, "limited", "10");
		snprintf(
			expected, sizeof expected,
			"log-malloc2: LOG_MALLOC_LIMIT=%s is not a number of bytes such as 100M; nothing is recorded\n",
			wrong[i]);
		ck_assert_str_eq(r.err, expected);
		must(run("[ ! -s trace ]"));
		ck_assert_msg(run(LM " -q -o t --limit %s true", wrong[i]).status == 2, "%s", wrong[i]);
	}
	ck_assert_str_eq(run_traced(0, "LOG_MALLOC_QUIET=1 LOG_MALLOC_LIMIT=0", "limited", "10000").err, "");
	ck_assert_int_eq(run("grep -c LIMIT trace").status, 1);
}
END_TEST

START_TEST(the_commands_say_that_allocations_are_missing)
{
	struct run r;

	for (int i = 0; i < FORMATS; i++) {
		r = run(LM " --%s --limit 64K -o t " PROGRAMS "limited 20000; echo $?; cp t u", formats[i]);
		ck_assert_str_eq(r.out, "0\n");
		ck_assert_msg(strstr(r.err, " in t, allocations behind the limit of 65536 bytes are not in it; next: "),
		              "%s", r.err);
		/* Whatever is allowed, it is not known to be enough. */
		r = run("$B/log-malloc-findleak -n --max-bytes 1G t");
		ck_assert_int_eq(r.status, 1);
		ck_assert_msg(strstr(r.out,
		                     "; allocations behind the limit of 65536 bytes are missing; NOT KNOWN to be "
		                     "within the budget of "),
		              "%s", r.out);
		json_is("log-malloc-findleak", "-n --format json t", "[.limit,.complete]", "[65536,false]\n");
		r = run("$B/log-malloc-findleak -n --format junit --max-bytes 1G t >j; echo $?; "
		        "xmllint --noout --schema $S/tests/commands/junit.xsd j && grep -c '<failure type=\"missing\" "
		        "message=\".*, allocations behind the limit of 65536 bytes\"/>' j");
		ck_assert_str_eq(r.out, "1\n1\n");
		r = run("$B/log-malloc-report t | head -n 1");
		ck_assert(strstr(r.out, "; allocations behind the limit of 65536 bytes are missing)\n"));
		r = run("$B/log-malloc-diff --max-growth 1G t u");
		ck_assert_int_eq(r.status, 1);
		ck_assert(strstr(r.out, "; NOT KNOWN to be not more than the "));
		r = run("$B/log-malloc-trackusage t >/dev/null");
		ck_assert_str_eq(r.err, "log-malloc-trackusage: t: behind the limit of 65536 bytes, the trace has no "
		                        "allocations\n");
	}
	json_is("log-malloc-findleak", "-n --format json $S/tests/golden/full.trace", ".limit", "null\n");
	/* Its uncompressed bytes count. */
	r = run(LM " -q --limit 64K -o t.zst " PROGRAMS "limited 20000 churn; zstd -dqf t.zst");
	is_limited("t", 64 << 10, 3000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("limit");

	TIMES(releases_of_what_it_has_go_on, FLAVOURS * FORMATS * RUNS);
	EACH(a_limit_that_is_not_reached_changes_nothing);
	EACH(a_limit_of_a_byte_leaves_no_event);
	TIMES(threads_reach_the_limit_together, FLAVOURS * FORMATS);
	EACH(tracing_that_is_off_for_a_while_adds_nothing);
	EACH(a_child_has_a_limit_of_its_own);
	EACH(what_is_behind_exec_is_behind_the_limit);
	EACH(a_pipe_has_a_limit_too);
	ONCE(a_wrong_limit_is_told);
	ONCE(the_commands_say_that_allocations_are_missing);
	return run_suite(suite);
}
