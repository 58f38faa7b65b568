/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sampled traces: that what they have estimates what the program did without bias, which records a resize becomes, and
 * that forks, kills, limits and so on do to them what they do to whole traces.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flavours.h"
#include "support.h"
#include "traced.h"

/* No check of chance fails by chance more often than once in so many runs of the suite, all checks together. */
static const double runs_to_fail = 1e6, checks = 4.0 * 2 * 3 * 7 * 2;

static const char *const formats[] = {"full", "compact", "packed"};

enum { FORMATS = sizeof formats / sizeof *formats };

/* ---- without bias ---- */

static bool is_allocation(const struct traced_call *call, uint64_t size)
{
	return call->event.pointer && call->event.size == size && call->event.call != LM_CALL_FREE;
}

static uint64_t allocations(const struct traced *traced, uint64_t size)
{
	uint64_t n = 0;

	for (size_t i = 0; i < traced->count; i++)
		n += is_allocation(&traced->list[i], size);
	return n;
}

static uint64_t live(const struct traced *traced, uint64_t size)
{
	const struct heap_block *block;
	size_t position = 0;
	uint64_t n = 0;

	while ((block = heap_next(&traced->heap, &position)))
		n += block->size == size;
	return n;
}

/*
 * Are SAMPLED of COUNT blocks as many as a probability of P allows? How far a sum of independent choices is from its
 * mean has a bound by Bernstein: the chance of t or more is at most 2 exp(-t^2 / (2 (variance + t / 3))).
 */
static void is_by_chance(uint64_t sampled, double count, double p, uint64_t size)
{
	const double limit = log(2 * checks * runs_to_fail), variance = count * p * (1 - p);
	const double t = limit / 3 + sqrt(limit * limit / 9 + 2 * limit * variance);

	ck_assert_msg(fabs((double)sampled - count * p) <= t, "size %ju: %ju of %g, expected %g +- %g", (uintmax_t)size,
	              (uintmax_t)sampled, count, count * p, t);
}

/* What PRINTED says of each size against the trace. */
static void estimates_all(const struct traced *traced, const char *printed, double mean)
{
	unsigned long size, count, kept;
	int sizes = 0, length;

	for (; sscanf(printed, "%lu %lu %lu\n%n", &size, &count, &kept, &length) == 3; printed += length, sizes++) {
		const double p = -expm1(-(double)size / mean);

		is_by_chance(allocations(traced, size), (double)count, p, size);
		is_by_chance(live(traced, size), (double)kept, p, size);
	}
	ck_assert_int_eq(sizes, 8);
	/* What is in use is not known. */
	ck_assert_str_eq(printed, "usage 0\n");
}

/* Blocks that the trace releases are blocks that it has. */
static void is_whole(const struct traced *traced)
{
	ck_assert_uint_eq(traced->malformed, 0);
	ck_assert_uint_eq(traced->lost, 0);
	ck_assert_uint_eq(traced->heap.counts.unknown, 0);
	ck_assert_uint_eq(traced->heap.counts.foreign, 0);
	ck_assert_uint_eq(traced->heap.counts.replaced, 0);
}

static const struct {
	unsigned mean;
	int rounds; /* of one thread */
} rates[] = {{4 << 10, 2}, {64 << 10, 8}, {1 << 20, 24}};

enum { RATES = sizeof rates / sizeof *rates };

START_TEST(each_size_is_estimated_without_bias)
{
	const int rate = _i % RATES, threads = _i / RATES % 2 ? 8 : 1, flavour = _i / RATES / 2;
	char settings[128], arguments[32];
	struct traced traced;
	struct run r;

	snprintf(settings, sizeof settings, "LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=%s LOG_MALLOC_SAMPLE=%u",
	         formats[_i % FORMATS], rates[rate].mean);
	snprintf(arguments, sizeof arguments, "%d %d", threads, threads == 1 ? rates[rate].rounds : 2);
	r = must(run_traced(flavour, settings, "sampled", arguments));
	ck_assert_str_eq(r.err, "");
	traced = traced_read("trace", true);
	is_whole(&traced);
	ck_assert_int_eq(traced.finis, 1);
	estimates_all(&traced, r.out, rates[rate].mean);
}
END_TEST

/* What the commands say: by backtrace, by size, at the peak and of differences. `make statistics` does it more often.
 */
START_TEST(what_the_commands_estimate_agrees_with_a_full_trace)
{
	if (!can_run("what_the_commands_estimate_agrees_with_a_full_trace", "python3"))
		return;
	must(run("python3 $S/tests/statistics/estimates.py $B 6 4096"));
}
END_TEST

START_TEST(the_trace_says_its_mean_distance)
{
	struct run r;

	must(run_traced(_i, "LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=512K", "sampled", "1 1"));
	r = must(run("sed '/^+ INIT/q' trace | grep -a '^# SAMPLE'"));
	ck_assert_str_eq(r.out, "# SAMPLE 524288\n");
}
END_TEST

/* With a mean of a byte, all but the smallest blocks are in the sample: 2 * exp(-17) of the rest is missed. */
START_TEST(a_sample_of_all_bytes_is_the_whole_trace)
{
	struct traced traced;
	struct run r = must(run_traced(_i, "LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=1", "sampled", "1 1"));
	unsigned long size, count, kept;
	int length;

	traced = traced_read("trace", true);
	is_whole(&traced);
	for (const char *at = r.out; sscanf(at, "%lu %lu %lu\n%n", &size, &count, &kept, &length) == 3; at += length) {
		if (size < 100)
			continue;
		ck_assert_uint_eq(allocations(&traced, size), count);
		ck_assert_uint_eq(live(&traced, size), kept);
	}
}
END_TEST

/*
 * Threads resize and release each other's blocks. A release that is missed stays live, or shows when its address is
 * handed out again. A block of less than 40 bytes can be missing by chance.
 */
START_TEST(no_release_of_the_sample_is_missed)
{
	static const unsigned means[] = {1, 300};
	const int flavour = _i % FLAVOURS;
	const unsigned mean = means[_i / FLAVOURS];
	unsigned long long address, size;
	size_t live = 0, found = 0, position = 0;
	struct traced traced;
	char settings[64];
	struct run r;
	int length;

	snprintf(settings, sizeof settings, "LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=%u", mean);
	r = must(run_traced(flavour, settings, "threads", "8 3000"));
	traced = traced_read("trace", true);
	is_whole(&traced);
	ck_assert_str_eq(run("grep -a unseen= trace").out, "");
	for (const char *at = r.out; sscanf(at, "live %llx %llu\n%n", &address, &size, &length) == 2; at += length) {
		const struct heap_block *block = heap_find(&traced.heap, address);

		live++;
		ck_assert(!block || block->size == size);
		ck_assert(block || mean > 1 || size < 40);
		found += block != NULL;
	}
	ck_assert_uint_gt(live, 100);
	/* What else is live, the program did not print: what libc keeps of each thread, and for the output. */
	for (live = 0; heap_next(&traced.heap, &position);)
		live++;
	ck_assert_uint_le(live - found, 8 + 2);
}
END_TEST

START_TEST(a_setting_that_is_not_understood_is_told)
{
	static const char *const wrong[] = {"0x10", "-5", "2048G", "K", "many"};
	char settings[128];
	struct run r;

	snprintf(settings, sizeof settings, "LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=%s", wrong[_i]);
	r = must(run_traced(0, settings, "sampled", "1 1"));
	ck_assert_ptr_nonnull(strstr(r.err, " is not a number of bytes such as 512K; nothing is recorded\n"));
	ck_assert_ptr_nonnull(strchr(r.err, '\n'));
	ck_assert_str_eq(strchr(r.err, '\n'), "\n");
	must(run("[ ! -s trace ]"));
}
END_TEST

START_TEST(the_launcher_has_an_option_for_it)
{
	static const char *const wrong[] = {"0", "-1", "2048G", "K", "many", "''"};
	struct run r;

	must(run(LM " -q --sample 64K -o trace " PROGRAMS "sampled 1 1"));
	ck_assert_str_eq(run("grep -a '^# SAMPLE' trace").out, "# SAMPLE 65536\n");
	r = must(run(LM " --sample 1024G -o trace " PROGRAMS "sampled fork 0"));
	ck_assert_ptr_nonnull(strstr(r.err, "too little for a sample of one allocation in 1024G bytes"));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		r = run(LM " --sample %s -o trace true", wrong[i]);
		ck_assert_int_eq(r.status, 2);
		ck_assert_ptr_nonnull(strstr(r.err, wrong[i][0] == '\'' ? "log-malloc: " : wrong[i]));
	}
}
END_TEST

/* Of the program's first call, which may come from a constructor of its runtime. The session begins with it. */
START_TEST(the_first_call_is_drawn_like_others)
{
	static const char allocation[] = "sed -n '/^[+] [a-z_]*alloc /{s/ 0x.*//p;q}' trace";
	struct run full, sampled;

	must(run_traced(_i, "LOG_MALLOC_QUIET=1", "estimated", "1 1"));
	full = must(run(allocation));
	must(run_traced(_i, "LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=1", "estimated", "1 1"));
	sampled = must(run(allocation));
	ck_assert_str_ne(full.out, "");
	ck_assert_str_eq(sampled.out, full.out);
	must(run_traced(_i, "LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=1024G", "estimated", "1 1"));
	ck_assert_str_eq(must(run(allocation)).out, "");
}
END_TEST

/* ---- resizes ---- */

static const struct traced_call *nth(const struct traced *traced, uint64_t size, enum lm_call call)
{
	for (size_t i = 0; i < traced->count; i++) {
		if (traced->list[i].event.call == call && traced->list[i].event.size == size)
			return &traced->list[i];
	}
	ck_abort_msg("no such call");
}

static size_t count_of(const struct traced *traced, enum lm_call call, int64_t change)
{
	size_t n = 0;

	for (size_t i = 0; i < traced->count; i++)
		n += traced->list[i].event.call == call && traced->list[i].event.change == change;
	return n;
}

START_TEST(a_resize_is_a_release_and_another_draw)
{
	const int64_t large = 64 << 20;
	const struct traced_call *call;
	struct traced traced;
	char settings[128];

	snprintf(settings, sizeof settings, "LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=1M LOG_MALLOC_FORMAT=%s",
	         formats[_i % FORMATS]);
	must(run_traced(_i / FORMATS, settings, "sampled", "resize"));
	traced = traced_read("trace", true);
	is_whole(&traced);
	/* To a block of the sample from another one, and from one of the sample. */
	call = nth(&traced, (uint64_t)large, LM_CALL_REALLOC);
	ck_assert_uint_eq(call->event.old, 0);
	ck_assert_int_eq(call->event.change, large);
	call = nth(&traced, (uint64_t)large + 1, LM_CALL_REALLOC);
	ck_assert_uint_ne(call->event.old, 0);
	ck_assert_int_eq(call->event.change, 1);
	/* From a block of the sample to another one. */
	ck_assert_uint_eq(count_of(&traced, LM_CALL_FREE, -(large + 1)), 1);
	/* realloc(p, 0), and one that failed. */
	ck_assert_uint_eq(
		count_of(&traced, LM_CALL_REALLOC, -(large + 2)) + count_of(&traced, LM_CALL_FREE, -(large + 2)), 1);
	ck_assert_uint_eq(count_of(&traced, LM_CALL_FREE, -(large + 3)), 1);
	call = nth(&traced, (uint64_t)large * 4, LM_CALL_REALLOCARRAY);
	ck_assert_uint_eq(call->event.old, 0);
	ck_assert_uint_eq(count_of(&traced, LM_CALL_FREE, -large * 4), 1);
	ck_assert_uint_eq(live(&traced, 1), 0);
	ck_assert_uint_eq(traced.heap.counts.allocated, traced.heap.counts.released);
}
END_TEST

/* ---- processes ---- */

/* The sizes of which the trace has a block, as text. */
static const char *sample_of(const char *path)
{
	struct run r = must(run(LM "-cat --compact %s | sed -n 's/^+ malloc \\(1[0-9][0-9][0-9]\\) .*/\\1/p'", path));

	return r.out;
}

START_TEST(each_child_of_fork_has_a_sample_of_its_own)
{
	enum { CHILDREN = 8 };
	const char *samples[CHILDREN];
	struct run r;
	char *path;
	int count = 0;

	must(run(
		"%s LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=64K LOG_MALLOC_FOLLOW=1 LOG_MALLOC_OUTPUT=$PWD/t.%%p " PROGRAMS
		"sampled%s fork %d",
		flavours[_i].environment, flavours[_i].suffix, CHILDREN));
	r = must(run("grep -la '^# FORKED' t.*"));
	for (path = strtok(r.out, "\n"); path; path = strtok(NULL, "\n")) {
		ck_assert_int_lt(count, CHILDREN);
		samples[count++] = sample_of(path);
	}
	ck_assert_int_eq(count, CHILDREN);
	/* 23 blocks each on average. That two are equal has a chance of less than one in 10^20. */
	for (int i = 0; i < count; i++) {
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(samples[i], samples[k]);
	}
}
END_TEST

START_TEST(what_was_recorded_survives_a_kill)
{
	struct traced traced;
	struct run r = run_traced(_i, "LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=4K", "sampled", "killed");

	ck_assert_int_eq(r.status, 128 + 9);
	traced = traced_read("trace", true);
	is_whole(&traced);
	is_by_chance(live(&traced, 1001), 1000, -expm1(-1001.0 / 4096), 1001);
}
END_TEST

/* A pointer that the sample does not have is nothing to tell of. */
/* Events that follow a burst may be hours apart, so each of them has its own time. */
START_TEST(each_event_of_a_sample_has_its_time)
{
	static const char program[] =
		"#include <stdlib.h>\n#include <unistd.h>\n"
		"int main(void) { void *volatile p; for (int i = 0; i < 1000; i++) p = malloc(1000);\n"
		"for (int i = 0; i < 4; i++) { usleep(30000); p = malloc(7000); } return 0; }\n";

	write_file("bursts.c", program, sizeof program - 1);
	must(run("${CC:-gcc} -o bursts bursts.c && $B/log-malloc -q --%s --sample 16 -o t ./bursts", formats[_i]));
	ck_assert_str_eq(run("$B/log-malloc-cat t | grep '^[+#] ' | grep -v '^# [^T]' | "
	                     "grep -B1 '^[+] malloc 7000 ' | grep -c '^# TIME '")
	                         .out,
	                 "4\n");
}
END_TEST

START_TEST(nothing_is_foreign)
{
	struct traced traced;

	must(run_traced(_i, "LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=64", "sampled", "foreign"));
	traced = traced_read("trace", true);
	is_whole(&traced);
	is_by_chance(allocations(&traced, 100), 1000, -expm1(-100.0 / 64), 100);
	ck_assert_str_eq(run("grep -a 'CALLING\\|!f' trace").out, "");
}
END_TEST

/* Off and on: the size map follows the sample meanwhile. */
START_TEST(tracing_that_begins_off_has_nothing)
{
	struct traced traced;

	must(run_traced(_i, "LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=1K LOG_MALLOC_START=off", "sampled", "1 1"));
	traced = traced_read("trace", true);
	ck_assert_uint_eq(traced.count, 0);
	ck_assert_int_gt(traced.fini.used, 0);
}
END_TEST

enum { RING_MIB = 4, PIECE_KIB = 256, HEADER_AND_TRAILER_KIB = 2 * 64 };

/* The ring of a sample gives its pages back: 4 MiB and more pass through it here. */
START_TEST(the_ring_of_a_sample_takes_little_memory)
{
	enum { PAIRS = 12000 };
	struct run r = must(run_traced(_i, "LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=64K", "journal_pages", "12000"));
	long kib = atol(r.out);

	must(run("[ $(stat -c %%s trace) -gt $((%d << 20)) ] && [ ! -e trace.journal ] && $B/log-malloc-report -n "
	         "--format json trace | jq -e '.allocated.samples >= %d'",
	         RING_MIB, PAIRS));
	ck_assert_int_gt(kib, 0);
	ck_assert_int_le(kib, 2 * PIECE_KIB + HEADER_AND_TRAILER_KIB);
	/* That of a whole trace keeps them, unless the kernel needs some. */
	r = must(run_traced(_i, "LOG_MALLOC_QUIET=1", "journal_pages", "12000"));
	ck_assert_int_gt(atol(r.out), RING_MIB << 9);
}
END_TEST

START_TEST(the_ring_of_a_child_takes_little_memory_too)
{
	struct run r = must(run("%s LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=64K LOG_MALLOC_FOLLOW=1 "
	                        "LOG_MALLOC_OUTPUT=$PWD/t.%%p " PROGRAMS "journal_pages%s 12000 fork",
	                        flavours[_i].environment, flavours[_i].suffix));

	ck_assert_int_gt(atol(r.out), 0);
	ck_assert_int_le(atol(r.out), 2 * PIECE_KIB + HEADER_AND_TRAILER_KIB);
}
END_TEST

/* ---- probes ---- */

static const char *const with_probes[] = {"$B/liblog-malloc2.so", PROGRAMS "sampled.wrap", PROGRAMS "sampled.static"};

START_TEST(files_have_the_probes)
{
	struct run r = must(run("readelf -n %s | grep -A3 'Provider: otel_memory'", with_probes[_i]));

	ck_assert_ptr_nonnull(strstr(r.out, "Name: alloc"));
	ck_assert_ptr_nonnull(strstr(r.out, "Name: free"));
	ck_assert_ptr_null(strstr(r.out, "Base: 0x0000000000000000"));
}
END_TEST

/* The first block of the sample: 64M and one byte, of which a block of 64 means stands for itself alone. */
START_TEST(probes_tell_the_blocks_of_the_sample)
{
	static const char *const programs[] = {"sampled", "sampled.wrap", "sampled.static"};
	const char *environment = _i ? "" : "set environment LD_PRELOAD $B/liblog-malloc2.so";
	struct run r;

	if (!can_run("probes_tell_the_blocks_of_the_sample", "gdb"))
		return;
	r = must(run("cat >commands <<'END'\nset breakpoint pending on\nset startup-with-shell off\n%s\n"
	             "set environment LOG_MALLOC_SAMPLE 1M\nbreak -probe-stap otel_memory:alloc\nrun resize\n"
	             "printf \"%%lu %%lu\\n\", $_probe_arg1, $_probe_arg2\nkill\nEND\n"
	             "sed -i \"s:\\$B:$B:\" commands; gdb -batch -nx -x commands " PROGRAMS "%s 2>&1",
	             environment, programs[_i]));
	ck_assert_msg(strstr(r.out, "67108864 67108864\n") != NULL, "%s", r.out);
}
END_TEST

/* As long as nobody is attached, that is all of it. */
START_TEST(a_probe_is_one_instruction_that_does_nothing)
{
	if (run("uname -m | grep -qE 'x86_64|aarch64'").status != 0) {
		skip("a_probe_is_one_instruction_that_does_nothing", "the instruction may have another name here");
		return;
	}
	must(run("objdump -d --no-show-raw-insn $B/liblog-malloc2.so >code && readelf -n $B/liblog-malloc2.so | "
	         "sed -n 's/.*Location: 0x0*\\([0-9a-f]*\\),.*/\\1/p' >places && [ $(wc -l <places) -ge 2 ] && "
	         "while read -r place; do grep -qE \"^ *$place:[[:space:]]+nop *$\" code || exit; done <places"));
}
END_TEST

/* By their names alone, without being root. */
START_TEST(perf_and_bpftrace_find_the_probes)
{
	if (!can_run("perf_and_bpftrace_find_the_probes", "bpftrace") ||
	    !can_run("perf_and_bpftrace_find_the_probes", "perf"))
		return;
	must(run("for p in alloc free; do bpftrace -l 'usdt:'%s':*' | grep -q \":otel_memory:$p\\$\" || exit; done && "
	         "perf --buildid-dir $PWD/ids buildid-cache --add %s && "
	         "perf --buildid-dir $PWD/ids list sdt >list && grep -q sdt_otel_memory:alloc list && "
	         "grep -q sdt_otel_memory:free list",
	         with_probes[_i], with_probes[_i]));
}
END_TEST

/* What it adds up are the blocks of the trace and the bytes that they stand for, each rounded. */
START_TEST(bpftrace_reads_what_the_trace_has)
{
	static const char program[] = PROGRAMS "sampled.static";

	if (!can_run("bpftrace_reads_what_the_trace_has", "bpftrace"))
		return;
	if (run("bpftrace -q -e \"uprobe:%s:main { exit(); }\" -c %s", program, program).status != 0) {
		skip("bpftrace_reads_what_the_trace_has", "the kernel does not permit it");
		return;
	}
	must(run("export LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=4K LOG_MALLOC_OUTPUT=$PWD/t; bpftrace -q -e "
	         "\"usdt:%s:otel_memory:"
	         "alloc { @allocs = count(); @bytes = sum(arg2); }\" -c \"%s 1 2\" >out 2>err || exit; "
	         "$B/log-malloc-report -n --format json t >t.json; read() { sed -n \"s/^@$1: //p\" out; }; "
	         "jq -e \"(.allocated.samples == $(read allocs)) and "
	         "(.allocated.bytes - $(read bytes) | . >= -1 and . <= 1 + $(read allocs))\" t.json",
	         program, program));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sampled");

	TIMES(each_size_is_estimated_without_bias, FLAVOURS * 2 * RATES);
	ONCE(what_the_commands_estimate_agrees_with_a_full_trace);
	EACH(the_trace_says_its_mean_distance);
	EACH(a_sample_of_all_bytes_is_the_whole_trace);
	EACH(the_first_call_is_drawn_like_others);
	TIMES(a_setting_that_is_not_understood_is_told, 5);
	ONCE(the_launcher_has_an_option_for_it);
	TIMES(a_resize_is_a_release_and_another_draw, FLAVOURS * FORMATS);
	EACH(each_child_of_fork_has_a_sample_of_its_own);
	EACH(what_was_recorded_survives_a_kill);
	TIMES(no_release_of_the_sample_is_missed, 2 * FLAVOURS);
	TIMES(each_event_of_a_sample_has_its_time, sizeof formats / sizeof *formats);
	EACH(nothing_is_foreign);
	EACH(tracing_that_begins_off_has_nothing);
	TIMES(the_ring_of_a_sample_takes_little_memory, FLAVOURS);
	TIMES(the_ring_of_a_child_takes_little_memory_too, FLAVOURS);
	TIMES(files_have_the_probes, 3);
	ONCE(a_probe_is_one_instruction_that_does_nothing);
	TIMES(perf_and_bpftrace_find_the_probes, 3);
	ONCE(bpftrace_reads_what_the_trace_has);
	TIMES(probes_tell_the_blocks_of_the_sample, 3);
	return run_suite(suite);
}
