/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The preload library in a process that runs already: loaded by the program attached as the launcher loads it, or by a
 * program of its own accord. What the launcher does from outside is not tried here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support.h"
#include "traced.h"

#define ATTACHED PROGRAMS "attached $B/liblog-malloc2.so "

static const char *const formats[] = {"full", "compact", "packed"};

enum { FORMATS = sizeof formats / sizeof *formats };

#define EACH_FORMAT(test) TIMES(test, FORMATS)

/*
 * Runs the steps, with a trace of the format of this loop. Nothing is said. With one arena of glibc's, what its own
 * memory costs does not depend on which threads ran at the same time.
 */
static struct run run_steps(int format, const char *steps)
{
	struct run result =
		run("rm -f t u *.journal; export MALLOC_ARENA_MAX=1; " ATTACHED "set=LOG_MALLOC_FORMAT=%s %s",
	            formats[format], steps);

	ck_assert_msg(result.status == 0, "%s: %d: %.400s", steps, result.status, result.err);
	ck_assert_str_eq(result.err, "");
	return result;
}

static bool exists(const char *path)
{
	return run("test -e %s", path).status == 0;
}

/* How often LINE is in the trace, up to its end. In a packed one, it may stand behind bytes that are no text. */
static int lines(const char *path, const char *line)
{
	return atoi(run("grep -a -c '%s *$' %s", line, path).out);
}

static struct traced read_sound(const char *path)
{
	struct traced trace = traced_read(path, true);

	traced_is_sound(&trace);
	ck_assert_uint_eq(trace.inits, 1);
	ck_assert_uint_eq(trace.finis, 1);
	return trace;
}

/* ---- begin and end ---- */

START_TEST(a_trace_begins_and_ends_while_the_process_runs)
{
	struct traced trace;

	run_steps(_i, "work begin=t work keep end work");
	trace = read_sound("t");
	ck_assert_uint_eq(trace.calls[LM_CALL_MALLOC], 2);
	ck_assert_uint_eq(trace.calls[LM_CALL_CALLOC], 1);
	ck_assert_uint_eq(trace.calls[LM_CALL_REALLOC], 1);
	ck_assert_uint_eq(trace.calls[LM_CALL_FREE_SIZED], 1);
	ck_assert_uint_eq(trace.heap.blocks, 1);
	ck_assert_uint_eq(trace.heap.bytes, 20000);
	ck_assert_int_eq(lines("t", "# FLAVOUR attached"), 1);
	ck_assert_int_eq(lines("t", "# BEFORE 12345"), 1);
	ck_assert_int_eq(lines("t", "# DETACHED"), 1);
	ck_assert(!exists("t.journal"));
}
END_TEST

START_TEST(what_an_attached_trace_holds_went_through_the_ring)
{
	struct traced trace;

	run_steps(_i, "begin=t many=2000 keep end");
	trace = read_sound("t");
	ck_assert_uint_eq(trace.calls[LM_CALL_MALLOC], 2001);
	ck_assert_uint_eq(trace.heap.blocks, 1);
	ck_assert(!exists("t.journal"));
}
END_TEST

START_TEST(calls_come_from_the_program)
{
	const struct traced_call *call;
	struct traced trace;

	run_steps(_i, "begin=t work end begin=u work end");
	for (int second = 0; second < 2; second++) {
		trace = read_sound(second ? "u" : "t");
		call = traced_find(&trace, "malloc", 10000);
		ck_assert_str_eq(traced_symbol(call->frames[0]), "work");
		ck_assert_str_eq(traced_symbol(call->frames[call->depth - 1]), "_start");
	}
}
END_TEST

/* A second trace knows no block, no thread and no backtrace of the first one. */
START_TEST(a_later_trace_begins_afresh)
{
	struct traced trace;

	run_steps(_i, "threads=3 begin=t step keep end step begin=u step free end");
	trace = read_sound("t");
	ck_assert_uint_eq(trace.calls[LM_CALL_MALLOC], 61);
	trace = read_sound("u");
	ck_assert_uint_eq(trace.calls[LM_CALL_MALLOC], 60);
	ck_assert_uint_eq(trace.heap.counts.foreign, 1);
	ck_assert_uint_eq(trace.heap.blocks, 0);
	for (int thread = 1; thread <= 4; thread++) {
		char line[64];

		snprintf(line, sizeof line, "# THREAD %d [0-9]* attached", thread);
		ck_assert_int_eq(lines("u", line), 1);
	}
}
END_TEST

START_TEST(a_block_from_before_is_released)
{
	struct traced trace;

	run_steps(_i, "begin=t before before move end");
	trace = read_sound("t");
	ck_assert_uint_eq(trace.heap.counts.foreign, 3);
	ck_assert_uint_eq(trace.heap.blocks, 1);
	ck_assert_uint_eq(trace.heap.bytes, 30000);
}
END_TEST

START_TEST(only_the_given_settings_count)
{
	struct run result = run(
		"export LOG_MALLOC_OUTPUT=from_environment LOG_MALLOC_FORMAT=packed LOG_MALLOC_STATM=never; " ATTACHED
		"set=LOG_MALLOC_BACKTRACE_DEPTH=1 set=LOG_MALLOC_FORMAT=compact begin=t work end");
	struct traced trace;

	ck_assert_int_eq(result.status, 0);
	ck_assert(!exists("from_environment"));
	ck_assert_int_eq(lines("t", "# FORMAT compact"), 1);
	ck_assert_int_eq(run("grep -q '^# TIME ' t").status, 0);
	trace = read_sound("t");
	ck_assert_uint_eq(traced_find(&trace, "malloc", 10000)->depth, 1);
}
END_TEST

START_TEST(a_limit_holds_for_each_trace_anew)
{
	struct traced trace;

	must(run(ATTACHED "set=LOG_MALLOC_LIMIT=20K begin=t many=1000 end begin=u many=10 keep end"));
	ck_assert_int_eq(lines("t", "# LIMIT 20480"), 1);
	ck_assert_int_eq(lines("u", "# LIMIT 20480"), 0);
	trace = read_sound("u");
	ck_assert_uint_eq(trace.calls[LM_CALL_MALLOC], 11);
}
END_TEST

START_TEST(signals_have_their_default_effect_again)
{
	run_steps(0, "set=LOG_MALLOC_SIGNAL=USR1 set=LOG_MALLOC_MARK_SIGNAL=USR2 begin=t many=600 raise=12 raise=10 "
	             "many=3 raise=10 end default=10 default=12 default=7");
	ck_assert_int_eq(lines("t", "# MARK signal"), 1);
	ck_assert_uint_eq(traced_read("t", false).calls[LM_CALL_MALLOC], 600);
}
END_TEST

START_TEST(a_library_that_was_preloaded_without_a_trace_can_begin_one)
{
	struct run result = run("LD_PRELOAD=$B/liblog-malloc2.so " ATTACHED "work begin=t work keep end work");
	struct traced trace;

	ck_assert_msg(result.status == 0, "%.400s", result.err);
	trace = read_sound("t");
	ck_assert_uint_eq(traced_find(&trace, "malloc", 20000)->event.change, 20000);
	ck_assert_int_eq(lines("t", "# FLAVOUR attached"), 1);
}
END_TEST

/* ---- what it costs ---- */

struct costs {
	long mappings, kilobytes, descriptors;
};

static struct costs read_costs(const char **at)
{
	struct costs costs;
	char *end;

	costs.mappings = strtol(*at, &end, 10);
	costs.kilobytes = strtol(end, &end, 10);
	costs.descriptors = strtol(end, &end, 10);
	*at = end;
	return costs;
}

static void is_as_before(const struct costs *before, const struct costs *after)
{
	ck_assert_int_gt(before->mappings, 0);
	ck_assert_int_eq(after->mappings, before->mappings);
	ck_assert_int_eq(after->descriptors, before->descriptors);
}

/* Threads that stay and threads that go, a child each time: all memory is given back, however often. */
START_TEST(a_hundred_traces_cost_as_much_as_two)
{
	struct run result = run_steps(_i, "threads=3 step cycles=100");
	const char *at = result.out;
	struct costs second = read_costs(&at), last = read_costs(&at);

	is_as_before(&second, &last);
	/* The program's own heap and stacks may have come to use a few pages more. A page for each trace would be 400.
	 */
	ck_assert_int_le(last.kilobytes, second.kilobytes + 64);
	read_sound("cycle");
}
END_TEST

START_TEST(nothing_is_left_behind_the_end)
{
	struct run result = run_steps(_i, "costs begin=t many=2000 end costs");
	const char *at = result.out;
	struct costs before = read_costs(&at), after = read_costs(&at);

	is_as_before(&before, &after);
	/* The tables in the trace's memory had more than a megabyte; what stays are pages of the library itself. */
	ck_assert_int_le(after.kilobytes, before.kilobytes + 400);
}
END_TEST

/* A child has its parent's ring, and the trace of its own has another one. */
START_TEST(nothing_is_left_in_a_child)
{
	struct run result = run_steps(_i, "costs begin=t many=600 child begin=u many=600 end costs");
	const char *at = result.out;
	struct costs before = read_costs(&at), after = read_costs(&at);

	is_as_before(&before, &after);
}
END_TEST

/* ---- other ends ---- */

START_TEST(a_process_that_exits_ends_its_trace)
{
	struct traced trace;

	run_steps(_i, "begin=t many=600 keep");
	trace = read_sound("t");
	ck_assert_uint_eq(trace.heap.blocks, 1);
	ck_assert_int_eq(lines("t", "# DETACHED"), 0);
	ck_assert(!exists("t.journal"));
}
END_TEST

/* Also behind mlockall(), which closes the ring: the next one needs a journal again. */
START_TEST(a_kill_loses_nothing)
{
	static const char *const steps[] = {"begin=t many=5 keep kill", "begin=t many=2000 keep kill",
	                                    "begin=t many=2000 mlockall many=2000 keep kill"};
	static const uint64_t mallocs[] = {6, 2001, 4001};

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct run result = run("rm -f t*; " ATTACHED "set=LOG_MALLOC_FORMAT=%s %s", formats[_i], steps[i]);
		struct traced trace;

		ck_assert_int_eq(result.status, 128 + 9);
		trace = traced_read("t", false);
		ck_assert_uint_eq(trace.calls[LM_CALL_MALLOC], mallocs[i]);
		ck_assert_uint_eq(trace.heap.blocks, 1);
		ck_assert_uint_eq(trace.malformed, 0);
	}
}
END_TEST

START_TEST(an_exec_writes_what_is_recorded)
{
	struct traced trace;

	run_steps(_i, "begin=t many=2000 keep exec=/nothing many=10 exec=/bin/true");
	trace = traced_read("t", false);
	ck_assert_uint_eq(trace.calls[LM_CALL_MALLOC], 2011);
	ck_assert(!exists("t.journal"));
}
END_TEST

START_TEST(children_leave_the_trace_alone)
{
	struct traced trace;

	run_steps(_i, "threads=2 begin=t many=600 fork step fork keep end fork");
	trace = read_sound("t");
	ck_assert_uint_eq(trace.calls[LM_CALL_MALLOC], 641);
}
END_TEST

START_TEST(a_child_can_have_a_trace_of_its_own)
{
	struct traced trace;

	run_steps(_i, "threads=2 begin=t many=600 step keep child begin=u work end");
	trace = read_sound("t");
	ck_assert_uint_eq(trace.calls[LM_CALL_MALLOC], 641);
	trace = read_sound("u");
	ck_assert_uint_eq(trace.calls[LM_CALL_MALLOC], 1);
	ck_assert_uint_eq(trace.heap.blocks, 0);
}
END_TEST

/* ---- trouble ---- */

START_TEST(what_can_not_be_begun_is_refused)
{
	/* ENOSPC, EBADF, EBUSY, EOPNOTSUPP, EINVAL; and ESRCH where there is no trace. */
	run_steps(_i, "on=/dev/full error=28 end error=3");
	run_steps(_i, "closed begin=t error=9 end error=3");
	run_steps(_i, "begin=t error=0 begin=u error=16 end error=0 end error=3");
	run_steps(_i, "set=LOG_MALLOC_FOLLOW=1 begin=t error=95 work costs");
	run_steps(_i, "torn begin=t error=22 whole begin=t error=0 end error=0");
}
END_TEST

START_TEST(a_trace_to_the_null_device_or_a_pipe_ends)
{
	run_steps(_i, "on=/dev/null error=0 many=2000 end error=0");
	ck_assert_int_eq(run("mkfifo pipe; cat pipe >t & " ATTACHED "set=LOG_MALLOC_FORMAT=%s on=pipe error=0 "
	                     "many=2000 keep end error=0; wait",
	                     formats[_i])
	                         .status,
	                 0);
	ck_assert_uint_eq(read_sound("t").calls[LM_CALL_MALLOC], 2001);
}
END_TEST

START_TEST(a_full_disk_does_not_keep_the_tracker_in_the_process)
{
	struct run result =
		run("mkdir -p disk && mount -t tmpfs -o size=%s tmpfs disk || exit 77; cd disk; "
	            "dd if=/dev/zero of=fill bs=1M count=5 2>/dev/null; " ATTACHED
	            "set=LOG_MALLOC_FORMAT=%s costs begin=t many=100000 end %s costs; s=$?; "
	            "cp t ..; [ ! -e t.journal ] || cp t.journal ..; cd ..; umount disk; exit $s",
	            /* With the journal; and without, where the last lines may find room in the last page. */
	            _i < FORMATS ? "10m" : "6m", formats[_i % FORMATS], _i < FORMATS ? "error=28" : "");
	const char *at = result.out;
	struct costs before, after;
	struct traced trace;

	if (result.status == 77) {
		skip("a_full_disk_does_not_keep_the_tracker_in_the_process", "nothing can be mounted here");
		return;
	}
	ck_assert_msg(result.status == 0, "%.400s", result.err);
	before = read_costs(&at);
	after = read_costs(&at);
	is_as_before(&before, &after);
	trace = traced_read("t", false);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert_uint_gt(trace.calls[LM_CALL_MALLOC], 1000);
}
END_TEST

/* ---- loaded by a program ---- */

static const char loader_c[] = "#include <dlfcn.h>\n"
			       "#include <stdio.h>\n"
			       "#include <stdlib.h>\n"
			       "int main(int argc, char **argv)\n"
			       "{\n"
			       "	void *library = dlopen(argv[1], RTLD_NOW | (argc > 2 ? RTLD_GLOBAL : 0));\n"
			       "	void *(*allocate)(size_t) = dlsym(library, \"malloc\");\n"
			       "	void *(*resize)(void *, size_t, size_t) = dlsym(library, \"reallocarray\");\n"
			       "	void (*release)(void *) = dlsym(library, \"free\");\n"
			       "	void (*release_sized)(void *, size_t) = dlsym(library, \"free_sized\");\n"
			       "	release(allocate(1234));\n"
			       "	release(malloc(555));\n"
			       "	release(resize(NULL, 3, 77));\n"
			       "	release_sized(allocate(33), 33);\n"
			       "	return 0;\n"
			       "}\n";

static void compile_loader(const char *flags)
{
	write_file("loader.c", loader_c, sizeof loader_c - 1);
	must(run("${CC:-cc} -fno-builtin -o loader loader.c -ldl %s", flags));
}

/* Functions that only the library has are not taken for the real ones. */
START_TEST(a_program_that_loads_the_library_is_traced_from_there_on)
{
	struct traced trace;

	compile_loader("");
	must(run("LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t timeout 20 ./loader $B/liblog-malloc2.so %s",
	         _i ? "global" : ""));
	trace = read_sound("t");
	ck_assert_int_eq(lines("t", "# FLAVOUR dlopen"), 1);
	ck_assert_uint_eq(trace.calls[LM_CALL_MALLOC], 2);
	ck_assert_uint_eq(trace.calls[LM_CALL_REALLOCARRAY], 1);
	ck_assert_uint_eq(trace.heap.counts.foreign, 1);
	ck_assert_uint_eq(trace.heap.blocks, 0);
}
END_TEST

START_TEST(a_plugin_that_needs_the_library_loads_it)
{
	static const char plugin_c[] = "#include <log-malloc2.h>\n"
				       "int run(void) { return log_malloc_mark(\"here\"); }\n";
	static const char host_c[] = "#include <dlfcn.h>\n"
				     "int main(void)\n"
				     "{\n"
				     "	void *plugin = dlopen(\"./plugin.so\", RTLD_NOW);\n"
				     "	int (*run)(void) = plugin ? dlsym(plugin, \"run\") : 0;\n"
				     "	return !run || !run();\n"
				     "}\n";

	write_file("plugin.c", plugin_c, sizeof plugin_c - 1);
	write_file("host.c", host_c, sizeof host_c - 1);
	must(run("${CC:-cc} -shared -fPIC -I$S/include -o plugin.so plugin.c -L$B -llog-malloc2 -Wl,-rpath,$B && "
	         "${CC:-cc} -o host host.c -ldl && LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t ./host"));
	ck_assert_int_eq(lines("t", "# FLAVOUR dlopen"), 1);
	ck_assert_int_eq(lines("t", "# MARK here"), 1);
}
END_TEST

START_TEST(preloading_and_linking_are_no_late_loading)
{
	compile_loader("-Wl,--no-as-needed -L$B -llog-malloc2 -Wl,-rpath,$B");
	must(run("LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t ./loader $B/liblog-malloc2.so"));
	ck_assert_int_eq(lines("t", "# FLAVOUR preload"), 1);
	compile_loader("");
	must(run("LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t ./loader "
	         "$B/liblog-malloc2.so"));
	ck_assert_int_eq(lines("t", "# FLAVOUR preload"), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("attached");

	EACH_FORMAT(a_trace_begins_and_ends_while_the_process_runs);
	EACH_FORMAT(what_an_attached_trace_holds_went_through_the_ring);
	EACH_FORMAT(calls_come_from_the_program);
	EACH_FORMAT(a_later_trace_begins_afresh);
	EACH_FORMAT(a_block_from_before_is_released);
	ONCE(only_the_given_settings_count);
	ONCE(a_limit_holds_for_each_trace_anew);
	ONCE(signals_have_their_default_effect_again);
	ONCE(a_library_that_was_preloaded_without_a_trace_can_begin_one);
	EACH_FORMAT(a_hundred_traces_cost_as_much_as_two);
	EACH_FORMAT(nothing_is_left_behind_the_end);
	EACH_FORMAT(nothing_is_left_in_a_child);
	EACH_FORMAT(a_process_that_exits_ends_its_trace);
	EACH_FORMAT(a_kill_loses_nothing);
	EACH_FORMAT(an_exec_writes_what_is_recorded);
	EACH_FORMAT(children_leave_the_trace_alone);
	EACH_FORMAT(a_child_can_have_a_trace_of_its_own);
	EACH_FORMAT(what_can_not_be_begun_is_refused);
	EACH_FORMAT(a_trace_to_the_null_device_or_a_pipe_ends);
	TIMES(a_full_disk_does_not_keep_the_tracker_in_the_process, 2 * FORMATS);
	TIMES(a_program_that_loads_the_library_is_traced_from_there_on, 2);
	ONCE(a_plugin_that_needs_the_library_loads_it);
	ONCE(preloading_and_linking_are_no_late_loading);
	return run_suite(suite);
}
