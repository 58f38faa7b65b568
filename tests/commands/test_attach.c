/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc -p: attaching to programs that run, detaching from them, and processes that are refused. */
#include "running_programs.h"
#include "support.h"
#include "traced.h"
#include "tracing.h"

#include <stdio.h>
#include <string.h>

static bool says(const char *text, const char *what)
{
	return strstr(text, what) != NULL;
}

/* ---- attached ---------------------------------------------------------------- */

START_TEST(calls_are_traced_until_it_is_detached)
{
	struct run result;
	struct traced traced;

	result = must(run(
		START "start $B/tests/programs/attach_crew && " LM " -p $p -o t && sleep 0.3 && " LM
		      " -p $p --detach && [ ! -e t.journal ] && cp t before && sleep 0.1 && cmp t before && " STOP));
	ck_assert(says(result.out, "whole\nstatus 0\n"));
	ck_assert(says(result.err, "is traced into t; it stood still for "));
	ck_assert(says(result.err, " --detach\n"));
	ck_assert(says(result.err, "; next: log-malloc-findleak "));
	traced = traced_read("t", false);
	ck_assert_uint_eq(traced.malformed, 0);
	ck_assert_uint_eq(traced.lost, 0);
	ck_assert_uint_eq(traced.finis, 1);
	ck_assert_uint_gt(traced.calls[LM_CALL_MALLOC], 10);
	ck_assert_uint_gt(traced.calls[LM_CALL_CALLOC], 10);
	ck_assert_uint_gt(traced.calls[LM_CALL_FREE], 10);
	must(run("grep -q '^# FLAVOUR attached' t"));
}
END_TEST

START_TEST(a_hundred_times_leave_nothing_behind)
{
	struct run result;

	result = must(run(START "start $B/tests/programs/attach_crew || exit; n=0; "
	                        "count() { wc -l </proc/$p/maps; ls /proc/$p/fd | wc -l; }; "
	                        "for i in $(seq 100); do " LM " -q -p $p -o t && " LM " -q -p $p --detach || exit; "
	                        "[ $i != 2 ] || count >two; done; count >hundred; cat two hundred >&2; " STOP));
	ck_assert(says(result.out, "whole\nstatus 0\n"));
	/* Arenas of libc come and go with the program's threads, so mappings are not exactly as many. */
	must(run("paste two hundred | { read a b; [ $b -le $((a + 8)) ] && read a b && [ $a = $b ]; }"));
}
END_TEST

static bool has_size(const char *trace, uint64_t size)
{
	struct traced traced = traced_read(trace, true);

	for (size_t i = 0; i < traced.count; i++) {
		if (traced.list[i].event.size == size)
			return true;
	}
	return false;
}

static void build_library(const char *flags)
{
	must(run("${CC:-cc} -fno-builtin-malloc -shared -fPIC -o later.so $S/tests/matrix/later.c %s", flags));
}

/* By all ways that a block of SIZE 1001 to 1006 is asked for. */
static void all_ways_are_seen(const char *program)
{
	must(run(START "start %s ./later.so && " LM " -q -p $p -o t && echo >&7 && lines 1 && " LM
	               " -q -p $p --detach && echo >&7 && lines 2 && " LM
	               " -q -p $p -o t2 && echo >&7 && lines 3 && " LM
	               " -q -p $p --detach; s=$?; exec 7>&-; wait $p && exit $s",
	         program));
	for (uint64_t size = 1001; size <= 1006; size++) {
		ck_assert_msg(has_size("t", size), "%d is not seen", (int)size);
		ck_assert_msg(has_size("t2", size), "%d is not seen the second time", (int)size);
	}
	must(run("[ $($B/log-malloc-cat t | grep -c '^+ malloc 1001 ') = 1 ]"));
}

START_TEST(pointers_and_libraries_loaded_later_lead_to_it)
{
	build_library("");
	all_ways_are_seen("$B/tests/programs/attach_later");
}
END_TEST

/* Its stubs stand for the functions' addresses in all objects. */
START_TEST(a_program_with_a_fixed_address_is_traced)
{
	build_library("");
	must(run("${CC:-cc} -O1 -fno-builtin-malloc -fno-pie -no-pie -o fixed $S/tests/programs/attach_later.c -ldl"));
	all_ways_are_seen("./fixed");
}
END_TEST

/* Calls that were not resolved yet, and tables that are read-only by now. */
START_TEST(lazy_and_early_binding_are_taken_over)
{
	static const char *const flags[] = {"-Wl,-z,lazy", "-Wl,-z,now,-z,relro", "-fno-plt", "-Wl,--hash-style=sysv"};

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		build_library(flags[i]);
		must(run("${CC:-cc} -O1 -fno-builtin-malloc %s -o bound $S/tests/programs/attach_later.c -ldl",
		         flags[i]));
		all_ways_are_seen("./bound");
	}
}
END_TEST

START_TEST(a_process_in_namespaces_of_its_own_is_traced)
{
	if (run("unshare -rmpf --mount-proc true").status != 0) {
		skip("a_process_in_namespaces_of_its_own_is_traced", "no namespaces may be made here");
		return;
	}
	/* The file system there has neither the library nor the trace. */
	must(run(START "start unshare -rmpf --mount-proc sh -c 'mount -t tmpfs none /mnt; "
	               "exec $B/tests/programs/attach_crew' || exit; "
	               "q=$(cat /proc/$p/task/$p/children); "
	               "for i in 1 2 3; do " LM " -q -p $q -o t && sleep 0.1 && " LM
	               " -q -p $q --detach || exit; done; "
	               "kill -TERM $q; wait $p; cat out >&2; grep -q whole out && [ ! -e t.journal ]"));
	ck_assert_uint_gt(traced_read("t", false).calls[LM_CALL_MALLOC], 10);
}
END_TEST

/* It allocates in threads, and prints what it computed. */
static void runs_as_without(const char *command)
{
	const struct run expected = must(run("%s", command));
	const struct run result =
		must(run("%s >out & p=$!; shell=$(readlink /proc/$$/exe); "
	                 "while [ \"$(readlink /proc/$p/exe)\" = \"$shell\" ]; do sleep 0.01; done; "
	                 "for i in $(seq 10); do { " LM " -q -p $p -o t$i && " LM " -q -p $p --detach; } || "
	                 "[ ! -e /proc/$p/exe ] || exit; sleep 0.02; done; wait $p && cat out",
	                 command));

	ck_assert_str_eq(result.out, expected.out);
	ck_assert_uint_gt(traced_read("t1", false).calls[LM_CALL_MALLOC], 0);
}

START_TEST(programs_of_cxx_and_python_run_as_without_it)
{
	static const char source[] = "#include <cstdio>\n"
				     "#include <map>\n"
				     "#include <string>\n"
				     "#include <thread>\n"
				     "#include <vector>\n"
				     "static long work(int n)\n"
				     "{\n"
				     "	std::map<std::string, std::vector<int>> all;\n"
				     "	long sum = 0;\n"
				     "	for (int i = 0; i < 300000; i++) {\n"
				     "		all[std::to_string(i % 1000) + \"-a-long-key\"].push_back(i * n);\n"
				     "		if (i % 5000 == 0) {\n"
				     "			for (const auto &one : all) sum += one.second.back();\n"
				     "			all.clear();\n"
				     "			std::this_thread::sleep_for(std::chrono::milliseconds(20));\n"
				     "		}\n"
				     "	}\n"
				     "	return sum;\n"
				     "}\n"
				     "int main()\n"
				     "{\n"
				     "	long sums[3];\n"
				     "	std::vector<std::thread> threads;\n"
				     "	for (int i = 0; i < 3; i++)\n"
				     "		threads.emplace_back([&sums, i] { sums[i] = work(i); });\n"
				     "	for (auto &one : threads) one.join();\n"
				     "	std::printf(\"%ld %ld %ld\\n\", sums[0], sums[1], sums[2]);\n"
				     "}\n";

	write_file("threads.cc", source, sizeof source - 1);
	must(run("${CXX:-c++} -O1 -pthread -o threads threads.cc"));
	runs_as_without("./threads");
	if (can_run("programs_of_cxx_and_python_run_as_without_it", "/usr/bin/python3"))
		runs_as_without("/usr/bin/python3 -c 'import json, time\n"
		                "n = 0\n"
		                "for i in range(100):\n"
		                "    n += len(json.dumps([str(k) * 20 for k in range(200)]))\n"
		                "    time.sleep(0.01)\n"
		                "print(n)\n'");
}
END_TEST

/* At each moment of its start, and while it executes another program. */
START_TEST(a_program_that_starts_is_not_harmed)
{
	must(run("seq 20000 >numbers; for i in $(seq 24); do "
	         "bash -c 'exec bash -c \"exec sort -rn numbers\"' >sorted 2>errors & p=$!; sleep 0.00$((i %% 8)); "
	         "{ " LM " -q -p $p -o t && " LM " -q -p $p --detach; } 2>/dev/null; "
	         "wait $p && [ ! -s errors ] && sort -n sorted | cmp - numbers || exit; done"));
}
END_TEST

/* Its allocator is a library of its own, with threads of its own. */
START_TEST(a_server_under_load_answers_all)
{
	if (!can_run("a_server_under_load_answers_all", "redis-server") ||
	    !can_run("a_server_under_load_answers_all", "redis-benchmark"))
		return;
	must(run("redis-server --port 0 --unixsocket $PWD/socket --save '' >log & p=$!; "
	         "for i in $(seq 200); do [ -S socket ] && break; sleep 0.02; done; "
	         "redis-benchmark -s socket -q -t set,get -n 20000 >bench & b=$!; "
	         "for i in $(seq 10); do " LM " -q -p $p -o t && sleep 0.02 && " LM " -q -p $p --detach || exit; done; "
	         "wait $b && redis-cli -s socket shutdown nosave; wait $p"));
	ck_assert_uint_eq(traced_read("t", false).finis, 1);
}
END_TEST

START_TEST(a_stopped_process_stays_stopped)
{
	struct run result;

	result = must(run(START "state() { sed -n 's/^State:.//p' /proc/$p/status; }; "
	                        "start $B/tests/programs/attach_crew && kill -STOP $p && sleep 0.1 && " LM
	                        " -q -p $p -o t && sleep 0.1 && state >stopped && kill -CONT $p && sleep 0.2 && " LM
	                        " -q -p $p --detach && cat stopped >&2 && " STOP));
	ck_assert_msg(result.err[0] == 'T', "%s", result.err);
	ck_assert(says(result.out, "whole\nstatus 0\n"));
	ck_assert_uint_gt(traced_read("t", false).calls[LM_CALL_MALLOC], 0);
}
END_TEST

/* It ends by SIGTERM. Nothing that /proc has by the process's number tells of its memory and files any more. */
static const char without_leader[] =
	"#include <pthread.h>\n#include <signal.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n"
	"static volatile sig_atomic_t over;\nstatic void *volatile kept;\n"
	"static void end(int signal) { (void)signal; over = 1; }\n"
	"static void *work(void *nothing)\n{\n"
	"	usleep(50000); puts(\"ready\"); fflush(stdout);\n"
	"	while (!over) { kept = malloc(4321); usleep(2000); free(kept); }\n"
	"	puts(\"whole\"); fflush(stdout); exit(0); return nothing;\n}\n"
	"int main(void)\n{\n	pthread_t thread;\n"
	"	signal(SIGTERM, end); pthread_create(&thread, NULL, work, NULL); pthread_exit(NULL);\n}\n";

START_TEST(a_process_whose_main_thread_has_ended_is_traced)
{
	struct run result;

	write_file("without_leader.c", without_leader, sizeof without_leader - 1);
	must(run("${CC:-cc} -pthread -o without_leader without_leader.c"));
	result = run(START "start ./without_leader; " LM " -p $p -o t && " LM
	                   " -p $p -o t2; [ $? = 2 ] && sleep 0.3 && " LM " -p $p --detach && " LM
	                   " -q -p $p -o t3 --for 200ms && " STOP);
	if (strstr(result.err, "Linux 6.9")) {
		skip("a_process_whose_main_thread_has_ended_is_traced", result.err);
		run("kill -KILL $(pgrep -x without_leader)");
		return;
	}
	ck_assert_msg(result.status == 0 && says(result.out, "whole\nstatus 0\n"), "%s%s", result.out, result.err);
	ck_assert(says(result.err, "is traced already, into "));
	ck_assert(has_size("t", 4321));
	ck_assert(has_size("t3", 4321));
	ck_assert_uint_eq(traced_read("t", false).finis, 1);
	must(run("grep -q '^# EXE .*/without_leader$' t && grep -q '/without_leader(work+0x' t && "
	         "! grep -q '^+ malloc.* #0 0 0' t"));
}
END_TEST

START_TEST(a_process_that_ends_has_a_whole_trace)
{
	struct run result;

	result = must(run(START "start $B/tests/programs/attach_crew && " LM " -q -p $p -o t && sleep 0.1 && " STOP));
	ck_assert(says(result.out, "whole\nstatus 0\n"));
	ck_assert_uint_eq(traced_read("t", false).finis, 1);
	must(run(START "start $B/tests/programs/attach_crew && " LM
	               " -q -p $p -o t && sleep 0.1 && kill -KILL $p; wait $p; $B/log-malloc-findleak t >report; "
	               "[ $? -le 1 ] && grep -q Total report"));
}
END_TEST

/* ---- waiting ------------------------------------------------------------------- */

START_TEST(it_waits_for_a_time_for_growth_or_for_a_signal)
{
	struct run result;

	result = must(run(START "start $B/tests/programs/attach_crew && " LM " -p $p -o t --for 200ms && " LM
	                        " -p $p -o t2 --until-growth 4K --for 60s && { " LM
	                        " -p $p -o t3 --for 60s & l=$!; sleep 0.4; kill -TERM $l; wait $l; } && " STOP));
	ck_assert(says(result.out, "whole\nstatus 0\n"));
	for (int i = 0; i < 3; i++) {
		static const char *const traces[] = {"t", "t2", "t3"};

		ck_assert_uint_eq(traced_read(traces[i], false).finis, 1);
	}
	/* The end of the process ends the waiting. */
	result = must(run(START "start $B/tests/programs/attach_crew && { " LM
	                        " -p $p -o t --for 60s & l=$!; sleep 0.4; "
	                        "kill -TERM $p; wait $l; }"));
	ck_assert(says(result.err, "has ended"));
	/* Also if that comes between a reason to detach and detaching. */
	result = must(run(START "start $B/tests/programs/attach_crew && { " LM
	                        " -p $p -o t --for 60s & l=$!; sleep 0.4; kill -STOP $l; kill -KILL $p; wait $p; "
	                        "kill -TERM $l; kill -CONT $l; wait $l; }"));
	ck_assert(says(result.err, "has ended"));
}
END_TEST

/* ---- a sampled trace with a limit ------------------------------------------------- */

/*
 * Does as many rounds as a line of its input says. Some blocks live for a hundred rounds, and have other sizes than
 * those before, so that they are not where these were. A negative number is that of the bytes of a block that stays.
 */
static const char rounds[] =
	"#include <stdio.h>\n"
	"#include <stdlib.h>\n"
	"static void *volatile kept, *volatile held[100];\n"
	"static void go(int n) { for (int i = 0; i < n; i++) { free(held[i % 100]); "
	"held[i % 100] = malloc(1000 + (size_t)(i / 100 % 9) * 1000); "
	"for (int k = 0; k < 20; k++) { kept = malloc(500); free(kept); } } "
	"for (int i = 0; i < 100; i++) { free(held[i]); held[i] = NULL; } }\n"
	"int main(void) { int n; setvbuf(stdin, NULL, _IONBF, 0); puts(\"ready\"); fflush(stdout);\n"
	"while (scanf(\"%d\", &n) == 1) { if (n < 0) kept = malloc((size_t)-n); else go(n); "
	"puts(\"done\"); fflush(stdout); }\n"
	"return 0; }\n";

#define ROUNDS                                                                                                         \
	START "${CC:-gcc} -O1 -fno-builtin-malloc -o rounds rounds.c && start ./rounds || exit; "                      \
	      "R='--sample 1 --limit 64K --keep 2'; "

/* COMMANDS attach to the program and detach from it. An earlier run has kept t.at-peak. */
static void older_files_are_named(const char *commands)
{
	struct run result;

	write_file("rounds.c", rounds, sizeof rounds - 1);
	result = must(run(ROUNDS "echo '# PID 1' >t.at-peak; %s " STOP, commands));
	ck_assert_msg(says(result.err, " (older: ") && says(result.err, "t.old-1 to ") &&
	                      says(result.err, "t.old-2) (moments: ") && says(result.err, "t.at-peak-2") &&
	                      !says(result.err, "t.at-peak,") && says(result.err, "); next: log-malloc-findleak "),
	              "%s", result.err);
}

START_TEST(detaching_names_the_older_files)
{
	struct run result;

	older_files_are_named(LM " -p $p -o t $R --at peak=20K && echo 2000 >&7 && lines 1 && " LM
	                         " -p $p --detach && ");
	/* A trace without older files names none, whatever lies there. */
	result =
		must(run(ROUNDS "rm -f t*; touch t.old-1; " LM
	                        " -p $p -o t --at peak=1G && echo 1 >&7 && lines 1 && " LM " -p $p --detach && " STOP));
	ck_assert_msg(!says(result.err, "older") && !says(result.err, "moments"), "%s", result.err);
}
END_TEST

START_TEST(the_end_of_waiting_names_the_older_files)
{
	older_files_are_named(LM " -p $p -o t $R --at peak=20K --for 60s & l=$!; until [ -s t ]; do sleep 0.02; done; "
	                         "echo 2000 >&7; lines 1 && kill -TERM $l && wait $l && ");
}
END_TEST

/* What was released in a file that came and went while nobody read is not live. */
START_TEST(growth_is_that_of_what_is_live_in_the_newest_file)
{
	write_file("rounds.c", rounds, sizeof rounds - 1);
	must(run(ROUNDS LM " -q -p $p -o t $R --packed --until-growth 3M & l=$!; until [ -s t ]; do sleep 0.02; done; "
	                   "echo 3000 >&7; lines 1; echo -4000000 >&7; lines 2; echo 1 >&7; wait $l || exit; "
	                   "[ $($B/log-malloc-report --format json t | jq .leaked.bytes) -ge 3000000 ] && " STOP));
}
END_TEST

/* ---- refused ------------------------------------------------------------------- */

/* log-malloc -p of a process that COMMAND starts and prints "ready" does nothing and says WHAT. */
static void is_refused(const char *command, const char *what)
{
	struct run result = run(START "start %s || exit 77; " LM " -p $p -o t; s=$?; kill -0 $p || exit 78; "
	                              "kill -KILL $p; exit $s",
	                        command);

	if (result.status == 77) {
		skip(what, "the program can't be run here");
		return;
	}
	ck_assert_msg(result.status == 2 && says(result.err, what), "%d: %s", result.status, result.err);
	must(run("[ ! -e t ] && [ ! -e t.journal ]"));
}

START_TEST(what_can_not_be_traced_is_told_why)
{
	static const char source[] = "#include <stdio.h>\n"
				     "#include <unistd.h>\n"
				     "int main(void) { puts(\"ready\"); fflush(stdout); for (;;) pause(); }\n";

	write_file("waiting.c", source, sizeof source - 1);
	must(run("${CC:-cc} -o waiting waiting.c && ${CC:-cc} -static -o static waiting.c"));
	is_refused("./static", "is statically linked");
	is_refused("$B/tests/programs/attach_sealed", "seccomp");
	if (have_command("strace"))
		is_refused("strace -o /dev/null -D ./waiting", "is traced by process");
	is_refused("env LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=own ./waiting",
	           "has been traced from its start");
}
END_TEST

START_TEST(no_process_is_told)
{
	static const char *const wrong[] = {"-p 0",
	                                    "-p x",
	                                    "-p 1 true",
	                                    "-p 1 -f",
	                                    "--detach",
	                                    "--for 1s",
	                                    "-p 1 --for 0",
	                                    "-p 1 -o a.zst",
	                                    "--library x true",
	                                    "-p 999999999",
	                                    "-p 1 --operators",
	                                    "-p 1 --detach -o t",
	                                    "-p 1 -o -"};

	are_refused("log-malloc", wrong, sizeof wrong / sizeof *wrong);
	ck_assert(says(run("exec " LM " -p $BASHPID").err, "itself"));
}
END_TEST

/* Nothing may be loaded meanwhile: what is called would find the allocator's data half changed. */
START_TEST(a_thread_that_stays_in_the_allocator_is_told)
{
	is_refused("$B/tests/programs/attach_inside", "no moment without a thread inside the allocator");
}
END_TEST

START_TEST(twice_is_refused_and_so_is_detaching_from_nothing)
{
	struct run result;

	result = run(START "start $B/tests/programs/attach_crew && " LM " -q -p $p -o t && { " LM
	                   " -p $p -o t2; s=$?; [ ! -e t2 ] && " LM " -q -p $p --detach && " LM
	                   " -p $p --detach; [ $? = 2 ] && [ $s = 2 ]; } || exit 1; " STOP);
	ck_assert_int_eq(result.status, 0);
	ck_assert(says(result.err, "is traced already, into "));
	ck_assert(says(result.err, "is not attached to process"));
	ck_assert(says(result.out, "whole\nstatus 0\n"));
}
END_TEST

/* A container has its processes' user, and lacks the capability. */
START_TEST(without_permission_the_reason_is_told)
{
	struct run result;

	if (!have_command("setpriv") ||
	    run("setpriv --reuid=65534 --clear-groups --bounding-set=-all true").status != 0) {
		skip("without_permission_the_reason_is_told", "no other user's process can be started here");
		return;
	}
	result = run(START "start $B/tests/programs/attach_crew || exit; setpriv --reuid=65534 --clear-groups "
	                   "--bounding-set=-all --inh-caps=-all " LM " -p $p -o /tmp/t; s=$?; kill -KILL $p; exit $s");
	if (result.status == 126 || result.status == 127) {
		skip("without_permission_the_reason_is_told", "another user can't read the build directory");
		return;
	}
	ck_assert_int_eq(result.status, 2);
	ck_assert(says(result.err, "belongs to another user"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("attach");

#define ATTACHED(test) add_tracing_test(suite, TRACING_ATTACHED, #test, test, 0)
	ATTACHED(calls_are_traced_until_it_is_detached);
	ATTACHED(a_hundred_times_leave_nothing_behind);
	ATTACHED(pointers_and_libraries_loaded_later_lead_to_it);
	ATTACHED(a_program_with_a_fixed_address_is_traced);
	ATTACHED(lazy_and_early_binding_are_taken_over);
	ATTACHED(a_process_in_namespaces_of_its_own_is_traced);
	ATTACHED(programs_of_cxx_and_python_run_as_without_it);
	ATTACHED(a_program_that_starts_is_not_harmed);
	ATTACHED(a_server_under_load_answers_all);
	ATTACHED(a_stopped_process_stays_stopped);
	ATTACHED(a_process_whose_main_thread_has_ended_is_traced);
	ATTACHED(a_process_that_ends_has_a_whole_trace);
	ATTACHED(it_waits_for_a_time_for_growth_or_for_a_signal);
	ATTACHED(detaching_names_the_older_files);
	ATTACHED(the_end_of_waiting_names_the_older_files);
	ATTACHED(growth_is_that_of_what_is_live_in_the_newest_file);
	ATTACHED(what_can_not_be_traced_is_told_why);
	ONCE(no_process_is_told);
	ATTACHED(a_thread_that_stays_in_the_allocator_is_told);
	ATTACHED(twice_is_refused_and_so_is_detaching_from_nothing);
	ATTACHED(without_permission_the_reason_is_told);
	return run_suite(suite);
}
