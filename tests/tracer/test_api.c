/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The public headers, as a program sees them: that they compile anywhere, what
 * functions and macros do, and what happens where the library is absent.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARNINGS "-Wall -Wextra -Wshadow -Wpedantic -Wconversion -Werror"
#define C_WARN   WARNINGS " -Wstrict-prototypes -Wmissing-prototypes"

/* Writes SOURCE to NAME.c and makes NAME of it, linked with the library. */
static void build(const char *name, const char *source, const char *flags)
{
	char file[64];

	snprintf(file, sizeof file, "%s.c", name);
	write_file(file, source, strlen(source));
	must(run("$CC -std=gnu11 -g -O1 -fno-builtin " C_WARN " %s -I\"$S/include\" -o %s %s "
	         "$(PKG_CONFIG_PATH=\"$B/pkgconfig\" pkg-config --libs log-malloc2) -Wl,-rpath,\"$B\"",
	         flags, name, file));
}

/* Runs NAME with a trace in the file t. */
static struct run traced(const char *name)
{
	return run("LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t ./%s", name);
}

/* Is LINE, with its newline, one of the lines of TEXT? */
static int has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at += len)
		if (at == text || at[-1] == '\n')
			return 1;
	return 0;
}

/* ---- the headers ------------------------------------------------------------ */

static const char *const headers[] = {"log-malloc2.h", "log-malloc2_util.h"};

START_TEST(headers_compile_alone_and_twice_without_warnings)
{
	static const char *const flags[] = {"-O0",
	                                    "-O2",
	                                    "-O1 -DLOG_MALLOC_WEAK",
	                                    "-O1 -DLOG_MALLOC_NDEBUG",
	                                    "-O1 -DLOG_MALLOC_WEAK -DLOG_MALLOC_NDEBUG",
	                                    "-O0 -fno-pie -DLOG_MALLOC_WEAK"};
	static const char source[] = "#include HEADER\n#include HEADER\n";

	write_file("alone.c", source, sizeof source - 1);
	write_file("alone.cc", source, sizeof source - 1);
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		must(run("$CC -std=c11 " C_WARN " %s -DHEADER='\"%s\"' -I\"$S/include\" -c -o alone.o alone.c",
		         flags[i], headers[_i]));
		must(run("$CXX -std=c++17 " WARNINGS " %s -DHEADER='\"%s\"' -I\"$S/include\" -c -o alone.o alone.cc",
		         flags[i], headers[_i]));
	}
}
END_TEST

START_TEST(headers_compile_with_clang)
{
	static const char source[] = "#include \"log-malloc2.h\"\n#include \"log-malloc2_util.h\"\n";

	if (!can_run("headers_compile_with_clang", "clang"))
		return;
	write_file("alone.c", source, sizeof source - 1);
	must(run("clang -std=c11 " C_WARN " -I\"$S/include\" -c -o alone.o alone.c"));
	must(run("clang -std=c11 " C_WARN " -DLOG_MALLOC_WEAK -I\"$S/include\" -c -o alone.o alone.c"));
	must(run("clang++ -std=c++17 " WARNINGS " -I\"$S/include\" -x c++ -c -o alone.o alone.c"));
	must(run("clang++ -std=c++17 " WARNINGS " -DLOG_MALLOC_WEAK -I\"$S/include\" -x c++ -c -o alone.o alone.c"));
}
END_TEST

static const char all_macros[] = "#include \"log-malloc2.h\"\n"
				 "int main(void)\n"
				 "{\n"
				 "	for (int i = 0; i < 3; i++) {\n"
				 "		LOG_MALLOC_SAVE(one, 1);\n"
				 "		LOG_MALLOC_SAVE(two, 0);\n"
				 "		LOG_MALLOC_UPDATE(one, i == 1);\n"
				 "		LOG_MALLOC_COMPARE(one, 1);\n"
				 "		if (LOG_MALLOC_COMPARE(one, 0) + LOG_MALLOC_COMPARE(two, 0) != 0)\n"
				 "			return 1;\n"
				 "		LOG_MALLOC_ASSERT(one, 1);\n"
				 "	}\n"
				 "	return 0;\n"
				 "}\n";

START_TEST(macros_have_no_warnings_in_c_and_cpp)
{
	static const char *const flags[] = {"", "-DLOG_MALLOC_NDEBUG", "-DLOG_MALLOC_WEAK", "-DNDEBUG"};

	write_file("macros.c", all_macros, sizeof all_macros - 1);
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		must(run("$CC -std=c11 " C_WARN " %s -I\"$S/include\" -c -o m.o macros.c", flags[i]));
		must(run("$CXX -std=c++17 " WARNINGS " %s -I\"$S/include\" -x c++ -c -o m.o macros.c", flags[i]));
	}
}
END_TEST

START_TEST(the_library_exports_six_functions_of_the_api)
{
	struct run result = run(
		"nm -D --defined-only \"$B/liblog-malloc2.so\" | sed -n 's/.* T \\(log_malloc_.*\\)/\\1/p' | "
		/* What the library of C++'s operators and the launcher call is no part of it. */
		"grep -vxE 'log_malloc_(attach_begin|attach_end|delete|new_begin|new_end|operators_are_own)' | sort");

	ck_assert_str_eq(result.out,
	                 "log_malloc_get_usage\nlog_malloc_mark\nlog_malloc_trace_disable\nlog_malloc_trace_enable\n"
	                 "log_malloc_trace_printf\nlog_malloc_trace_vprintf\n");
}
END_TEST

/* ---- functions ---------------------------------------------------------------- */

START_TEST(usage_is_the_sum_of_requested_sizes)
{
	build("usage",
	      "#include \"log-malloc2.h\"\n"
	      "int main(void)\n"
	      "{\n"
	      "	size_t start = log_malloc_get_usage();\n"
	      "	char *a = malloc(100), *b = calloc(7, 3);\n"
	      "	if (log_malloc_get_usage() - start != 121) return 1;\n"
	      "	a = realloc(a, 1);\n"
	      "	if (log_malloc_get_usage() - start != 22) return 2;\n"
	      "	free(a); free(b);\n"
	      "	return log_malloc_get_usage() == start ? 0 : 3;\n"
	      "}\n",
	      "");
	ck_assert_int_eq(run("./usage").status, 0);
	ck_assert_int_eq(traced("usage").status, 0);
}
END_TEST

START_TEST(disabling_stops_events_and_not_the_accounting)
{
	build("switch",
	      "#include \"log-malloc2.h\"\n"
	      "int main(void)\n"
	      "{\n"
	      "	void *a = malloc(11), *b;\n"
	      "	size_t before = log_malloc_get_usage();\n"
	      "	log_malloc_trace_disable();\n"
	      "	b = malloc(22);\n"
	      "	if (log_malloc_get_usage() - before != 22) return 1;\n"
	      "	if (log_malloc_trace_printf(\"unseen\") != 0) return 2;\n"
	      "	free(b);\n"
	      "	log_malloc_trace_enable();\n"
	      "	b = malloc(33);\n"
	      "	free(a); free(b);\n"
	      "	return 0;\n"
	      "}\n",
	      "");
	ck_assert_int_eq(traced("switch").status, 0);
	struct run result = run("grep -E -o '^\\+ malloc [0-9]+|unseen' t");
	ck_assert_str_eq(result.out, "+ malloc 11\n+ malloc 33\n");
}
END_TEST

START_TEST(enabling_does_not_start_a_trace)
{
	build("off",
	      "#include \"log-malloc2.h\"\n"
	      "int main(void)\n"
	      "{\n"
	      "	log_malloc_trace_enable();\n"
	      "	free(malloc(10));\n"
	      "	return log_malloc_trace_printf(\"nowhere\");\n"
	      "}\n",
	      "");
	struct run result = run("./off; echo $?; ls | grep -v '^off\\|^run'");
	ck_assert_str_eq(result.out, "0\n");
	ck_assert_str_eq(result.err, "");
}
END_TEST

START_TEST(printf_writes_comment_lines_and_returns_their_bytes)
{
	build("print",
	      "#include \"log-malloc2.h\"\n"
	      "static int v(const char *fmt, ...) __attribute__((format(printf, 1, 2)));\n"
	      "static int v(const char *fmt, ...)\n"
	      "{\n"
	      "	va_list args;\n"
	      "	va_start(args, fmt);\n"
	      "	int n = log_malloc_trace_vprintf(fmt, args);\n"
	      "	va_end(args);\n"
	      "	return n;\n"
	      "}\n"
	      "int main(void)\n"
	      "{\n"
	      "	printf(\"%d\\n\", log_malloc_trace_printf(\"plain %d\", 1));\n"
	      "	printf(\"%d\\n\", log_malloc_trace_printf(\"ended\\n\"));\n"
	      "	printf(\"%d\\n\", log_malloc_trace_printf(\"# marked\"));\n"
	      "	printf(\"%d\\n\", log_malloc_trace_printf(\"two\\nlines\"));\n"
	      "	printf(\"%d\\n\", log_malloc_trace_printf(\"#two\\n# marked\\n\"));\n"
	      "	printf(\"%d\\n\", log_malloc_trace_printf(\"%s\", \"+ malloc 1 0x1 [1:1]\"));\n"
	      "	printf(\"%d\\n\", v(\"by %s\", \"vprintf\"));\n"
	      "	return 0;\n"
	      "}\n",
	      "");
	struct run result = traced("print");
	const char *trace = read_file("t", NULL);

	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(result.out, "10\n8\n9\n14\n14\n23\n13\n");
	ck_assert(has_line(trace, "# plain 1\n"));
	ck_assert(has_line(trace, "# ended\n"));
	ck_assert(has_line(trace, "# marked\n"));
	ck_assert(has_line(trace, "# two\n# lines\n"));
	ck_assert(has_line(trace, "#two\n# marked\n"));
	ck_assert(has_line(trace, "# + malloc 1 0x1 [1:1]\n"));
	ck_assert(has_line(trace, "# by vprintf\n"));
}
END_TEST

START_TEST(printf_writes_at_most_1024_bytes_and_ends_the_line)
{
	static const int lengths[] = {1020, 1021, 1022, 1023, 5000};
	static const int written[] = {1023, 1024, 1024, 1024, 1024};

	build("limit",
	      "#include \"log-malloc2.h\"\n"
	      "int main(int argc, char **argv)\n"
	      "{\n"
	      "	(void)argc;\n"
	      "	printf(\"%d\\n\", log_malloc_trace_printf(\"%*s\", atoi(argv[1]), \"x\"));\n"
	      "	return log_malloc_trace_printf(\"next\") == 7 ? 0 : 1;\n"
	      "}\n",
	      "");
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		char name[32];

		snprintf(name, sizeof name, "limit %d", lengths[i]);
		struct run result = traced(name);
		ck_assert_int_eq(result.status, 0);
		ck_assert_int_eq(atoi(result.out), written[i]);
		result = run("grep '^#    ' t | wc -c");
		ck_assert_int_eq(atoi(result.out), written[i]);
		ck_assert(has_line(read_file("t", NULL), "# next\n"));
	}
}
END_TEST

/* A message that can't be read, and a handler that gets over it; who allocates then is further down than who did
 * before. */
START_TEST(what_follows_a_printf_that_was_left_by_longjmp_is_recorded_in_full)
{
	build("left",
	      "#include <setjmp.h>\n#include <signal.h>\n"
	      "#include \"log-malloc2.h\"\n"
	      "static sigjmp_buf landing;\n"
	      "static void leave(int number)\n"
	      "{\n"
	      "	(void)number;\n"
	      "	siglongjmp(landing, 1);\n"
	      "}\n"
	      "static __attribute__((noinline)) int below(const char *message)\n"
	      "{\n"
	      "	volatile char room[256] = {0};\n"
	      "	if (sigsetjmp(landing, 1) == 0) log_malloc_trace_printf(\"%s\", message);\n"
	      "	free(malloc(4711));\n"
	      "	return room[9];\n"
	      "}\n"
	      "int main(void)\n"
	      "{\n"
	      "	signal(SIGSEGV, leave);\n"
	      "	free(malloc(4710));\n"
	      "	return below((const char *)16);\n"
	      "}\n",
	      "");
	ck_assert_int_eq(traced("left").status, 0);
	ck_assert_str_eq(run("grep -c '^+ malloc 4711 ' t").out, "1\n");
	ck_assert_str_eq(run("grep '^+ malloc 4711 .*!' t").out, "");
	ck_assert_str_eq(run("grep -A1 '^+ malloc 4711 ' t | grep -c 'left(below+'").out, "1\n");
}
END_TEST

/* ---- savepoints --------------------------------------------------------------- */

START_TEST(compare_is_a_size_t_expression_of_now_minus_saved)
{
	build("compare",
	      "#include \"log-malloc2.h\"\n"
	      "int main(void)\n"
	      "{\n"
	      "	void *a = malloc(10);\n"
	      "	LOG_MALLOC_SAVE(here, 0);\n"
	      "	_Static_assert(_Generic(LOG_MALLOC_COMPARE(here, 0), size_t: 1, default: 0), \"\");\n"
	      "	void *b = malloc(1000);\n"
	      "	if (LOG_MALLOC_COMPARE(here, 1) != 1000) return 1;\n"
	      "	free(b);\n"
	      "	if (LOG_MALLOC_COMPARE(here, 1)) return 2;\n"
	      "	free(a);\n"
	      "	if (LOG_MALLOC_COMPARE(here, 1) != (size_t)-10) return 3;\n"
	      "	LOG_MALLOC_UPDATE(here, 1);\n"
	      "	return LOG_MALLOC_COMPARE(here, 0) == 0 ? 0 : 4;\n"
	      "}\n",
	      "");
	ck_assert_int_eq(traced("compare").status, 0);
	struct run result = run("grep '^# SP' t | sed 's/=[0-9][0-9]*/=N/g'");
	ck_assert_str_eq(result.out, "# SP-COMPARE here saved=N usage=N change=+1000 compare.c:8\n"
	                             "# SP-COMPARE here saved=N usage=N change=+0 compare.c:10\n"
	                             "# SP-COMPARE here saved=N usage=N change=-10 compare.c:12\n"
	                             "# SP here usage=N compare.c:13\n");
}
END_TEST

static const char leaky_loop[] = "#include <assert.h>\n"
				 "#include \"log-malloc2.h\"\n"
				 "int main(int argc, char **argv)\n"
				 "{\n"
				 "	(void)argc;\n"
				 "	for (int i = 1; i <= 5; i++) {\n"
				 "		LOG_MALLOC_SAVE(loop, 0);\n"
				 "		void *volatile p = malloc(8);\n"
				 "		if (!p) return 1;\n"
				 "		fprintf(stderr, \"%d\\n\", i);\n"
				 "		LOG_MALLOC_ASSERT(loop, atoi(argv[1]));\n"
				 "	}\n"
				 "	return 0;\n"
				 "}\n";

START_TEST(assert_aborts_with_file_and_line_after_iter_saves)
{
	static const char *const flags[] = {"", "-DNDEBUG"};

	build("loop", leaky_loop, flags[_i]);
	struct run result = run("./loop 3");
	ck_assert_int_eq(result.status, 134);
	/* The shell may say "Aborted" after it. */
	ck_assert_ptr_eq(strstr(result.err, "1\n2\n3\n4\nloop.c:11: LOG_MALLOC_ASSERT(loop) failed: "
	                                    "expected 24 bytes in use, actual 32 (+8)\n"),
	                 result.err);
	result = run("./loop 0");
	ck_assert_int_eq(result.status, 134);
	ck_assert_ptr_nonnull(strstr(result.err, "1\nloop.c:11:"));
	ck_assert_int_eq(run("./loop -1").status, 134);
	ck_assert_int_eq(run("./loop 5").status, 0);
}
END_TEST

START_TEST(assert_holds_where_nothing_leaks)
{
	build("tidy",
	      "#include \"log-malloc2.h\"\n"
	      "int main(void)\n"
	      "{\n"
	      "	for (int i = 0; i < 100; i++) {\n"
	      "		LOG_MALLOC_SAVE(loop, 0);\n"
	      "		free(malloc(8));\n"
	      "		LOG_MALLOC_ASSERT(loop, 0);\n"
	      "	}\n"
	      "	return 0;\n"
	      "}\n",
	      "");
	ck_assert_int_eq(run("./tidy").status, 0);
}
END_TEST

START_TEST(ndebug_leaves_no_code_and_evaluates_nothing)
{
	static const char source[] = "#include \"log-malloc2.h\"\n"
				     "int evaluated;\n"
				     "int main(void)\n"
				     "{\n"
				     "	LOG_MALLOC_SAVE(here, evaluated++);\n"
				     "	void *volatile p = malloc(1);\n"
				     "	LOG_MALLOC_UPDATE(here, evaluated++);\n"
				     "	LOG_MALLOC_COMPARE(here, evaluated++);\n"
				     "	LOG_MALLOC_ASSERT(here, evaluated++);\n"
				     "	free(p);\n"
				     "	return LOG_MALLOC_COMPARE(here, 1) == 0 ? evaluated : 1;\n"
				     "}\n";

	write_file("ndebug.c", source, sizeof source - 1);
	must(run("$CC -O1 " C_WARN " -DLOG_MALLOC_NDEBUG -I\"$S/include\" -o ndebug ndebug.c"));
	ck_assert_int_eq(run("./ndebug").status, 0);
	ck_assert_int_eq(run("nm ndebug | grep -i log_malloc").status, 1);
}
END_TEST

/* ---- weak --------------------------------------------------------------------- */

static const char weak_source[] = "#define LOG_MALLOC_WEAK\n"
				  "#include \"log-malloc2.h\"\n"
				  "int main(void)\n"
				  "{\n"
				  "	size_t (*usage)(void) = log_malloc_get_usage;\n"
				  "	void *volatile p = malloc(77);\n"
				  "	log_malloc_trace_disable();\n"
				  "	log_malloc_trace_enable();\n"
				  "	LOG_MALLOC_SAVE(here, 1);\n"
				  "	LOG_MALLOC_ASSERT(here, 0);\n"
				  "	printf(\"%d %d %d\\n\", usage() >= 77, log_malloc_get_usage() == usage(),\n"
				  "	       log_malloc_trace_printf(\"four\"));\n"
				  "	free(p);\n"
				  "	return 0;\n"
				  "}\n";

static const char *const weak_builds[] = {"$CC -O0 -fPIE -pie",         "$CC -O2 -fPIE -pie",
                                          "$CC -O0 -fno-pie -no-pie",   "$CC -O2 -fno-pie -no-pie",
                                          "$CXX -O1 -fPIE -pie -x c++", "$CXX -O1 -fno-pie -no-pie -x c++",
                                          "clang -O1 -fno-pie -no-pie", "clang++ -O1 -fPIE -pie -x c++"};

START_TEST(weak_program_runs_with_and_without_the_library)
{
	const char *how = weak_builds[_i];

	if (strncmp(how, "clang", 5) == 0 && !have_command("clang")) {
		skip("weak_program_runs_with_and_without_the_library", "there is no clang");
		return;
	}
	write_file("weak.c", weak_source, sizeof weak_source - 1);
	must(run("%s " WARNINGS " -I\"$S/include\" -o weak weak.c", how));
	ck_assert_str_eq(run("./weak").out, "0 1 0\n");
	ck_assert_str_eq(run("LD_PRELOAD=\"$B/liblog-malloc2.so\" ./weak").out, "1 1 0\n");
	struct run result = run("\"$B/log-malloc\" -q -o t ./weak");
	ck_assert_str_eq(result.out, "1 1 7\n");
	ck_assert_str_eq(run("grep -c '^# four$\\|^# SP here ' t").out, "2\n");
}
END_TEST

START_TEST(weak_program_can_be_static)
{
	write_file("weak.c", weak_source, sizeof weak_source - 1);
	must(run("$CC -static -O1 -I\"$S/include\" -o weak weak.c"));
	ck_assert_str_eq(run("./weak").out, "0 1 0\n");
	must(run("$CC -static -O1 -o weak weak.c "
	         "$(PKG_CONFIG_PATH=\"$B/pkgconfig\" pkg-config --static --cflags --libs log-malloc2-wrap)"));
	ck_assert_str_eq(run("LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t ./weak").out, "1 1 7\n");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* Not even where a conversion fails: 0x7fffffff is no character. */
START_TEST(a_line_that_can_not_be_formatted_leaves_errno_alone)
{
	build("errno",
	      "#include <errno.h>\n#include <locale.h>\n#include <wchar.h>\n#include <log-malloc2.h>\n"
	      "int main(void)\n{\n"
	      "	errno = 0;\n"
	      "	return log_malloc_trace_printf(\"%lc\", (wint_t)0x7fffffff) == 0 && errno == 0 ? 0 : 1;\n"
	      "}\n",
	      "-Wno-format");
	ck_assert_int_eq(traced("errno").status, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("api");
	TCase *tests = tcase_create("api");

	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, headers_compile_alone_and_twice_without_warnings, 0, COUNT(headers));
	tcase_add_test(tests, headers_compile_with_clang);
	tcase_add_test(tests, macros_have_no_warnings_in_c_and_cpp);
	tcase_add_test(tests, the_library_exports_six_functions_of_the_api);
	tcase_add_test(tests, usage_is_the_sum_of_requested_sizes);
	tcase_add_test(tests, disabling_stops_events_and_not_the_accounting);
	tcase_add_test(tests, enabling_does_not_start_a_trace);
	tcase_add_test(tests, printf_writes_comment_lines_and_returns_their_bytes);
	tcase_add_test(tests, printf_writes_at_most_1024_bytes_and_ends_the_line);
	tcase_add_test(tests, what_follows_a_printf_that_was_left_by_longjmp_is_recorded_in_full);
	tcase_add_test(tests, compare_is_a_size_t_expression_of_now_minus_saved);
	tcase_add_loop_test(tests, assert_aborts_with_file_and_line_after_iter_saves, 0, 2);
	tcase_add_test(tests, assert_holds_where_nothing_leaks);
	tcase_add_test(tests, ndebug_leaves_no_code_and_evaluates_nothing);
	tcase_add_loop_test(tests, weak_program_runs_with_and_without_the_library, 0, COUNT(weak_builds));
	tcase_add_test(tests, weak_program_can_be_static);
	suite_add_tcase(suite, tests);
	ONCE(a_line_that_can_not_be_formatted_leaves_errno_alone);
	return run_suite(suite);
}
