/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which blocks of a running process are lost: programs of which the numbers are known, and valgrind's memcheck, which
 * has to say the same of them.
 */
#include "flavours.h"
#include "lost.h"
#include "support.h"
#include "traced.h"
#include "tracing.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sum {
	uint64_t blocks, bytes;
};

/* A program that is looked into while it stays as it is. */
struct looked {
	struct sum sums[REACH_KINDS];
	struct unreached unreached;
	struct lost_figures figures;
	int error;
};

/* Starts COMMAND, which gets its trace as descriptor 1022, and waits until it is ready. Returns its number. */
static pid_t start(const char *command)
{
	must(run("STAY=1 %s </dev/null >ready 2>messages 1022>trace & echo $! >pid; "
	         "for ((i = 0; i < 1000; i++)); do [ -s ready ] && exit 0; sleep 0.02; done; cat messages; exit 1",
	         command));
	return (pid_t)strtol(read_file("pid", NULL), NULL, 10);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
}

/* The path of FILE in the test's directory. */
static const char *in_scratch(const char *file)
{
	static char path[4096];

	snprintf(path, sizeof path, "%s/%s", scratch(), file);
	return path;
}

/* Sums up the blocks that the trace has, by how they are reached. Those of libc have other sizes than OWN. */
static void sum_up(struct looked *looked, bool (*own)(uint64_t size))
{
	struct traced traced = traced_read("trace", false);
	const struct heap_block *block;
	size_t position = 0;

	while ((block = heap_next(&traced.heap, &position))) {
		struct sum *sum = &looked->sums[unreached_find(&looked->unreached, block->address)];

		if (own && !own(block->size))
			continue;
		sum->blocks++;
		sum->bytes += block->size;
	}
	heap_free(&traced.heap);
}

static struct looked look(const char *command, bool (*own)(uint64_t size))
{
	struct looked looked = {.error = 0};
	pid_t pid = start(command);

	looked.error = lost_look(in_scratch("trace"), 0, NULL, &looked.unreached, &looked.figures);
	end(pid);
	ck_assert_msg(looked.error == 0, "%s", looked.figures.trouble);
	ck_assert_int_eq(looked.figures.pid, pid);
	sum_up(&looked, own);
	return looked;
}

static char *traced_command(int flavour, const char *program)
{
	static char command[4096];

	snprintf(command, sizeof command, "%s " PROGRAMS "%s%s", flavours[flavour].environment, program,
	         flavours[flavour].suffix);
	return command;
}

static void sums_are(const struct looked *looked, const struct sum expected[REACH_KINDS])
{
	static const char *const names[REACH_KINDS] = {"lost", "indirectly", "possibly", "reachable"};

	for (int i = 0; i < REACH_KINDS; i++)
		ck_assert_msg(looked->sums[i].blocks == expected[i].blocks &&
		                      looked->sums[i].bytes == expected[i].bytes,
		              "%s: %" PRIu64 " blocks, %" PRIu64 " bytes", names[i], looked->sums[i].blocks,
		              looked->sums[i].bytes);
}

static bool is_node(uint64_t size)
{
	return size == 136;
}

static const struct {
	const char *program;
	struct sum sums[REACH_KINDS];
} known[] = {
	{"lost_cases", {{3, 408}, {2, 272}, {6, 816}, {4, 544}}},
	{"lost_neighbours", {{21, 2856}, {0, 0}, {0, 0}, {0, 0}}},
	{"lost_circles", {{14, 1904}, {35, 4760}, {0, 0}, {7, 952}}},
};

enum { KNOWN = sizeof known / sizeof *known };

START_TEST(every_way_to_a_block_is_told)
{
	struct looked looked = look(traced_command(_i / KNOWN, known[_i % KNOWN].program), is_node);

	sums_are(&looked, known[_i % KNOWN].sums);
	ck_assert(looked.unreached.known);
	ck_assert_int_eq(looked.unreached.is_partial, !flavours[_i / KNOWN].sees_libc);
	ck_assert_uint_gt(looked.figures.copied, 0);
	ck_assert_uint_eq(looked.figures.threads, 1);
	unreached_free(&looked.unreached);
}
END_TEST

/* The bytes and blocks that memcheck calls by NAME. */
static struct sum memcheck_sum(const char *report, const char *name)
{
	const char *line = strstr(report, name);
	struct sum sum = {0, 0};
	char digits[64];

	ck_assert_ptr_nonnull(line);
	snprintf(digits, sizeof digits, "%s", line + strlen(name));
	for (char *from = digits, *to = digits; (*to = *from); from++)
		to += *from != ',';
	ck_assert_int_eq(sscanf(digits, "%" SCNu64 " bytes in %" SCNu64, &sum.bytes, &sum.blocks), 2);
	return sum;
}

START_TEST(memcheck_tells_the_same)
{
	static const char *const names[REACH_KINDS] = {
		"definitely lost: ", "indirectly lost: ", "possibly lost: ", "still reachable: "};
	char *report;

	if (!can_run("memcheck_tells_the_same", "valgrind"))
		return;
	report = must(run("valgrind --leak-check=full " PROGRAMS "%s 2>&1 >output", known[_i].program)).out;
	for (int i = 0; i < REACH_KINDS; i++) {
		struct sum sum = memcheck_sum(report, names[i]);

		ck_assert_uint_eq(sum.blocks, known[_i].sums[i].blocks);
		ck_assert_uint_eq(sum.bytes, known[_i].sums[i].bytes);
	}
}
END_TEST

START_TEST(threads_have_pointers_in_many_places)
{
	struct looked looked = look(traced_command(_i, "lost_threads"), NULL);
	struct traced traced = traced_read("trace", false);
	const struct heap_block *block;
	size_t position = 0;

	while ((block = heap_next(&traced.heap, &position)))
		ck_assert_int_eq(unreached_find(&looked.unreached, block->address),
		                 block->size == 56 ? REACH_LOST : REACH_REACHABLE);
	ck_assert_uint_eq(looked.sums[REACH_LOST].blocks, 132);
	ck_assert_uint_eq(looked.figures.threads, 6);
	heap_free(&traced.heap);
	unreached_free(&looked.unreached);
}
END_TEST

START_TEST(nothing_of_the_containers_of_cxx_is_lost)
{
	struct looked looked = look(traced_command(_i, "lost_nothing"), NULL);

	ck_assert_uint_eq(looked.unreached.count, 0);
	if (flavours[_i].sees_libc)
		ck_assert_uint_gt(looked.sums[REACH_REACHABLE].blocks, 30);
	unreached_free(&looked.unreached);
}
END_TEST

START_TEST(a_process_whose_first_thread_has_ended_is_looked_into)
{
	struct looked looked = look(traced_command(_i, "lost_leader"), NULL);

	ck_assert_uint_eq(looked.sums[REACH_LOST].blocks, 7);
	ck_assert_uint_eq(looked.sums[REACH_LOST].bytes, 539);
	ck_assert_uint_eq(looked.figures.threads, 1);
	unreached_free(&looked.unreached);
}
END_TEST

/* Each thread has a pointer in the dynamic storage of a library that was loaded later. */
START_TEST(storage_of_a_loaded_library_has_pointers)
{
	static const char library[] = "#include <stdlib.h>\nstatic __thread void *volatile own[50];\n"
				      "void keep(void) { own[3] = malloc(40); }\n";
	static const char program[] = "#include <dlfcn.h>\n#include <pthread.h>\n#include <stay.h>\n"
				      "static void (*keep)(void);\n"
				      "static pthread_barrier_t barrier;\n"
				      "static void *wait(void *p) { keep(); forget(); pthread_barrier_wait(&barrier);\n"
				      "	for (;;) pause(); return p; }\n"
				      "int main(void) { pthread_t t; pthread_barrier_init(&barrier, NULL, 4);\n"
				      "	keep = (void (*)(void))dlsym(dlopen(\"./own.so\", RTLD_NOW), \"keep\");\n"
				      "	for (int i = 0; i < 3; i++) pthread_create(&t, NULL, wait, NULL);\n"
				      "	keep(); pthread_barrier_wait(&barrier); stay(); _exit(0); }\n";
	struct looked looked;

	write_file("own.c", library, strlen(library));
	write_file("program.c", program, strlen(program));
	must(run("${CC:-cc} -shared -fPIC -o own.so own.c && "
	         "${CC:-cc} -O1 -I$S/tests/programs -o program program.c -pthread -ldl"));
	looked = look("LD_PRELOAD=$B/liblog-malloc2.so ./program", NULL);
	ck_assert_uint_eq(looked.unreached.count, 0);
	ck_assert_uint_gt(looked.sums[REACH_REACHABLE].blocks, 4);
}
END_TEST

/* musl's own mappings are small, and the program's lie between them. */
START_TEST(mappings_between_those_of_musl_are_roots)
{
	static const char program[] =
		"#include <sys/mman.h>\n#include <stay.h>\n"
		"static void **volatile maps[64];\n"
		"static __attribute__((noinline)) void work(void) { void **p;\n"
		"	for (int i = 0; i < 64; i++) {\n"
		"		maps[i] = mmap(0, 4096 * (1 + i % 5), 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);\n"
		"		for (int k = 0; k < 20; k++) maps[i][k * 20] = calloc(1, 17 + k * 100 + i);\n"
		"		maps[i][401] = p = calloc(1, 200000); p[3] = calloc(1, 33); }\n"
		"	p = malloc(1000);\n"
		"	for (int i = 10; i < 20; i++) p[i] = calloc(1, 44);\n"
		"	free(p); }\n"
		"int main(void) { work(); memset((void *)maps, 0, sizeof maps); stay(); return maps[3] != 0; }\n";
	struct looked looked;

	if (!can_run("mappings_between_those_of_musl_are_roots", "musl-gcc"))
		return;
	if (!getenv("MACHINES")) {
		skip("mappings_between_those_of_musl_are_roots", "the build takes long: MACHINES=quick asks for it");
		return;
	}
	write_file("program.c", program, strlen(program));
	must(run("make -s -C $S B=$PWD/musl CC=musl-gcc wrap && PKG_CONFIG_PATH=$PWD/musl/pkgconfig && "
	         "export PKG_CONFIG_PATH && musl-gcc -static -O1 -fno-builtin-malloc -fno-builtin-calloc "
	         "-I$S/tests/programs -o program program.c $(pkg-config --static --cflags --libs log-malloc2-wrap)"));
	looked = look("./program", NULL);
	ck_assert_uint_eq(looked.sums[REACH_LOST].blocks, 10);
	ck_assert_uint_eq(looked.sums[REACH_LOST].bytes, 440);
	ck_assert_uint_eq(looked.unreached.count, 10);
}
END_TEST

START_TEST(the_command_finds_the_trace_and_the_process)
{
	pid_t pid = start(traced_command(0, "lost_cases"));
	struct run by_pid = run("$B/log-malloc-findleak --lost -p %d", (int)pid);
	struct run by_trace = run("$B/log-malloc-findleak --lost trace");
	struct run wrong = run("$B/log-malloc-findleak --lost -p %d trace", (int)getpid());

	end(pid);
	ck_assert_int_eq(by_pid.status, 1);
	ck_assert_int_eq(by_trace.status, 1);
	ck_assert_ptr_nonnull(strstr(by_pid.err, " stood still for "));
	ck_assert_ptr_nonnull(strstr(by_trace.err, " stood still for "));
	ck_assert_int_eq(wrong.status, 2);
	ck_assert_ptr_nonnull(strstr(wrong.err, " is not the one that wrote trace: "));
	ck_assert_uint_eq(wrong.out_len, 0);
}
END_TEST

/* What was allocated before is not known, and may point to anything. What was released does not. */
START_TEST(a_process_that_was_attached_to_is_looked_into)
{
	struct looked looked = {.error = 0};
	struct run attached;
	pid_t pid;

	must(run("STAY=1 " PROGRAMS "lost_before >ready 2>&1 </dev/null & echo $! >pid; sleep 0.2"));
	pid = (pid_t)strtol(read_file("pid", NULL), NULL, 10);
	attached = run("$B/log-malloc -p %d -o trace && touch go && "
	               "for ((i = 0; i < 500; i++)); do [ -s ready ] && exit 0; sleep 0.02; done; exit 1",
	               (int)pid);
	if (attached.status == 0)
		looked.error = lost_look(in_scratch("trace"), 0, NULL, &looked.unreached, &looked.figures);
	end(pid);
	must(attached);
	ck_assert_msg(looked.error == 0, "%s", looked.figures.trouble);
	sum_up(&looked, NULL);
	ck_assert(looked.unreached.is_partial);
	ck_assert_uint_eq(looked.sums[REACH_LOST].blocks, 46);
	ck_assert_uint_eq(looked.sums[REACH_LOST].bytes, 30 * 99 + 16 * 55);
	ck_assert_uint_eq(looked.unreached.count, 46);
	unreached_free(&looked.unreached);
}
END_TEST

/* The trace has the number that the process calls itself by. */
START_TEST(a_process_in_another_pid_namespace_is_found)
{
	struct looked looked = {.error = 0};
	pid_t pid;

	if (run("unshare -pf --mount-proc true").status != 0) {
		skip("a_process_in_another_pid_namespace_is_found", "unshare is not permitted here");
		return;
	}
	pid = start("unshare -pf --mount-proc --kill-child env LD_PRELOAD=$B/liblog-malloc2.so " PROGRAMS "lost_cases");
	looked.error = lost_look(in_scratch("trace"), 0, NULL, &looked.unreached, &looked.figures);
	end(pid);
	ck_assert_msg(looked.error == 0, "%s", looked.figures.trouble);
	ck_assert_int_ne(looked.figures.pid, 1);
	sum_up(&looked, is_node);
	sums_are(&looked, known[0].sums);
	unreached_free(&looked.unreached);
}
END_TEST

START_TEST(a_process_of_another_user_is_refused)
{
	static const char other[] = "setpriv --reuid=65534 --regid=65534 --clear-groups";
	struct run by_pid, by_trace;
	pid_t pid;

	if (run("%s true", other).status != 0) {
		skip("a_process_of_another_user_is_refused", "setpriv is not permitted here");
		return;
	}
	must(run("cp $B/log-malloc-findleak . && chmod -R a+rX . && chmod a+x . .. ; true"));
	pid = start(traced_command(0, "lost_cases"));
	by_pid = run("%s ./log-malloc-findleak --lost -p %d", other, (int)pid);
	by_trace = run("chmod a+r trace && %s ./log-malloc-findleak --lost trace", other);
	end(pid);
	ck_assert_int_eq(by_pid.status, 2);
	ck_assert_ptr_nonnull(strstr(by_pid.err, " belongs to another user: "));
	ck_assert_int_eq(by_trace.status, 2);
	ck_assert_ptr_nonnull(strstr(by_trace.err, " belongs to another user: "));
}
END_TEST

/* Each of these gets a sentence that says what to do instead. */
START_TEST(what_can_not_be_looked_into_is_refused)
{
	static const struct {
		const char *prepare, *arguments, *message;
	} refused[] = {
		{"$B/log-malloc -q -o t true", "t", "its process, [0-9]+, has ended: .*log-malloc --lost"},
		{"$B/log-malloc -q -o t true; gzip -f t", "t.gz", "is compressed, or no file: .*log-malloc --lost"},
		{"grep -v PROCESS $S/tests/golden/full.trace >t", "t", "does not say which process it is of"},
		{"true", "-p $$", "is not traced, or its trace is no file"},
		{"true", "--until 5s -p $$", "--until leaves that out"},
		{"true", "", "a TRACE or --pid is needed"},
	};
	struct run r = must(run("(%s) && { $B/log-malloc-findleak --lost %s 2>messages; echo $?; } && "
	                        "grep -Eq -e '%s' messages && [ \"$(wc -l <messages)\" -le 2 ]",
	                        refused[_i].prepare, refused[_i].arguments, refused[_i].message));

	ck_assert_str_eq(r.out, "2\n");
}
END_TEST

/* The process is killed at some moment of the look. What was copied of it by then is not believed. */
START_TEST(a_process_that_dies_meanwhile_has_ended_or_was_seen_whole)
{
	pid_t pid = start(traced_command(0, "lost_cases"));
	struct run r =
		run("(sleep 0.00%d; kill -KILL %d) & $B/log-malloc-findleak --lost trace; echo $?; wait", _i, (int)pid);

	if (strstr(r.out, "1\n") && strstr(r.err, " stood still for "))
		return;
	ck_assert_msg(strstr(r.err, ", has ended: ") != NULL, "%s %s", r.out, r.err);
	ck_assert_str_eq(r.out, "2\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lost");

#define LOOKING(test, times) add_tracing_test(suite, TRACING_OTHERS, #test, test, times)
	LOOKING(every_way_to_a_block_is_told, KNOWN * FLAVOURS);
	TIMES(memcheck_tells_the_same, KNOWN);
	LOOKING(threads_have_pointers_in_many_places, FLAVOURS);
	LOOKING(nothing_of_the_containers_of_cxx_is_lost, FLAVOURS);
	LOOKING(a_process_whose_first_thread_has_ended_is_looked_into, FLAVOURS);
	LOOKING(storage_of_a_loaded_library_has_pointers, 0);
	LOOKING(mappings_between_those_of_musl_are_roots, 0);
	LOOKING(the_command_finds_the_trace_and_the_process, 0);
	add_tracing_test(suite, TRACING_ATTACHED, "a_process_that_was_attached_to_is_looked_into",
	                 a_process_that_was_attached_to_is_looked_into, 0);
	LOOKING(a_process_in_another_pid_namespace_is_found, 0);
	ONCE(a_process_of_another_user_is_refused);
	TIMES(what_can_not_be_looked_into_is_refused, 6);
	LOOKING(a_process_that_dies_meanwhile_has_ended_or_was_seen_whole, 6);
	return run_suite(suite);
}
