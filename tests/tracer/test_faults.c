/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that is not there, or not what it should be: the program ends as it would have, and the trace tells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flavours.h"
#include "support.h"
#include "traced.h"

START_TEST(a_program_that_runs_out_of_memory_sees_what_it_would_have_seen)
{
	static const char *const cases[] = {"large", "small", "threads", "none"};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run untraced = run(PROGRAMS "scarce %s", cases[i]);
		struct run traced = run_traced(_i, "LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=compact", "scarce", cases[i]);
		struct traced trace = traced_read("trace", false);

		ck_assert_int_eq(untraced.status, 0);
		ck_assert_msg(traced.status == 0, "%s %s: %d, %s", flavours[_i].name, cases[i], traced.status,
		              traced.err);
		ck_assert_str_eq(traced.out, untraced.out);
		/* At most one line, and that says what is missing. */
		ck_assert_msg(!*traced.err || strcmp(strchr(traced.err, '\n'), "\n") == 0, "%s", traced.err);
		ck_assert_msg(!*traced.err || strncmp(traced.err, "log-malloc2: ", 13) == 0, "%s", traced.err);
		ck_assert_uint_eq(trace.malformed, 0);
		ck_assert_uint_eq(trace.finis, 1);
		if (!*traced.err)
			traced_is_sound(&trace);
	}
}
END_TEST

START_TEST(failures_of_the_allocator_are_events)
{
	static const char *const lines[] = {
		"^\\+ malloc 0 \\(nil\\) \\(134217728\\) .* !e12",
		"^\\+ realloc 0 0x[0-9a-f]* \\(nil\\) \\(1000 134217728\\) .* !e12",
		"^\\+ posix_memalign 0 \\(nil\\) \\(64 134217728 : 12\\) .* !e12",
		"^\\+ aligned_alloc 0 \\(nil\\) \\(4096 134217728\\) .* !e12",
	};

	run_traced(_i, "", "scarce", "large");
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		ck_assert_msg(run("grep -qE '%s' trace", lines[i]).status == 0, "%s: nothing like %s",
		              flavours[_i].name, lines[i]);
}
END_TEST

/* ---- sizes that could not be kept ---- */

/* The event of the block that the size map has no room for. */
static const struct event *unkept_event(const struct traced *trace)
{
	const struct event *found = NULL;

	for (size_t i = 0; i < trace->count; i++) {
		if (!trace->list[i].event.unkept)
			continue;
		ck_assert_ptr_null(found);
		found = &trace->list[i].event;
	}
	ck_assert_ptr_nonnull(found);
	return found;
}

/* All that judges a trace says that something is missing, although the budget is larger than what was allocated, and
 * nobody asks for calls from inside libraries. */
static void no_gate_passes(const char *name)
{
	struct run r = run("$B/log-malloc-findleak --accept-own-calls --max-bytes=1G trace");

	ck_assert_msg(r.status == 1, "%s: %d", name, r.status);
	ck_assert_msg(strstr(r.out, "; 1 block whose size the tracker could not keep; ") &&
	                      strstr(r.out, "; NOT KNOWN to be within"),
	              "%s", r.out);
	ck_assert_ptr_null(strstr(r.out, "complete"));
	r = run("$B/log-malloc-findleak --accept-own-calls --max-bytes=1G --format=junit trace");
	ck_assert_int_eq(r.status, 1);
	ck_assert_msg(strstr(r.out, "failures=\"1\"") && strstr(r.out, "the trace is not complete"), "%s", r.out);
	ck_assert_int_eq(run("$B/log-malloc-diff --accept-own-calls --max-growth=1G trace trace").status, 1);
	if (can_run("a_size_that_can_not_be_kept_is_told_and_no_gate_passes", "jq"))
		json_is("log-malloc-findleak", "--max-bytes=1G trace", "[.complete,.unkept]", "[false,1]\n");
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-report trace").out, "; 1 block whose size the tracker"));
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-trackusage trace").err, ": not in these numbers: 1 block "));
}

START_TEST(a_size_that_can_not_be_kept_is_told_and_no_gate_passes)
{
	static const char *const functions[] = {"malloc",   "calloc",        "realloc",        "reallocarray",
	                                        "memalign", "aligned_alloc", "posix_memalign", "valloc"};
	const uint64_t size = (32 << 20) - (64 << 10);

	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		struct run r = run_traced(_i, "LOG_MALLOC_QUIET=1", "scarce", functions[i]);
		struct traced trace = traced_read("trace", true);
		const struct event *event = unkept_event(&trace);

		ck_assert_msg(r.status == 0, "%s %s: %d", flavours[_i].name, functions[i], r.status);
		ck_assert_str_eq(parse_call_name(event->call), functions[i]);
		ck_assert_uint_eq(event->size, size);
		ck_assert_int_lt(event->used, 1 << 20);
		ck_assert_uint_eq(heap_find(&trace.heap, event->pointer)->size, size);
		ck_assert_int_eq(run("$B/log-malloc-findleak --max-bytes=30M trace").status, 1);
		no_gate_passes(functions[i]);
	}
}
END_TEST

/* There is memory for the map again when it is released. Its release is foreign, and takes nothing off the totals. */
START_TEST(a_block_whose_size_was_not_kept_can_be_released)
{
	struct run r = run_traced(_i, "LOG_MALLOC_QUIET=1", "scarce", "malloc release");
	struct traced trace = traced_read("trace", true);
	const struct event *event = unkept_event(&trace);
	const struct traced_call *release = NULL;

	ck_assert_int_eq(r.status, 0);
	for (size_t i = 0; i < trace.count; i++) {
		if (parse_is_free(trace.list[i].event.call) && trace.list[i].event.pointer == event->pointer)
			release = &trace.list[i];
	}
	ck_assert_ptr_nonnull(release);
	ck_assert(release->event.foreign);
	ck_assert_int_eq(release->event.used, event->used);
	ck_assert_ptr_null(heap_find(&trace.heap, event->pointer));
	ck_assert_int_eq(trace.fini.used, (int64_t)trace.heap.bytes);
	no_gate_passes("release");
}
END_TEST

/* From so little that the library is just loaded to enough for all: wherever the tracker fails, the program does not.
 */
START_TEST(no_limit_on_the_address_space_takes_the_program_down)
{
	struct run r = run("failed=0; for kib in $(seq 5000 700 40000) 60000 100000; do "
	                   "( ulimit -v $kib; exec %s nothing ) >/dev/null 2>&1; untraced=$?; "
	                   "( ulimit -v $kib; %s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t exec %s nothing ) "
	                   ">/dev/null 2>&1; traced=$?; "
	                   "[ $traced = $untraced ] || echo \"$kib KiB: $traced instead of $untraced\"; done",
	                   PROGRAMS "processes", flavours[_i].environment, PROGRAMS "processes");

	ck_assert_str_eq(r.out, "");
}
END_TEST

START_TEST(glibc_has_its_own_say_about_wrong_frees)
{
	static const char *const cases[] = {"twice", "stack", "inside", "low"};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct run untraced = run("ulimit -c 0; " PROGRAMS "wild %s", cases[i]);
		struct run traced = run_traced(_i, "LOG_MALLOC_QUIET=1", "wild", cases[i]);

		ck_assert_msg(traced.status == untraced.status, "%s %s: status %d instead of %d", flavours[_i].name,
		              cases[i], traced.status, untraced.status);
		ck_assert_int_eq(run("grep '^+ free -[0-9]* 0x[0-9a-f]* .* !f' trace").status, 0);
		/* glibc's message is the same; the shell's tells a process id. */
		if (strncmp(untraced.err, "free", 4) == 0)
			ck_assert_int_eq(strncmp(traced.err, untraced.err, strcspn(untraced.err, "\n")), 0);
	}
}
END_TEST

static bool is_called_by(const struct traced_call *call, const char *function)
{
	for (size_t i = 0; i < call->depth; i++) {
		if (strcmp(traced_symbol(call->frames[i]), function) == 0)
			return true;
	}
	return false;
}

START_TEST(a_pointer_into_a_block_is_not_the_block)
{
	static const char *const functions[] = {"free", "free_sized", "free_aligned_sized"};

	for (size_t i = 0; i < sizeof functions / sizeof *functions * 8; i++) {
		const struct traced_call *last;
		struct traced trace;
		char arguments[64];

		snprintf(arguments, sizeof arguments, "%s %zu", functions[i / 8], i % 8 + 1);
		if (run_traced(_i, "LOG_MALLOC_QUIET=1", "wild", arguments).status == 3)
			continue; /* There is no such function. */
		trace = traced_read("trace", true);
		last = &trace.list[trace.count - 1];
		ck_assert_msg(last->event.foreign, "%s %s", flavours[_i].name, arguments);
		ck_assert_str_eq(parse_call_name(last->event.call), functions[i / 8]);
		ck_assert_int_eq(last->event.change, 0);
		ck_assert_uint_eq(last->event.pointer, traced_find(&trace, "malloc", 100)->event.pointer + i % 8 + 1);
		ck_assert_int_eq(last->event.used, trace.list[trace.count - 2].event.used);
		ck_assert_uint_gt(last->depth, 0);
		/* The compiler may have made release() a part of it. */
		ck_assert_msg(is_called_by(last, "main"), "%s %s", flavours[_i].name, arguments);
	}
}
END_TEST

/* What such a realloc does depends on libc; the books have to know the block of which it was a part. */
START_TEST(a_resize_of_a_pointer_into_a_block_does_not_take_the_block)
{
	static const char *const functions[] = {"realloc", "reallocarray"};

	for (size_t i = 0; i < sizeof functions / sizeof *functions * 8; i++) {
		struct run untraced, traced;
		struct traced trace;
		char arguments[64];

		snprintf(arguments, sizeof arguments, "%s %zu", functions[i / 8], i % 8 + 1);
		untraced = run("ulimit -c 0; " PROGRAMS "wild %s", arguments);
		traced = run_traced(_i, "LOG_MALLOC_QUIET=1", "wild", arguments);
		ck_assert_int_eq(traced.status, untraced.status);
		trace = traced_read("trace", true);
		ck_assert_int_eq(trace.list[trace.count - 1].event.used,
		                 traced_find(&trace, "malloc", 100)->event.used);
	}
}
END_TEST

START_TEST(a_resize_that_the_program_dies_of_is_reported)
{
	static const char *const functions[] = {"realloc", "reallocarray"};
	static const char *const formats[] = {"full", "compact", "packed"};

	for (int i = 0; i < 6; i++) {
		struct run untraced = run("ulimit -c 0; " PROGRAMS "wild %s within", functions[i % 2]), traced;
		char settings[64], arguments[64];

		snprintf(settings, sizeof settings, "LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=%s", formats[i / 2]);
		snprintf(arguments, sizeof arguments, "%s within", functions[i % 2]);
		traced = run_traced(_i, settings, "wild", arguments);
		ck_assert_int_eq(traced.status, untraced.status);
		traced = run("$B/log-malloc-findleak trace");
		ck_assert_msg(strstr(traced.out, ": ") && strstr(traced.out, "1 FREE OF BLOCKS THAT WERE NOT IN USE") &&
		                      strstr(traced.out, "of a block that the tracker did not see allocated (line: "),
		              "%s", traced.out);
		snprintf(arguments, sizeof arguments, "%s released", functions[i % 2]);
		run_traced(_i, settings, "wild", arguments);
		traced = run("$B/log-malloc-findleak trace");
		ck_assert_int_eq(traced.status, 1);
		ck_assert_msg(strstr(traced.out, "of a block that had been released before (line: ") &&
		                      strstr(traced.out, " allocated by malloc in line "),
		              "%s", traced.out);
		ck_assert_ptr_nonnull(strstr(traced.out, "; 1 double free"));
	}
}
END_TEST

START_TEST(glibc_has_its_own_say_about_overrun_blocks)
{
	static const struct {
		const char *what, *last_event;
	} cases[] = {
		/* The release that it dies of; of an allocation that never returned, the call before is the last. */
		{"overrun", "+ free -5000 "},
		{"top", "+ malloc 5000 "},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run untraced = run("ulimit -c 0; " PROGRAMS "wild %s", cases[i].what);
		struct run traced = run_traced(_i, "LOG_MALLOC_QUIET=1", "wild", cases[i].what);
		struct run last = run("grep '^+ [a-z]*alloc \\|^+ free' trace | tail -n 1");

		ck_assert_int_eq(untraced.status, 134);
		ck_assert_int_eq(traced.status, 134);
		ck_assert_int_eq(strncmp(traced.err, untraced.err, strcspn(untraced.err, "\n")), 0);
		ck_assert_msg(strncmp(last.out, cases[i].last_event, strlen(cases[i].last_event)) == 0, "%s %s: %s",
		              flavours[_i].name, cases[i].what, last.out);
	}
}
END_TEST

/* ---- locked memory ---- */

/* What the program "locking" prints. */
struct locking {
	int error;
	long blocks, locked_kib;
};

static struct locking locking_printed(const struct run *result)
{
	struct locking printed = {-1, -1, -1};

	sscanf(result->out, "%d %ld %ld", &printed.error, &printed.blocks, &printed.locked_kib);
	return printed;
}

/*
 * The ring has 8 MiB of address space, and the map has 10 MiB for 40 MB of heap: 2 MiB are less than any of these. Two
 * blocks of 4000 bytes are what the heaps of the flavours differ by.
 */
static void locks_as_untraced(int flavour, const char *arguments, bool with_trace, const struct locking *untraced)
{
	struct run traced =
		run("rm -f trace; %s LOG_MALLOC_QUIET=1 %s " PROGRAMS "locking%s %s", flavours[flavour].environment,
	            with_trace ? "LOG_MALLOC_OUTPUT=trace" : "", flavours[flavour].suffix, arguments);
	struct locking printed = locking_printed(&traced);
	const char *name = flavours[flavour].name;

	ck_assert_int_eq(traced.status, 0);
	ck_assert_str_eq(traced.err, "");
	ck_assert_msg(printed.error == untraced->error, "%s %s: errno %d", name, arguments, printed.error);
	ck_assert_msg(labs(printed.blocks - untraced->blocks) <= 2, "%s %s: %ld blocks instead of %ld", name, arguments,
	              printed.blocks, untraced->blocks);
	ck_assert_msg(printed.locked_kib - untraced->locked_kib < 2048, "%s %s: %ld KiB locked instead of %ld", name,
	              arguments, printed.locked_kib, untraced->locked_kib);
	if (with_trace) {
		struct traced trace = traced_read("trace", false);

		traced_is_sound(&trace);
		ck_assert_uint_ge(trace.calls[LM_CALL_MALLOC], (unsigned long)(atol(arguments) + printed.blocks));
	}
}

/* Before the ring is there and with it; with a limit that is enough, one that the blocks reach, and next to none. */
START_TEST(a_program_that_locks_its_memory_has_as_much_as_untraced)
{
	static const char *const cases[] = {
		"future 0 400 100000",   "both 0 400 100000",   "both 8192 1000 4000", "current 8192 1000 4000",
		"future 8192 5000 4000", "future 64 1000 4000", "future 4 1000 4000",
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases * 2; i++) {
		struct run untraced;
		struct locking printed;
		char arguments[64];

		snprintf(arguments, sizeof arguments, "%d %s", i % 2 ? 20000 : 0, cases[i / 2]);
		untraced = run(PROGRAMS "locking %s", arguments);
		printed = locking_printed(&untraced);
		if (untraced.status == 77 || printed.error) {
			skip("a_program_that_locks_its_memory_has_as_much_as_untraced", cases[i / 2]);
			continue;
		}
		ck_assert_int_eq(untraced.status, 0);
		locks_as_untraced(_i, arguments, false, &printed);
		locks_as_untraced(_i, arguments, true, &printed);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("faults");

	EACH(a_program_that_runs_out_of_memory_sees_what_it_would_have_seen);
	EACH(failures_of_the_allocator_are_events);
	EACH(a_size_that_can_not_be_kept_is_told_and_no_gate_passes);
	EACH(a_block_whose_size_was_not_kept_can_be_released);
	EACH(no_limit_on_the_address_space_takes_the_program_down);
	EACH(glibc_has_its_own_say_about_wrong_frees);
	EACH(a_pointer_into_a_block_is_not_the_block);
	EACH(a_resize_of_a_pointer_into_a_block_does_not_take_the_block);
	EACH(a_resize_that_the_program_dies_of_is_reported);
	EACH(glibc_has_its_own_say_about_overrun_blocks);
	EACH(a_program_that_locks_its_memory_has_as_much_as_untraced);
	return run_suite(suite);
}
