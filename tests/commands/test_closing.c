/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc: what it says, of the trace and of what to type next. */
#include "commands.h"
#include "support.h"
#include "traced.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(images_of_one_process_tell_once_where_the_trace_is)
{
	static const char *const ways[] = {"$B/log-malloc -o t", "$B/log-malloc -o t --compact",
	                                   "env LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=t"};

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct run result =
			run("%s bash -c 'exec bash -c \"exec env true\"' 2>&1 | grep -c '^[*][*][*] '", ways[i]);

		ck_assert_str_eq(result.out, "1\n");
		ck_assert_uint_eq(traced_read("t", false).inits, 4);
	}
}
END_TEST

START_TEST(the_closing_line_counts_events_and_bytes)
{
	build_allocating("seven", 7, "");
	struct run result = run(LM " -o t ./seven; grep -c '^+ [a-z]' t; wc -c <t");
	int events, bytes, counted, size;
	const char *line = strchr(result.err, '\n') + 1;

	ck_assert_int_eq(
		sscanf(line, "log-malloc: %d events, %d bytes in t; next: log-malloc-findleak t\n", &events, &bytes),
		2);
	ck_assert_int_eq(sscanf(result.out, "%d\n%d\n", &counted, &size), 2);
	ck_assert_int_eq(events, counted);
	ck_assert_int_eq(events, 7);
	ck_assert_int_eq(bytes, size);
	/* Packed records are no lines. */
	build_allocating("many", 20000, "");
	result = run(LM " -o t --packed ./many");
	ck_assert(says(result.err, "log-malloc: 20000 events, "));
	ck_assert(says(result.err, "; next: log-malloc-findleak t; as text: log-malloc-cat t\n"));
}
END_TEST

START_TEST(the_next_command_can_be_typed)
{
	build_allocating("one", 1, "");
	ck_assert(says(run(LM " -o \"it's a trace\" ./one").err, "1 event, "));
	ck_assert(says(run(LM " -o \"it's a trace\" ./one").err, "log-malloc-findleak 'it'\\''s a trace'\n"));
	ck_assert(says(run(LM " -o -- -t ./one 2>&1 || :; " LM " -o -t ./one").err, "log-malloc-findleak ./'-t'\n"));
}
END_TEST

START_TEST(quiet_says_nothing)
{
	struct run result = run(LM " -q -o t sh -c 'kill -9 $$'");

	ck_assert_int_eq(result.status, 137);
	ck_assert_str_eq(result.err, "");
	build_allocating("none", 0, "");
	ck_assert_str_eq(run(LM " --quiet --output=t ./none").err, "");
}
END_TEST

START_TEST(verbose_names_library_command_and_settings)
{
	char expected[4096];
	struct run result = run(LM " -v -o t --depth 5 --statm never sh -c :");

	snprintf(expected, sizeof expected, "log-malloc: library: %s/liblog-malloc2.so\n", getenv("LM_BUILD"));
	ck_assert(says(result.err, expected));
	ck_assert(says(result.err, "/sh\n"));
	ck_assert(says(result.err, "LOG_MALLOC_BACKTRACE_DEPTH: 5\n"));
	ck_assert(says(result.err, "LOG_MALLOC_STATM: never\n"));
	ck_assert(says(result.err, "LOG_MALLOC_FORMAT: compact\n"));
	ck_assert(says(run(LM " -v -o - sh -c :").err, "LOG_MALLOC_FORMAT: default\n"));
	result = run("LOG_MALLOC_FORMAT=full LOG_MALLOC_SIGNAL=USR1 " LM " -v -o t --compact --start on sh -c :");
	ck_assert(says(result.err, "LOG_MALLOC_FORMAT: compact\n"));
	ck_assert(says(result.err, "LOG_MALLOC_START: on\n"));
	ck_assert(says(result.err, "LOG_MALLOC_SIGNAL: USR1\n"));
}
END_TEST

START_TEST(a_run_without_events_says_why)
{
	build_allocating("none", 0, "");
	ck_assert(says(run(LM " -o t ./none").err, "no event in t: the command allocated nothing itself"));
}
END_TEST

/* With a copy of the library, what runs in another root directory is traced. */
static void a_copy_of_the_library_helps(void)
{
	struct run result = run("mkdir -p root$B && cp $B/liblog-malloc2.so root$B/ && " LM " -o t chroot root /three");

	ck_assert_int_eq(result.status, 0);
	ck_assert_msg(!says(result.err, "not traced"), "%s", result.err);
	ck_assert_str_eq(run("grep -c '^# EXE /three$' t").out, "1\n");
}

/* Not traced: without an environment, static, and where the loader finds no library. */
START_TEST(a_program_that_was_executed_and_not_traced_is_told)
{
	static const struct {
		const char *command, *exe, *help;
	} ways[] = {
		{"env -i ./three", "/env", " under the same path; "},
		{"env ./static", "/env", " a static program needs the tracker linked in; "},
		{"$B/tests/programs/exec_by.static execl $PWD/three", "/exec_by.static", "nothing is preloaded here: "},
		{"chroot root /three", "/chroot", "the loader needs a copy of "},
		{"unshare -R root /three", "/unshare", "the loader needs a copy of "},
	};

	build_allocating("three", 3, "");
	build_allocating("static", 3, "-static");
	must(run("mkdir root; for f in $(ldd three | grep -o '/[^ ]*'); do mkdir -p root${f%%/*}; cp $f root$f; done; "
	         "cp three root/"));
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct run result;
		char expected[128];

		if (i >= 3 && getuid() != 0) {
			skip("a_program_that_was_executed_and_not_traced_is_told", "only root can call chroot");
			return;
		}
		result = run(LM " -o t %s", ways[i].command);
		ck_assert_msg(result.status == 0, "%s: %d", ways[i].command, result.status);
		snprintf(expected, sizeof expected,
		         "%s executed then: that program was not traced; next: ", ways[i].exe);
		ck_assert_msg(says(result.err, " in t, but none of what ") && says(result.err, expected) &&
		                      says(result.err, ways[i].help),
		              "%s: %s", ways[i].command, result.err);
	}
	a_copy_of_the_library_helps();
}
END_TEST

/* Neither a command that ends in the ordinary way, nor one that is killed, nor one whose exec fails. */
START_TEST(otherwise_nothing_is_said_of_executed_programs)
{
	static const char *const commands[] = {"env ./three", "env nosuch", "sh -c 'kill -9 $$'", "./three",
	                                       "$B/tests/programs/processes _exit"};

	build_allocating("three", 3, "");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		ck_assert_msg(!says(run(LM " -o t %s", commands[i]).err, "not traced"), "%s", commands[i]);
}
END_TEST

START_TEST(of_a_child_that_executes_what_is_not_traced_it_is_told)
{
	build_allocating("three", 3, "");
	ck_assert(says(run("rm -f t t.*; " LM " -f -o t sh -c 'env -i ./three; true'").err,
	               "; it was killed, or executed a program that was not traced\n"));
	ck_assert(!says(run("rm -f t t.*; " LM " -f -o t sh -c 'env ./three; true'").err, "not traced"));
}
END_TEST

START_TEST(settings_reach_the_tracker)
{
	build_allocating("three", 3, "");
	must(run(LM " -q -o t --depth 1 --statm always ./three"));
	ck_assert_str_eq(
		run("grep -c '^+ malloc 10 .* #[0-9 ]*$' t; sed '1,/^+ INIT/d;/^+ FINI/,$d' t | grep -vc '^[+#]'").out,
		"3\n3\n");
	must(run(LM " -q -o t --depth 0 --statm never ./three"));
	ck_assert_str_eq(run("sed '1,/^+ INIT/d;/^+ FINI/,$d' t | grep -c ' #\\|^[^+#]'").out, "0\n");
	ck_assert_str_eq(
		run(LM " -q -o t --compact --start off --signal USR2 env | grep '^LOG_MALLOC_[FS]' | sort").out,
		"LOG_MALLOC_FORMAT=compact\nLOG_MALLOC_SIGNAL=USR2\nLOG_MALLOC_START=off\n");
	must(run(LM " -q -o t --compact ./three"));
	ck_assert_str_eq(run("grep -c '^# FORMAT compact$' t; grep -c '^+ malloc 10 .* bt=' t").out, "1\n3\n");
	ck_assert_str_eq(run(LM " -q -o t --packed env | grep '^LOG_MALLOC_FORMAT'").out, "LOG_MALLOC_FORMAT=packed\n");
}
END_TEST

START_TEST(tracing_can_begin_later)
{
	struct run result;

	build_allocating("three", 3, "");
	result = run(LM " -o t --start off ./three");
	ck_assert(says(result.err, "no event in t: tracing was off from the start"));
	result = run(LM " -o t --start off --signal SIGUSR1 sh -c 'kill -USR1 $$; a=1; b=$a$a; exit 3'");
	ck_assert_int_eq(result.status, 3);
	must(run("grep -q '^+ malloc' t"));
}
END_TEST

/* What a line says that --packed would have saved, in MiB; -1: nothing. */
static long long saving_in(const char *line)
{
	const char *said = strstr(line, "B (");
	long long mib;

	if (!said || !strstr(said, "%) less with --packed"))
		return -1;
	while (said[-1] != ',')
		said--;
	ck_assert_msg(sscanf(said, " about %lld MiB (", &mib) == 1, "%s", line);
	return mib;
}

/* The line of TEXT in which WHAT stands; fails if there is none. */
static const char *line_with(const char *text, const char *what)
{
	static char line[4096];
	const char *at = strstr(text, what), *end;

	ck_assert_msg(at, "no line with '%s': %s", what, text);
	while (at > text && at[-1] != '\n')
		at--;
	end = strchr(at, '\n');
	snprintf(line, sizeof line, "%.*s", (int)(end - at), at);
	return line;
}

/* 13 bytes an event instead of the trace's size, of which a little is no event. */
static void is_expected_saving(const char *line)
{
	long long events, bytes;

	ck_assert_msg(sscanf(line, "log-malloc: %lld events, %lld bytes in ", &events, &bytes) == 2, "%s", line);
	ck_assert_msg(llabs(saving_in(line) - ((bytes - 13 * events) >> 20)) <= 1, "%s", line);
}

static void build_pairs(void)
{
	static const char source[] = "#include <stdlib.h>\n"
				     "void *volatile p;\n"
				     "int main(int argc, char **argv)\n"
				     "{\n"
				     "	for (int i = 0; i < atoi(argv[argc - 1]); i++) {\n"
				     "		p = malloc(10);\n"
				     "		free(p);\n"
				     "	}\n"
				     "	return 0;\n"
				     "}\n";

	write_file("pairs.c", source, sizeof source - 1);
	must(run("$CC -O1 -fno-builtin -o pairs pairs.c"));
}

START_TEST(of_a_large_trace_it_says_what_packed_would_save)
{
	long long compact, packed;
	const char *line;
	struct run r;

	build_pairs();
	r = run(LM " -o u --packed ./pairs 1000000; " LM " -o t ./pairs 1000000; stat -c %%s t u");
	ck_assert_int_eq(sscanf(r.out, "%lld %lld", &compact, &packed), 2);
	line = line_with(strstr(r.err, " in u;"), "2000000 events");
	/* It is about what it really is. */
	ck_assert_msg(llabs(saving_in(line) - ((compact - packed) >> 20)) <= compact >> 24, "%lld: %s",
	              (compact - packed) >> 20, line);
	ck_assert_int_gt(saving_in(line), 20);
	ck_assert(strstr(line, " less with --packed; next: "));
	is_expected_saving(line);
	line = line_with(run(LM " -o t --full ./pairs 300000").err, "600000 events");
	ck_assert_int_gt(saving_in(line), 60);
	is_expected_saving(line);
	/* A trace that is not large has no need of it, and one that is packed has it. */
	ck_assert_int_eq(saving_in(run(LM " -o t ./pairs 500000").err), -1);
	ck_assert_int_eq(saving_in(run(LM " -o t --packed ./pairs 1000000").err), -1);
	must(run("rm t"));
}
END_TEST

/* Neither what the program writes itself nor its memory map is shorter in the packed format. */
START_TEST(what_packed_does_not_shorten_is_not_saved)
{
	static const char source[] = "#include <stdlib.h>\n"
				     "int log_malloc_trace_printf(const char *format, ...) __attribute__((weak));\n"
				     "int main(void)\n"
				     "{\n"
				     "	for (int i = 0; i < 90000; i++)\n"
				     "		log_malloc_trace_printf(\"# %0900d\\n\", i);\n"
				     "	free(malloc(10));\n"
				     "	return 0;\n"
				     "}\n";
	struct run r;

	write_file("telling.c", source, sizeof source - 1);
	r = must(run("$CC -O1 -fno-builtin -o telling telling.c && " LM " -o t ./telling && stat -c %%s t; rm t"));
	ck_assert_int_gt(strtol(r.out, NULL, 10), 70 << 20);
	ck_assert_msg(!says(r.err, "--packed"), "%s", r.err);
}
END_TEST

/* The traces of several processes may be large together. */
START_TEST(of_all_traces_of_a_run_it_says_what_packed_would_save)
{
	struct run result;

	build_pairs();
	result = run(LM " -f -o t sh -c './pairs 500000; ./pairs 500000; true'; rm t.*");
	ck_assert_int_eq(saving_in(line_with(result.err, " in t; next: ")), -1);
	ck_assert_int_gt(saving_in(line_with(result.err, "log-malloc: all traces together: ")), 20);
	/* One of them alone. */
	result = run(LM " -f -o t sh -c './pairs 1000000; true'; rm t.*");
	ck_assert_int_gt(saving_in(line_with(result.err, "log-malloc: all traces together: ")), 20);
	ck_assert_ptr_null(strstr(run(LM " -f -o t sh -c './pairs 300000; true'; rm t.*").err, "--packed"));
	ck_assert_ptr_null(strstr(run(LM " -f -o t --packed sh -c './pairs 1000000; true'; rm t.*").err, "together"));
	ck_assert_str_eq(run(LM " -q -f -o t sh -c './pairs 1000000; true'; rm t.*").err, "");
}
END_TEST

START_TEST(a_trace_that_is_not_there_any_more_is_not_named_as_if_it_were)
{
	static const char next[] = "; next: log-malloc-findleak ";
	struct run r = run("mkdir -p other; " LM " -o t sh -c 'mv t \"other/b c\"'; "
	                   "eval \"$B/$(" LM " -o u sh -c 'mv u other/d' 2>&1 | sed -n 's/.*next: //p')\"; ls t u");

	ck_assert_msg(says(r.err, ", which was moved to '") && says(r.err, "/other/b c'; next: log-malloc-findleak '/"),
	              "%s", r.err);
	ck_assert_ptr_nonnull(strstr(r.out, "Total: "));
	/* Another file in its place is not the trace. */
	r = run("rm -f t; " LM " -o t sh -c 'mv t other/e; echo new >t'");
	ck_assert_msg(says(r.err, "/other/e; next: log-malloc-findleak /"), "%s", r.err);
	r = run("rm -f t; " LM " -o t sh -c 'rm t'");
	ck_assert_msg(says(r.err, " in t; it is not there any more") && !says(r.err, next), "%s", r.err);
	r = run("rm -f t; " LM " -o t ls");
	ck_assert_msg(says(r.err, " in t; next: log-malloc-findleak t\n"), "%s", r.err);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("closing");
	TCase *tests = tcase_create("closing");

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, images_of_one_process_tell_once_where_the_trace_is);
	tcase_add_test(tests, the_closing_line_counts_events_and_bytes);
	tcase_add_test(tests, the_next_command_can_be_typed);
	tcase_add_test(tests, quiet_says_nothing);
	tcase_add_test(tests, verbose_names_library_command_and_settings);
	tcase_add_test(tests, a_run_without_events_says_why);
	tcase_add_test(tests, a_program_that_was_executed_and_not_traced_is_told);
	tcase_add_test(tests, otherwise_nothing_is_said_of_executed_programs);
	tcase_add_test(tests, of_a_child_that_executes_what_is_not_traced_it_is_told);
	tcase_add_test(tests, settings_reach_the_tracker);
	tcase_add_test(tests, tracing_can_begin_later);
	tcase_add_test(tests, of_a_large_trace_it_says_what_packed_would_save);
	tcase_add_test(tests, what_packed_does_not_shorten_is_not_saved);
	tcase_add_test(tests, of_all_traces_of_a_run_it_says_what_packed_would_save);
	tcase_add_test(tests, a_trace_that_is_not_there_any_more_is_not_named_as_if_it_were);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
