/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What happens to sampled traces as it does to whole ones: kills, full disks, switches, forks and exec. They are
 * readable behind it, and estimate what they had time for. With a ring, with one that gives its pages back (a mean of
 * 64K or more), and without (a trace with a limit).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "both_ways.h"
#include "support.h"
#include "traced.h"

static const struct way {
	const char *settings;
	double mean;
} ways[] = {{"LOG_MALLOC_SAMPLE=4K", 4 << 10},
            {"LOG_MALLOC_SAMPLE=64K", 64 << 10},
            {"LOG_MALLOC_SAMPLE=4K LOG_MALLOC_LIMIT=1G", 4 << 10}};

enum { WAYS = sizeof ways / sizeof *ways };

static void is_whole(const struct traced *traced)
{
	ck_assert_uint_eq(traced->malformed, 0);
	ck_assert_uint_eq(traced->heap.counts.unknown, 0);
	ck_assert_uint_eq(traced->heap.counts.foreign, 0);
	ck_assert_uint_eq(traced->heap.counts.replaced, 0);
}

/* What was allocated, but for small blocks. The C library has some, and one in the sample stands for hundreds. */
#define LARGE "({count: ([.sizes[] | select(.from > 512) | .count] | add // 0)})"

/*
 * Does the report of TRACE estimate COUNT blocks, by the numbers ESTIMATE? A block of SIZE bytes, the smallest, has the
 * largest weight. Six standard errors are never off by chance. The C library allocates some blocks itself.
 */
static void is_estimated(const char *trace, const char *estimate, double count, double size, double mean)
{
	const double weight = -1 / expm1(-size / mean), libc = 15;
	const double most = 6 * sqrt(count * weight) + 2 * weight + libc;

	must(run("$B/log-malloc-report -n --format json %s | jq -se 'map(%s.count) | add - %f | . >= -%f and . <= %f'",
	         trace, estimate, count, most, most));
}

/* ---- kills ---------------------------------------------------------------------- */

/* As tests/programs/counting has them: three threads, whose numbers lie so far apart. */
enum { THREADS = 3, SLOT = 8, WINDOW = 32, SIZE = 5000, KILLS = 6, LIFE_MAX_US = 20000 };

/* How many of a thread's first CALLS allocate? Each round has one, each eighth a resize, and later ones a release. */
static uint64_t allocations(uint64_t calls)
{
	uint64_t allocated = 0;

	for (uint64_t round = 0; calls; round++) {
		const uint64_t steps = round % 8 ? 1 : 2, done = calls < steps ? calls : steps;

		allocated += done;
		calls -= done;
		calls -= calls && round >= WINDOW;
	}
	return allocated;
}

/* The allocations of which the program says that they had returned. */
static double allocated(void)
{
	const uint64_t *counts = (const uint64_t *)(const void *)read_file("counts", NULL);
	uint64_t sum = 0;

	ck_assert_ptr_nonnull(counts);
	for (int i = 0; i < THREADS; i++)
		sum += allocations(counts[i * SLOT]);
	return (double)sum;
}

static unsigned some_time(void)
{
	unsigned number;

	ck_assert_int_eq(getrandom(&number, sizeof number, 0), sizeof number);
	return number % LIFE_MAX_US;
}

static void is_killed(const struct run *result, double mean)
{
	struct traced traced;

	ck_assert_msg(result->status == 128 + 9, "%d, %s", result->status, result->err);
	traced = traced_read("t", false);
	is_whole(&traced);
	ck_assert_int_eq(traced.finis, 0);
	is_estimated("t", LARGE, allocated(), SIZE, mean);
}

START_TEST(a_kill_leaves_estimates_of_what_was_done)
{
	const struct flavour *flavour = &flavours[_i % FLAVOURS];
	const struct way *way = &ways[_i / FLAVOURS];
	struct run r;

	for (int i = 0; i < KILLS; i++) {
		r = run("ulimit -c 0; rm -f t t.journal counts; %s LOG_MALLOC_QUIET=1 %s " PROGRAMS
		        "counting%s counts %u kill 1022>t",
		        flavour->environment, way->settings, flavour->suffix, some_time());
		is_killed(&r, way->mean);
	}
	/* The ring of a pipe lies in memory, also that of a trace with a limit. */
	r = run("ulimit -c 0; rm -f t t.journal counts; " WITH_READER "%s LOG_MALLOC_QUIET=1 %s " PROGRAMS
	        "counting%s counts %u kill",
	        flavour->environment, way->settings, flavour->suffix, some_time());
	is_killed(&r, way->mean);
}
END_TEST

/* ---- full disks ------------------------------------------------------------------ */

START_TEST(a_full_disk_ends_the_trace_and_not_the_program)
{
	const struct flavour *flavour = &flavours[_i % FLAVOURS];
	struct traced traced;
	struct run r = run("mkdir -p small && mount -t tmpfs -o size=256k tmpfs small || exit 77; "
	                   "%s LOG_MALLOC_QUIET=1 %s LOG_MALLOC_OUTPUT=small/t " PROGRAMS
	                   "sampled%s 4 50; s=$?; cp small/t* .; umount small; exit $s",
	                   flavour->environment, ways[_i / FLAVOURS].settings, flavour->suffix);

	if (r.status == 77) {
		skip("a_full_disk_ends_the_trace_and_not_the_program", "nothing can be mounted here");
		return;
	}
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.out, "usage 0\n"));
	ck_assert_str_eq(r.err, "log-malloc2: cannot write the trace, tracing stops: no space left on device\n");
	traced = traced_read("t", false);
	ck_assert_uint_eq(traced.malformed, 0);
	ck_assert_uint_eq(traced.heap.counts.unknown, 0);
	must(run("$B/log-malloc-report -n --format json t | jq -e '.sample > 0 and .allocated.samples > 50 and "
	         "(.complete | not)'"));
}
END_TEST

/* A file that may not grow any more. The kernel's signal for that is the tracker's affair. */
START_TEST(a_file_at_its_limit_ends_the_trace_and_not_the_program)
{
	const struct flavour *flavour = &flavours[_i % FLAVOURS];
	struct traced traced;
	struct run r = run("ulimit -c 0; ulimit -f 100; %s LOG_MALLOC_QUIET=1 %s LOG_MALLOC_OUTPUT=t " PROGRAMS
	                   "sampled%s 4 50",
	                   flavour->environment, ways[_i / FLAVOURS].settings, flavour->suffix);

	ck_assert_msg(r.status == 0, "%d, %s", r.status, r.err);
	ck_assert_ptr_nonnull(strstr(r.out, "usage 0\n"));
	ck_assert_str_eq(r.err, "log-malloc2: cannot write the trace, tracing stops: file too large\n");
	traced = traced_read("t", false);
	ck_assert_uint_eq(traced.malformed, 0);
	ck_assert_uint_eq(traced.heap.counts.unknown, 0);
	ck_assert_uint_gt(traced.calls[LM_CALL_MALLOC], 10);
}
END_TEST

/* ---- switches --------------------------------------------------------------------- */

/* A sample of all bytes. What is allocated while tracing is off, and released when it is on, is no fault. */
START_TEST(tracing_is_switched_off_and_on)
{
	static const char *const starts[] = {"LOG_MALLOC_START=off", "LOG_MALLOC_START=off LOG_MALLOC_FORMAT=packed"};
	const struct flavour *flavour = &flavours[_i % FLAVOURS];
	struct traced traced;
	uint64_t mallocs = 0, frees = 0;

	must(run("%s LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=1 %s " PROGRAMS "switched%s 1022>t", flavour->environment,
	         starts[_i / FLAVOURS], flavour->suffix));
	traced = traced_read("t", true);
	ck_assert_uint_eq(traced.malformed, 0);
	for (size_t i = 0; i < traced.count; i++) {
		const struct event *event = &traced.list[i].event;

		ck_assert_int_ne(event->call, LM_CALL_REALLOC);
		mallocs += event->call == LM_CALL_MALLOC;
		frees += event->call == LM_CALL_FREE;
	}
	ck_assert_uint_eq(mallocs, 1);
	ck_assert_uint_eq(frees, 3);
	must(run("$B/log-malloc-report -n --format json t | jq -e '.unknown == 0 and .foreign == 0 and .leaked.count "
	         "== 0'"));
}
END_TEST

/* ---- processes --------------------------------------------------------------------- */

START_TEST(a_program_that_is_executed_is_sampled_too)
{
	const struct flavour *flavour = &flavours[_i];
	struct traced traced;
	struct run r = run("%s LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=4K LOG_MALLOC_OUTPUT=t " PROGRAMS
	                   "exec_by%s execv " PROGRAMS "exec_by%s",
	                   flavour->environment, flavour->suffix, flavour->suffix);

	ck_assert_int_eq(r.status, 9);
	traced = traced_read("t", false);
	is_whole(&traced);
	ck_assert_uint_eq(traced.images, 2);
	must(run("$B/log-malloc-report -n --format json t | jq -se 'map(.sample) == [4096, 4096]'"));
	is_estimated("t", ".leaked", 1110, 3301, 4 << 10);
}
END_TEST

START_TEST(children_of_the_launcher_are_sampled)
{
	enum { CHILDREN = 8, BLOCKS = 1000 };
	const struct flavour *flavour = &flavours[_i % FLAVOURS];
	struct run r = must(run("%s $B/log-malloc -q -f -o t " PROGRAMS "sampled%s fork %d && ls t.* | wc -l",
	                        ways[_i / FLAVOURS].settings, flavour->suffix, CHILDREN));

	ck_assert_int_eq(atoi(r.out), CHILDREN);
	is_estimated("t.*", LARGE, CHILDREN * BLOCKS, 1000, ways[_i / FLAVOURS].mean);
	must(run("$B/log-malloc-report -n --sum t t.* | grep -q ' ~[0-9]'"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sampled_faults");

	TIMES(a_kill_leaves_estimates_of_what_was_done, FLAVOURS * WAYS);
	TIMES(a_full_disk_ends_the_trace_and_not_the_program, FLAVOURS * WAYS);
	TIMES(a_file_at_its_limit_ends_the_trace_and_not_the_program, FLAVOURS * WAYS);
	TIMES(tracing_is_switched_off_and_on, FLAVOURS * 2);
	TIMES(a_program_that_is_executed_is_sampled_too, FLAVOURS);
	TIMES(children_of_the_launcher_are_sampled, FLAVOURS * WAYS);
	return run_suite(suite);
}
