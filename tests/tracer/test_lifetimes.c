/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of life: calls before the tracker begins and after it ends, and from stacks that are not like others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flavours.h"
#include "support.h"
#include "traced.h"

static struct traced run_lifetimes(int flavour, const char *arguments)
{
	struct run traced = run_traced(flavour, "LOG_MALLOC_QUIET=1", "lifetimes", arguments);
	struct traced trace;

	ck_assert_msg(traced.status == 0, "%s %s: status %d, %s", flavours[flavour].name, arguments, traced.status,
	              traced.err);
	ck_assert_str_eq(traced.err, "");
	trace = traced_read("trace", true);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert_uint_eq(trace.finis, 1);
	return trace;
}

static unsigned times(const struct traced *trace, uint64_t size)
{
	unsigned n = 0;

	for (size_t i = 0; i < trace->count; i++)
		n += trace->list[i].event.call == LM_CALL_MALLOC && trace->list[i].event.size == size;
	return n;
}

START_TEST(every_age_of_a_process_is_traced)
{
	struct traced trace = run_lifetimes(_i, "order");
	struct run init = run("grep -oE '^\\+ INIT \\[[0-9]+' trace");

	for (uint64_t size = 20002; size <= 20008; size++)
		ck_assert_msg(times(&trace, size) == 1, "%s: %u of %d", flavours[_i].name, times(&trace, size),
		              (int)size);
	/* A dynamic program has no environment yet before its first constructor: then it is counted alone. */
	if (times(&trace, 20001) == 0)
		ck_assert_str_eq(init.out, "+ INIT [20001\n");
	ck_assert_int_eq(run("$B/tests/judge trace").status, 0);
}
END_TEST

START_TEST(what_is_allocated_after_the_end_stands_behind_it)
{
	static const char source[] = "#include <stdlib.h>\nstatic void *volatile p;\n"
				     "__attribute__((destructor)) static void last(void) { p = malloc(20009); }\n";
	struct traced trace;
	struct run traced;

	/* Of two that depend on nothing else, the one that was loaded first is ended first. */
	write_file("late.c", source, sizeof source - 1);
	traced = run("$CC -shared -fPIC -o late.so late.c && "
	             "LD_PRELOAD=\"$B/liblog-malloc2.so ./late.so\" LOG_MALLOC_QUIET=1 " PROGRAMS
	             "lifetimes order 1022>trace");
	ck_assert_int_eq(traced.status, 0);
	trace = traced_read("trace", true);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert_uint_eq(times(&trace, 20009), 1);
}
END_TEST

/* The innermost frames of each malloc of SIZE; the first is NAME's once the compiler's clones are cut off. */
static void all_are_of(const struct traced *trace, uint64_t size, const char *inner, const char *outer)
{
	for (size_t i = 0; i < trace->count; i++) {
		const struct traced_call *call = &trace->list[i];
		size_t inners = 0, frame = 0;

		if (call->event.call != LM_CALL_MALLOC || call->event.size != size)
			continue;
		while (frame < call->depth && strcmp(traced_symbol(call->frames[frame]), outer) != 0)
			inners += strcmp(traced_symbol(call->frames[frame++]), inner) == 0;
		ck_assert_msg(frame < call->depth && inners > 0, "line %ju: no %s under %s", (uintmax_t)call->line,
		              inner, outer);
	}
}

START_TEST(coroutines_have_backtraces_of_their_own_stacks)
{
	struct traced trace = run_lifetimes(_i, "coroutines");

	traced_is_sound(&trace);
	ck_assert_uint_eq(times(&trace, 21001), 150);
	ck_assert_uint_eq(times(&trace, 21002), 150);
	ck_assert_uint_eq(times(&trace, 21003), 3);
	all_are_of(&trace, 21001, "deeper", "even");
	all_are_of(&trace, 21002, "deeper", "odd");
}
END_TEST

START_TEST(frames_that_longjmp_or_an_exception_left_are_gone)
{
	struct traced trace = run_lifetimes(_i, "jumps");

	traced_is_sound(&trace);
	for (uint64_t size = 22001; size <= 22004; size++)
		ck_assert_uint_eq(times(&trace, size), 50);
	all_are_of(&trace, 22001, "dive", "main");
	all_are_of(&trace, 22003, "dive", "catches");
	for (size_t i = 0; i < trace.count; i++) {
		const struct traced_call *call = &trace.list[i];

		for (size_t frame = 0; frame < call->depth && (call->event.size == 22002 || call->event.size == 22004);
		     frame++)
			ck_assert_str_ne(traced_symbol(call->frames[frame]), "dive");
	}
}
END_TEST

/* Wherever in the tracker that was: in the middle of writing out, too. */
START_TEST(calls_that_handlers_leave_by_longjmp_hold_nothing_up)
{
	static const char *const formats[] = {"full", "compact", "packed"};
	struct run built = run("$CC -O1 -shared -fPIC -fno-builtin -DALLOCATOR $S/tests/programs/leaving.c -o once.so");

	ck_assert_msg(built.status == 0, "%s", built.err);
	for (int i = 0; i < 3; i++) {
		struct run result = run("LOG_MALLOC_QUIET=1 LOG_MALLOC_BACKTRACE_DEPTH=3 LOG_MALLOC_FORMAT=%s "
		                        "LD_PRELOAD=\"$B/liblog-malloc2.so $PWD/once.so\" " PROGRAMS
		                        "leaving 500 5000 60000 1022>trace; echo $?; f=%s; "
		                        "[ $f = packed ] && $B/log-malloc-cat --compact trace >text || ln trace text; "
		                        "grep -ac '^+ malloc 40 ' text; grep -ac '^+ malloc 41 ' text; "
		                        "tr -dc '\\000\\001' <text | wc -c; "
		                        "grep -a '^+ ' text | tail -n 2 | grep -o '\\[.*\\]' | uniq | wc -l; "
		                        "$B/log-malloc-report trace >report; rm trace text",
		                        formats[i], formats[i]);
		unsigned calls, status, left, whole, unfilled, totals;

		ck_assert_msg(sscanf(result.out, "%u %u %u %u %u %u", &calls, &status, &left, &whole, &unfilled,
		                     &totals) == 6,
		              "%s: %d, %s%s", formats[i], result.status, result.out, result.err);
		ck_assert_str_eq(result.err, "");
		ck_assert_uint_eq(status, 0);
		ck_assert_uint_ge(calls, 5000);
		/* Those that were left may be there, too. */
		ck_assert_uint_ge(left, calls);
		ck_assert_uint_eq(whole, 60000);
		/* Places that were reserved and never marked, too, are no holes. */
		ck_assert_uint_eq(unfilled, 0);
		/* The last event and FINI have the same totals. Those of packed records know nothing of what was left.
		 */
		if (strcmp(formats[i], "packed") != 0)
			ck_assert_uint_eq(totals, 1);
	}
}
END_TEST

START_TEST(a_handler_needs_4_KiB_beside_what_the_kernel_needs)
{
	struct traced trace = run_lifetimes(_i, "handler 4096");

	traced_is_sound(&trace);
	ck_assert_uint_eq(times(&trace, 23001), 5);
}
END_TEST

START_TEST(threads_can_have_the_smallest_stack)
{
	struct traced trace = run_lifetimes(_i, "thread");

	traced_is_sound(&trace);
	ck_assert_uint_eq(times(&trace, 24001), 50);
}
END_TEST

/* The greatest depth, 200 calls, and the first event of a process among them. */
START_TEST(the_deepest_backtrace_needs_no_larger_stack)
{
	static const char *const runs[] = {"handler 4096", "child 4096", "thread", "fork"};
	static const char *const formats[] = {"full", "compact", "packed"};

	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
		for (size_t j = 0; j < 3; j++) {
			const char *path =
				strncmp(runs[i], "child", 5) == 0 || strcmp(runs[i], "fork") == 0 ? "childs" : "t";
			struct run result =
				run("rm -f t t.* childs; %s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t "
			            "LOG_MALLOC_FOLLOW=1 LOG_MALLOC_BACKTRACE_DEPTH=128 "
			            "LOG_MALLOC_FORMAT=%s " PROGRAMS "small_stacks%s %s && { [ %s = t ] || "
			            "mv t.[0-9]* childs; }",
			            flavours[_i].environment, formats[j], flavours[_i].suffix, runs[i], path);
			struct traced trace;

			ck_assert_msg(result.status == 0 && result.err_len == 0, "%s, %s, %s: %d, %s",
			              flavours[_i].name, runs[i], formats[j], result.status, result.err);
			trace = traced_read(path, true);
			traced_is_sound(&trace);
			ck_assert_uint_eq(times(&trace, 25001), 5);
			if (strchr(runs[i], ' '))
				ck_assert_uint_eq(traced_find(&trace, "malloc", 25001)->depth, 128);
		}
	}
}
END_TEST

/* ---- libraries that come and go --------------------------------------------------- */

static void make_library(const char *name)
{
	static const char source[] = "#include <stdlib.h>\nvoid *NAME(unsigned long n) { void *p = malloc(n); "
				     "__asm__ volatile(\"\" : \"+r\"(p)); return p; }\n"
				     "void give(void *p) { free(p); }\n";

	write_file("library.c", source, sizeof source - 1);
	ck_assert_int_eq(run("$CC -shared -fPIC -g -DNAME=%s library.c -o %s.so", name, name).status, 0);
}

static long number_of(const char *out, const char *what)
{
	const char *found = strstr(out, what);

	ck_assert_msg(found != NULL, "no %s in %s", what, out);
	return strtol(found + strlen(what), NULL, 10);
}

START_TEST(a_library_that_comes_and_goes_for_ever_costs_nothing)
{
	const char *formats[] = {"full", "compact", "packed"};

	make_library("first");
	make_library("second");
	for (int i = 0; i < 3; i++) {
		struct run traced =
			run("LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=%s " PROGRAMS
		            "loading churn 1000 ./first.so first ./second.so second 1022>trace",
		            formats[i]);
		struct traced trace;

		ck_assert_int_eq(traced.status, 0);
		/* A piece of memory has a guard on each side. */
		ck_assert_msg(number_of(traced.out, "mappings: ") <= 6, "%s", traced.out);
		/* The ring is touched bit by bit. */
		ck_assert_msg(number_of(traced.out, "KiB: ") <= 5000, "%s", traced.out);
		trace = traced_read("trace", true);
		traced_is_sound(&trace);
		ck_assert_int_eq(run("grep -aqE '/first.so\\(second|/second.so\\(first' trace").status, 1);
		for (size_t call = 0; call < trace.count; call++) {
			const struct traced_call *c = &trace.list[call];

			if (c->event.call == LM_CALL_MALLOC && (c->event.size == 25001 || c->event.size == 25002))
				ck_assert_str_eq(traced_symbol(c->frames[0]),
				                 c->event.size == 25001 ? "first" : "second");
		}
	}
}
END_TEST

START_TEST(blocks_of_a_library_with_an_allocator_of_its_own_scope_are_foreign)
{
	struct traced trace;
	struct run traced;

	make_library("first");
	traced = run("LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_QUIET=1 " PROGRAMS
	             "loading deepbind ./first.so first 1022>trace");
	ck_assert_int_eq(traced.status, 0);
	ck_assert_str_eq(traced.err, "");
	trace = traced_read("trace", true);
	traced_is_sound(&trace);
	/* Its own blocks that the program frees, and the program's that it frees out of sight. */
	ck_assert_uint_eq(trace.heap.counts.foreign, 100);
	ck_assert_uint_gt(trace.concluded, 0);
}
END_TEST

/* What was known of the stack that was there before is no reason to read beyond the end of the one that is. */
START_TEST(a_stack_may_lie_where_a_larger_one_was)
{
	struct run traced = run_traced(_i, "LOG_MALLOC_QUIET=1", "stacks", "reused");
	struct traced trace;

	if (traced.status == 77) {
		skip("a_stack_may_lie_where_a_larger_one_was", "its stacks are those of another machine");
		return;
	}
	ck_assert_msg(traced.status == 0, "%s: status %d, %s", flavours[_i].name, traced.status, traced.err);
	trace = traced_read("trace", true);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert_uint_eq(times(&trace, 333), 12);
	for (size_t i = 0; i < trace.count; i++) {
		if (trace.list[i].event.size == 333)
			ck_assert_str_eq(traced_symbol(trace.list[i].frames[0]), "use");
	}
}
END_TEST

START_TEST(a_backtrace_goes_on_where_the_stack_was_switched)
{
	static const char *const names[] = {"work", "call_on", "caller", "switching"};
	struct run traced = run_traced(_i, "LOG_MALLOC_QUIET=1", "stacks", "switched");
	struct traced trace;

	if (traced.status == 77) {
		skip("a_backtrace_goes_on_where_the_stack_was_switched", "its stacks are those of another machine");
		return;
	}
	ck_assert_msg(traced.status == 0, "%s: status %d, %s", flavours[_i].name, traced.status, traced.err);
	trace = traced_read("trace", true);
	traced_is_sound(&trace);
	ck_assert_uint_eq(times(&trace, 1111), 3);
	ck_assert_uint_eq(times(&trace, 2222), 3);
	for (size_t i = 0; i < trace.count; i++) {
		const struct traced_call *call = &trace.list[i];

		if (call->event.size != 1111 && call->event.size != 2222)
			continue;
		ck_assert_msg(call->depth > 4, "%s: %zu frames", flavours[_i].name, call->depth);
		for (size_t frame = 0; frame < sizeof names / sizeof *names; frame++)
			ck_assert_str_eq(traced_symbol(call->frames[frame]), names[frame]);
	}
}
END_TEST

/* Does the trace say that the frame of CALL was guessed? */
static bool is_guessed(const char *trace, const char *frame)
{
	const char *address = strrchr(frame, '[');

	/* In the packed format, blanks follow. */
	return run("grep -aq '# GUESSED %.*s *$' %s", (int)strcspn(address + 1, "]"), address + 1, trace).status == 0;
}

/* In each format, a caller that no table tells of is found, is marked, and is nobody else. */
START_TEST(the_caller_of_a_function_without_tables_is_guessed_or_nobody)
{
	static const char *const formats[] = {"full", "compact", "packed"};
	static const struct {
		uint64_t size;
		const char *inner, *outer; /* OUTER is NULL: the backtrace ends */
	} calls[] = {{1001, "direct", "keeps_direct"},
	             {1002, "distant", "keeps_distant"},
	             {1003, "roomy", "keeps_roomy"},
	             {1004, "jumped", NULL}};

	for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
		char environment[100];
		struct traced trace;
		struct run traced;

		snprintf(environment, sizeof environment, "LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=%s", formats[f]);
		traced = run_traced(_i, environment, "no_tables", "");
		if (traced.status == 77) {
			skip("the_caller_of_a_function_without_tables_is_guessed_or_nobody",
			     "its functions are those of another machine");
			return;
		}
		ck_assert_msg(traced.status == 0, "%s: status %d", flavours[_i].name, traced.status);
		trace = traced_read("trace", true);
		for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
			const struct traced_call *call = traced_find(&trace, "malloc", calls[i].size);

			ck_assert_uint_eq(times(&trace, calls[i].size), 3);
			ck_assert_str_eq(traced_symbol(call->frames[0]), calls[i].inner);
			ck_assert(!is_guessed("trace", call->frames[0]));
			if (!calls[i].outer) {
				ck_assert_uint_eq(call->depth, 1);
				continue;
			}
			all_are_of(&trace, calls[i].size, calls[i].inner, calls[i].outer);
			ck_assert_uint_ge(call->depth, 3);
			ck_assert_str_eq(traced_symbol(call->frames[1]), calls[i].outer);
			ck_assert(is_guessed("trace", call->frames[1]));
			ck_assert_str_eq(traced_symbol(call->frames[2]), "main");
			ck_assert(!is_guessed("trace", call->frames[2]));
		}
	}
}
END_TEST

/* Two plugins of the same shape come and go in namespaces of their own, and each calls back into the program. */
START_TEST(a_backtrace_goes_through_other_namespaces)
{
	static const char plugin[] = "#include <stddef.h>\n"
				     "void *NAME(void *(*allocate)(size_t), size_t size)\n"
				     "{ void *p = allocate(size); __asm__ volatile(\"\"); return p; }\n";
	static const char host[] =
		"#include <dlfcn.h>\n#include <stdlib.h>\n"
		"void *allocated(size_t size) { void *p = malloc(size); __asm__ volatile(\"\"); return p; }\n"
		"int main(void)\n"
		"{\n"
		"	for (int i = 0; i < 6; i++) {\n"
		"		void *plugin = dlmopen(LM_ID_NEWLM, i % 2 ? \"./second.so\" : \"./first.so\", "
		"RTLD_NOW);\n"
		"		void *(*function)(void *(*)(size_t), size_t);\n"
		"		if (!plugin)\n"
		"			return 77;\n"
		"		*(void **)&function = dlsym(plugin, i % 2 ? \"second\" : \"first_\");\n"
		"		free(function(allocated, 7001 + i % 2));\n"
		"		free(function(allocated, 7001 + i % 2));\n"
		"		dlclose(plugin);\n"
		"	}\n"
		"	return 0;\n"
		"}\n";
	struct traced trace;
	int status;

	write_file("plugin.c", plugin, sizeof plugin - 1);
	write_file("host.c", host, sizeof host - 1);
	status = run("b=\"$CC -D_GNU_SOURCE -w -g -O1 -fPIC -fno-builtin\"; s=\"-shared -Wl,--build-id plugin.c\"; "
	             "$b $s -DNAME=first_ -o first.so && $b $s -DNAME=second -o second.so && $b host.c -o host -ldl && "
	             "./host")
	                 .status;
	if (status != 0 ||
	    run("echo '#include <dlfcn.h>' | $CC -D_GNU_SOURCE -E - | grep -q _dl_find_object").status != 0) {
		skip("a_backtrace_goes_through_other_namespaces", "a libc with namespaces that tells of them");
		return;
	}
	must(run(LM " -q -o trace ./host"));
	trace = traced_read("trace", true);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert_uint_eq(times(&trace, 7001), 6);
	ck_assert_uint_eq(times(&trace, 7002), 6);
	for (size_t i = 0; i < trace.count; i++) {
		const struct traced_call *call = &trace.list[i];

		if (call->event.call != LM_CALL_MALLOC || (call->event.size != 7001 && call->event.size != 7002))
			continue;
		ck_assert_uint_ge(call->depth, 3);
		ck_assert_str_eq(traced_symbol(call->frames[0]), "allocated");
		ck_assert_str_eq(traced_symbol(call->frames[1]), call->event.size == 7001 ? "first_" : "second");
		ck_assert_str_eq(traced_symbol(call->frames[2]), "main");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lifetimes");

	EACH(every_age_of_a_process_is_traced);
	ONCE(what_is_allocated_after_the_end_stands_behind_it);
	EACH(coroutines_have_backtraces_of_their_own_stacks);
	EACH(the_caller_of_a_function_without_tables_is_guessed_or_nobody);
	EACH(a_stack_may_lie_where_a_larger_one_was);
	EACH(a_backtrace_goes_on_where_the_stack_was_switched);
	ONCE(a_backtrace_goes_through_other_namespaces);
	EACH(frames_that_longjmp_or_an_exception_left_are_gone);
	ONCE(calls_that_handlers_leave_by_longjmp_hold_nothing_up);
	EACH(a_handler_needs_4_KiB_beside_what_the_kernel_needs);
	EACH(threads_can_have_the_smallest_stack);
	EACH(the_deepest_backtrace_needs_no_larger_stack);
	ONCE(a_library_that_comes_and_goes_for_ever_costs_nothing);
	ONCE(blocks_of_a_library_with_an_allocator_of_its_own_scope_are_foreign);
	return run_suite(suite);
}
