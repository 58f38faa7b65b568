/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tracker promises, for each way to get it into a program. Programs
 * run through their public doors; what they wrote is read with the reader
 * library.
 */
#include "flavours.h"
#include "support.h"
#include "traced.h"

#include <stdio.h>
#include <string.h>

START_TEST(the_program_sees_what_it_would_see_untraced)
{
	struct run untraced = run(PROGRAMS "semantics");
	struct run traced = run_traced(_i, "", "semantics", "");
	struct traced trace;

	ck_assert_int_eq(untraced.status, 0);
	ck_assert_int_eq(traced.status, 0);
	same_output(&traced, &untraced);
	ck_assert_str_eq(traced.err, "*** log-malloc trace-fd = 1022 ***\n");
	trace = traced_read("trace", true);
	traced_is_sound(&trace);
	ck_assert_uint_eq(trace.wrong_totals, 0);
}
END_TEST

START_TEST(the_program_sees_the_same_with_the_tracker_off)
{
	struct run untraced = run(PROGRAMS "semantics");
	struct run off = run("%s " PROGRAMS "semantics%s", flavours[_i].environment, flavours[_i].suffix);

	ck_assert_int_eq(off.status, 0);
	same_output(&off, &untraced);
	ck_assert_str_eq(off.err, "");
}
END_TEST

START_TEST(failures_tell_the_request_and_errno)
{
	static const char *const lines[] = {
		"^\\+ malloc 0 \\(nil\\) \\(18446744073709551615\\) \\[[0-9]*:[0-9]*\\] !e12",
		"^\\+ calloc 0 \\(nil\\) \\[[0-9]*:[0-9]*\\] \\(18446744073709551615 2\\) !e12",
		"^\\+ realloc 0 0x[0-9a-f]* \\(nil\\) \\(100 18446744073709551615\\) \\[[0-9]*:[0-9]*\\] !e12",
		("^\\+ reallocarray 0 0x[0-9a-f]* \\(nil\\) \\(100 18446744073709551615 : 18446744073709551615 2\\) .* "
	         "!e12"),
		"^\\+ memalign 0 \\(nil\\) \\(64 18446744073709551615\\) \\[[0-9]*:[0-9]*\\] !e12",
		"^\\+ posix_memalign 0 \\(nil\\) \\(3 10 : 22\\) \\[[0-9]*:[0-9]*\\] !e22",
		"^\\+ realloc -10 0x[0-9a-f]* \\(nil\\) \\(10 0\\) \\[[0-9]*:[0-9]*\\]$",
	};

	run_traced(_i, "LOG_MALLOC_STATM=never", "semantics", "");
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct run found = run("grep -qE '%s' trace", lines[i]);

		ck_assert_msg(found.status == 0, "%s: nothing like %s", flavours[_i].name, lines[i]);
	}
}
END_TEST

/* Blocks that the program says are left, against those that the trace says are live. */
static size_t count_left(const char *out, const struct heap *heap)
{
	unsigned long long address, size;
	size_t left = 0;

	for (const char *line = out; sscanf(line, "live %llx %llu", &address, &size) == 2; left++) {
		const struct heap_block *block = heap_find(heap, address);

		ck_assert_msg(block != NULL, "%llx is live and not in the trace", address);
		ck_assert_uint_eq(block->size, size);
		line = strchr(line, '\n') + 1;
	}
	return left;
}

START_TEST(threads_that_free_each_others_blocks_keep_order_and_totals)
{
	struct run traced = run_traced(_i, "LOG_MALLOC_QUIET=1 LOG_MALLOC_BACKTRACE_DEPTH=1", "threads", "8 60000");
	struct traced trace;

	ck_assert_int_eq(traced.status, 0);
	ck_assert_str_eq(traced.err, "");
	trace = traced_read("trace", false);
	traced_is_sound(&trace);
	ck_assert_uint_gt(count_left(traced.out, &trace.heap), 100);
	/* In a dynamic program with the archive, libc's blocks are invisible, and those of the program are all. */
	if (!flavours[_i].sees_libc)
		ck_assert_uint_eq(count_left(traced.out, &trace.heap), trace.heap.blocks);
}
END_TEST

/* The records of leak-01's own code as text without addresses: what has to be the same in all flavours. */
static char *own_records(const struct traced *trace)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < trace->count; i++) {
		const struct traced_call *call = &trace->list[i];
		size_t end = 0;

		/* Up to main: behind it is each libc's own way there. */
		while (end < call->depth && strcmp(traced_symbol(call->frames[end]), "main") != 0)
			end++;
		if (end == call->depth && !parse_is_free(call->event.call))
			continue;
		fprintf(out, "%s %lld %u\n", parse_call_name(call->event.call), (long long)call->event.change,
		        call->event.arg_count);
		for (size_t frame = 0; frame <= end && frame < call->depth; frame++) {
			const char *open = strrchr(call->frames[frame], '('),
				   *close = strrchr(call->frames[frame], ')');

			ck_assert(open && close);
			/* Offsets inside main differ where code is compiled as position independent or not. */
			fprintf(out, "    %s\n", traced_symbol(call->frames[frame]));
		}
	}
	fclose(out);
	return text;
}

START_TEST(the_same_example_gives_the_same_trace_in_each_flavour)
{
	char *expected = NULL;

	for (int flavour = 0; flavour < FLAVOURS; flavour++) {
		struct run traced = run("%s $B/examples/leak-01%s 1022>trace", flavours[flavour].environment,
		                        flavours[flavour].suffix);
		struct traced trace = traced_read("trace", true);
		char *records = own_records(&trace);

		ck_assert_int_eq(traced.status, 0);
		traced_is_sound(&trace);
		ck_assert_ptr_nonnull(strstr(records, "    main\n"));
		if (!expected)
			expected = records;
		ck_assert_msg(strcmp(records, expected) == 0, "%s: %s\ninstead of\n%s", flavours[flavour].name, records,
		              expected);
	}
}
END_TEST

static void has_symbols(const struct traced *trace, uint64_t size, size_t first, const char *const *symbols)
{
	const struct traced_call *call = traced_find(trace, "malloc", size);

	for (size_t i = 0; symbols[i]; i++) {
		ck_assert_msg(first + i < call->depth, "malloc of %llu: only %zu frames", (unsigned long long)size,
		              call->depth);
		ck_assert_str_eq(traced_symbol(call->frames[first + i]), symbols[i]);
	}
}

START_TEST(backtraces_are_right_in_odd_places)
{
	static const char *const recursion[] = {"recurse", "recurse", "recurse", "recurse", NULL};
	static const char *const small[] = {"small_stack", NULL};
	static const char *const aligned[] = {"realigned", "main", NULL};
	static const char *const in_handler[] = {"handler", NULL};
	struct run traced = run_traced(_i, "LOG_MALLOC_BACKTRACE_DEPTH=100", "unwinding", "");
	const struct traced_call *call;
	struct traced trace;
	int reached = 0;

	if (!flavours[_i].sees_libc)
		run_traced(_i, "LOG_MALLOC_BACKTRACE_DEPTH=100", "unwinding", "");
	ck_assert_int_eq(traced.status, 0);
	trace = traced_read("trace", true);
	traced_is_sound(&trace);
	has_symbols(&trace, 10002, 0, recursion);
	has_symbols(&trace, 10005, 0, small);
	has_symbols(&trace, 10006, 0, aligned);
	has_symbols(&trace, 10001, 0, in_handler);
	ck_assert_uint_eq(traced_find(&trace, "malloc", 10002)->depth, 100);
	/* Through the signal's frame, from the alternate stack to the ordinary one, and on to main. */
	call = traced_find(&trace, "malloc", 10001);
	for (size_t i = 0; i < call->depth; i++)
		reached |= strcmp(traced_symbol(call->frames[i]), "main") == 0;
	ck_assert_msg(reached, "the handler's backtrace does not reach main");
}
END_TEST

START_TEST(no_frame_is_of_the_tracker_itself)
{
	run_traced(_i, "", "semantics", "");
	ck_assert_int_eq(run("grep -E '(liblog-malloc2|\\((__wrap_|lm_)).*\\[0x' trace").status, 1);
}
END_TEST

START_TEST(children_of_fork_do_not_write_into_the_trace)
{
	static const struct {
		const char *what;
		int status;
	} cases[] = {{"fork", 7}, {"vfork", 8}, {"spawn", 0}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct run traced = run_traced(_i, "LOG_MALLOC_QUIET=1", "processes", cases[i].what);
		struct traced trace = traced_read("trace", false);

		ck_assert_int_eq(traced.status, cases[i].status);
		ck_assert_str_eq(traced.err, "");
		ck_assert_uint_eq(trace.inits, 1);
		traced_is_sound(&trace);
	}
}
END_TEST

START_TEST(a_process_that_execs_keeps_its_trace)
{
	for (int by_name = 0; by_name < 2; by_name++) {
		struct run traced =
			run("%s %s LOG_MALLOC_QUIET=1 " PROGRAMS "processes%s exec 3 %s", flavours[_i].environment,
		            by_name ? "LOG_MALLOC_OUTPUT=trace" : "", flavours[_i].suffix, by_name ? "" : "1022>trace");
		struct traced trace = traced_read("trace", false);

		ck_assert_int_eq(traced.status, 9);
		ck_assert_uint_eq(trace.images, 4);
		ck_assert_uint_eq(trace.inits, 4);
		ck_assert_uint_eq(trace.finis, 1);
		ck_assert_uint_eq(trace.malformed, 0);
	}
}
END_TEST

START_TEST(the_first_call_can_come_from_setlocale)
{
	struct run traced = run_traced(_i, "", "translated", "");
	struct traced trace = traced_read("trace", false);

	ck_assert_int_eq(traced.status, 0);
	traced_is_sound(&trace);
}
END_TEST

/* The tracker must not take the handler for code that a longjmp has led to. */
START_TEST(a_handler_on_a_stack_that_disarms_itself_is_no_longjmp)
{
	struct run traced = run_traced(_i, "LOG_MALLOC_QUIET=1 LOG_MALLOC_BACKTRACE_DEPTH=1", "disarmed", "");
	struct traced trace;

	if (traced.status == 77) {
		skip("a_handler_on_a_stack_that_disarms_itself_is_no_longjmp", "the kernel has no SS_AUTODISARM");
		return;
	}
	trace = traced_read("trace", false);
	ck_assert_int_eq(traced.status, 0);
	ck_assert_str_eq(traced.out, "1000\n");
	traced_is_sound(&trace);
}
END_TEST

START_TEST(every_way_to_exit_ends_the_trace)
{
	static const struct {
		const char *what;
		int status;
	} cases[] = {{"quick_exit", 4}, {"_exit", 5}, {"_Exit", 6}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct run traced = run_traced(_i, "", "processes", cases[i].what);
		struct traced trace = traced_read("trace", false);

		ck_assert_int_eq(traced.status, cases[i].status);
		traced_is_sound(&trace);
	}
}
END_TEST

/* Symbolic links to the program, and what can be mistaken for one. */
START_TEST(a_program_has_the_name_that_it_was_started_by)
{
	static const struct {
		const char *command, *name;
	} ways[] = {
		{"d/link", "d/link"},
		{"./d/link", "d/link"},
		{"$PWD/d/link", "d/link"},
		{"env PATH=$PWD/d link", "d/link"},
		{"bash -c 'cd d; exec ./link'", "d/link"},
		{"bash -c 'exec -a /usr/bin/other d/link'", "d/link"},
		{"bash -c 'exec -a d/link d/program'", "d/program"},
		{"d/script", "d/link"},
		{"bash -c 'exec 9<d/program; exec /dev/fd/9'", "d/program"},
		{"d/program", "d/program"},
	};

	must(run("mkdir d && cp " PROGRAMS "processes%s d/program && ln -s program d/link && "
	         "printf '#!%%s/d/link nothing\\n' \"$PWD\" >d/script && chmod +x d/script",
	         flavours[_i].suffix));
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct run result = run("rm -f t; %s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=$PWD/t %s; "
		                        "grep '^# EXE' t | tail -n 1 | sed \"s|$PWD/||\"",
		                        flavours[_i].environment, ways[i].command);
		char expected[64];

		snprintf(expected, sizeof expected, "# EXE %s\n", ways[i].name);
		ck_assert_msg(strcmp(result.out, expected) == 0, "%s: %s%s", ways[i].command, result.out, result.err);
	}
	/* Its frames have the same name, and lines are found by it. */
	must(run("%s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t d/link exec 0; grep -q \"^$PWD/d/link(\" t && "
	         "! grep -q \"^$PWD/d/program(\" t && $B/log-malloc-findleak t >report; "
	         "grep -q '^ *allocate .*processes.c:[0-9]* .*d/link(' report",
	         flavours[_i].environment));
}
END_TEST

START_TEST(it_begins_and_ends_as_the_format_says)
{
	struct run first;
	char expected[256];

	run_traced(_i, "", "processes", "nothing");
	first = run("head -n 9 trace | sed -e 's/^# PROCESS [0-9a-f]*$/# PROCESS X/' -e 's/[0-9][0-9]*/N/g' -e "
	            "'s|/.*|PATH|' -e 's/processes[.a-z-]*$/NAME/'");
	snprintf(expected, sizeof expected,
	         "# PID N\n# PROCESS X\n# EXE PATH\n# CWD PATH\n# BEGAN N\n# FLAVOUR %s\n# FORMAT full\n"
	         "# THREAD N N NAME\n"
	         "+ INIT [N:N] malloc=N calloc=N realloc=N memalign=N"
	         "PATH\n",
	         flavours[_i].word);
	ck_assert_str_eq(first.out, expected);
	ck_assert_int_eq(run("sed -n '/^+ FINI/,$p' trace | sed -n 2p | grep -qx '# FILE /proc/self/maps'").status, 0);
	ck_assert_int_eq(
		run("grep -q \"^# EXE $(readlink -f " PROGRAMS "processes%s)$\" trace", flavours[_i].suffix).status, 0);
	/* The first frame in an object comes behind the object's MODULE line. */
	ck_assert_str_eq(
		run("awk '/^# MODULE/ { known[$6] = 1 } /^\\// { sub(/\\(.*/, \"\"); if (!known[$0]) print }' trace")
			.out,
		"");
}
END_TEST

/* How often the traces that match PATTERN name the flavour of test _i, and any. */
static void each_names(int flavour, const char *pattern, int images)
{
	struct run found =
		run("for t in %s; do $B/log-malloc-cat $t | grep -a '^# FLAVOUR '; done | sort | uniq -c", pattern);
	char expected[64];

	snprintf(expected, sizeof expected, "%7d # FLAVOUR %s\n", images, flavours[flavour].word);
	ck_assert_str_eq(found.out, expected);
}

START_TEST(each_image_names_its_flavour)
{
	static const char *const formats[] = {"full", "compact", "packed"};

	for (int i = 0; i < 3; i++) {
		must(run("rm -rf f; mkdir f; %s LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=%s LOG_MALLOC_OUTPUT=f/t " PROGRAMS
		         "processes%s exec 3; [ $? = 9 ]",
		         flavours[_i].environment, formats[i], flavours[_i].suffix));
		each_names(_i, "f/t", 4);
		must(run("rm -rf f; mkdir f; %s LOG_MALLOC_QUIET=1 LOG_MALLOC_FOLLOW=1 LOG_MALLOC_FORMAT=%s "
		         "LOG_MALLOC_OUTPUT=f/t " PROGRAMS "forking%s fork 3 0",
		         flavours[_i].environment, formats[i], flavours[_i].suffix));
		each_names(_i, "f/t*", 4);
	}
	if (strcmp(flavours[_i].suffix, ".wrap") != 0)
		return;
	/* The kernel sees only the loader, which is started as a command, and that is a static program. */
	must(run("ld=$(readelf -l " PROGRAMS "processes.wrap | sed -n 's/.*interpreter: \\(.*\\)]/\\1/p'); "
	         "LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=u $ld " PROGRAMS "processes.wrap nothing"));
	each_names(_i, "u", 1);
}
END_TEST

/* If the flags are lost, nothing is wrapped. That does not link, so no program runs that sees nothing. */
START_TEST(without_the_flags_the_archive_does_not_link)
{
	static const char *const kinds[] = {"", "-static"};

	must(run("echo 'int main(void) { return 0; }' >p.c"));
	for (int i = 0; i < 2; i++) {
		struct run r =
			run("${CC:-cc} %s -o p p.c -Wl,--undefined=__wrap_malloc $B/liblog-malloc2-wrap.a", kinds[i]);

		ck_assert_int_ne(r.status, 0);
		ck_assert_msg(strstr(r.err, "__real_malloc"), "%s", r.err);
	}
}
END_TEST

/* Each is recorded before the call, and is an event only once. */
START_TEST(foreign_blocks_that_are_resized_are_events_once)
{
	static const char *const formats[] = {"full", "compact", "packed"};

	for (int i = 0; i < 3; i++) {
		struct run traced = run("LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=%s LOG_MALLOC_OUTPUT=trace " PROGRAMS
		                        "foreign.wrap resize",
		                        formats[i]);
		struct traced trace = traced_read("trace", true);

		ck_assert_int_eq(traced.status, 0);
		traced_is_sound(&trace);
		ck_assert_uint_eq(trace.wrong_totals, 0);
		ck_assert_uint_eq(trace.calls[LM_CALL_REALLOC], 10);
		ck_assert_uint_eq(trace.calls[LM_CALL_REALLOCARRAY], 10);
		ck_assert_uint_eq(trace.heap.counts.foreign, 20);
		ck_assert_str_eq(run("grep -ao '# CALLING realloc' trace | wc -l").out, "20\n");
		traced = run("$B/log-malloc-findleak --accept-own-calls trace");
		ck_assert_int_eq(traced.status, 0);
		ck_assert_msg(strstr(traced.out, "; 20 foreign frees; calls from inside libraries are not seen"), "%s",
		              traced.out);
	}
}
END_TEST

START_TEST(unseen_releases_are_put_right)
{
	struct run traced = run("LOG_MALLOC_QUIET=1 " PROGRAMS "foreign.wrap 1022>trace");
	struct traced trace = traced_read("trace", true);

	ck_assert_int_eq(traced.status, 0);
	ck_assert_str_eq(traced.err, "");
	traced_is_sound(&trace);
	ck_assert_uint_gt(trace.concluded, 0);
	/* getline's blocks and strdup's. */
	ck_assert_uint_eq(trace.heap.counts.foreign, 30);
	ck_assert_uint_eq(trace.heap.blocks, 1);
	ck_assert_uint_eq(trace.heap.bytes, 1234);
}
END_TEST

START_TEST(code_that_takes_the_place_of_unloaded_code_gets_its_own_names)
{
	static const char source[] = "#include <stdlib.h>\nvoid *NAME(unsigned long n) { void *p = malloc(n); "
				     "__asm__ volatile(\"\" : \"+r\"(p)); return p; }\n";
	struct run traced;

	/* Both ask for the same address: what the tracker maps meanwhile could take the place of the first one. */
	write_file("plugin.c", source, sizeof source - 1);
	must(run("for n in first second; do ${CC:-cc} -shared -fPIC -g -Wl,-Ttext-segment=0x600000000 -DNAME=$n "
	         "plugin.c -o $n.so || exit 1; done"));
	traced = run("LD_PRELOAD=$B/liblog-malloc2.so " PROGRAMS
	             "plugin ./first.so first ./second.so second 1022>trace");
	ck_assert_int_eq(traced.status, 0);
	/* The test is none if the loader chose another address. */
	ck_assert_str_eq(run("grep -E '^# MODULE .*/(first|second).so$' trace | cut -d' ' -f3 | sort -u | wc -l").out,
	                 "1\n");
	ck_assert_str_eq(run("grep -c '/first.so(first+' trace").out, "3\n");
	ck_assert_str_eq(run("grep -c '/second.so(second+' trace").out, "3\n");
	ck_assert_str_eq(run("grep -cE '/(first.so\\(second|second.so\\(first)' trace").out, "0\n");
}
END_TEST

START_TEST(the_leaks_found_are_those_that_valgrind_counts)
{
	static const char *const programs[] = {"examples/leak-01", "examples/leak-02", "examples/leak-03",
	                                       "examples/leak-cpp", "tests/programs/processes"};

	if (!can_run("the_leaks_found_are_those_that_valgrind_counts", "valgrind"))
		return;
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		struct run memcheck = run("valgrind --run-libc-freeres=no --run-cxx-freeres=no $B/%s", programs[i]);
		const char *in_use = strstr(memcheck.err, "in use at exit: ");
		unsigned long long bytes = 0, blocks = 0;
		struct traced trace;

		ck_assert_ptr_nonnull(in_use);
		/* "2,000 bytes in 1 blocks" */
		for (in_use += strlen("in use at exit: "); *in_use != ' '; in_use++) {
			if (*in_use != ',')
				bytes = bytes * 10 + (unsigned long long)(*in_use - '0');
		}
		for (in_use = strstr(in_use, " in ") + 4; *in_use != ' '; in_use++) {
			if (*in_use != ',')
				blocks = blocks * 10 + (unsigned long long)(*in_use - '0');
		}
		run("LD_PRELOAD=$B/liblog-malloc2.so $B/%s 1022>trace", programs[i]);
		trace = traced_read("trace", false);
		ck_assert_msg(trace.heap.blocks == blocks && trace.heap.bytes == bytes,
		              "%s: %zu blocks and %llu bytes, valgrind says %llu and %llu", programs[i],
		              trace.heap.blocks, (unsigned long long)trace.heap.bytes, blocks, bytes);
	}
}
END_TEST

START_TEST(a_program_under_an_address_space_limit_runs_on)
{
	struct run traced = run("ulimit -v 300000; %s LOG_MALLOC_QUIET=1 " PROGRAMS "semantics%s 1022>trace",
	                        flavours[_i].environment, flavours[_i].suffix);
	struct traced trace = traced_read("trace", false);

	ck_assert_int_eq(traced.status, 0);
	ck_assert_str_eq(traced.err, "");
	traced_is_sound(&trace);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("flavours");

	EACH(the_program_sees_what_it_would_see_untraced);
	EACH(the_program_sees_the_same_with_the_tracker_off);
	EACH(failures_tell_the_request_and_errno);
	EACH(threads_that_free_each_others_blocks_keep_order_and_totals);
	ONCE(the_same_example_gives_the_same_trace_in_each_flavour);
	EACH(backtraces_are_right_in_odd_places);
	EACH(no_frame_is_of_the_tracker_itself);
	EACH(children_of_fork_do_not_write_into_the_trace);
	EACH(a_process_that_execs_keeps_its_trace);
	EACH(the_first_call_can_come_from_setlocale);
	EACH(a_handler_on_a_stack_that_disarms_itself_is_no_longjmp);
	EACH(every_way_to_exit_ends_the_trace);
	EACH(a_program_has_the_name_that_it_was_started_by);
	EACH(it_begins_and_ends_as_the_format_says);
	EACH(each_image_names_its_flavour);
	ONCE(without_the_flags_the_archive_does_not_link);
	ONCE(foreign_blocks_that_are_resized_are_events_once);
	ONCE(unseen_releases_are_put_right);
	ONCE(code_that_takes_the_place_of_unloaded_code_gets_its_own_names);
	ONCE(the_leaks_found_are_those_that_valgrind_counts);
	EACH(a_program_under_an_address_space_limit_runs_on);
	return run_suite(suite);
}
