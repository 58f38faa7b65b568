/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of the API that is in its header alone: backtraces without the library. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define WARNINGS "-Wall -Wextra -Wshadow -Wpedantic -Wconversion -Werror"

static const char backtrace_source[] =
	"#include \"log-malloc2_util.h\"\n"
	"#include <signal.h>\n"
	"#include <string.h>\n"
	"static __attribute__((noinline)) int innermost(int fd)\n"
	"{\n"
	"	errno = 0;\n"
	"	ssize_t n = log_malloc_backtrace(fd);\n" /* line 7 */
	"	return n > 0 && n == lseek(fd, 0, SEEK_CUR) && errno == 0 ? 0 : 1;\n"
	"}\n"
	"static __attribute__((noinline)) int outer(int fd)\n"
	"{\n"
	"	int result = innermost(fd);\n" /* line 12 */
	"	return result * 2;\n"
	"}\n"
	"static void handler(int signal)\n"
	"{\n"
	"	(void)signal;\n"
	"	log_malloc_backtrace(1);\n" /* line 18 */
	"	_exit(0);\n"
	"}\n"
	"static __attribute__((noinline)) void crash(volatile int *where)\n"
	"{\n"
	"	*where = 1;\n" /* line 23 */
	"}\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	(void)argv;\n"
	"	log_malloc_backtrace_init();\n"
	"	if (argc == 1)\n"
	"		return outer(1);\n" /* line 30 */
	"	if (argc == 2)\n"
	"		return log_malloc_backtrace(99) == -1 && errno == EBADF ? 0 : 1;\n"
	"	signal(SIGSEGV, handler);\n"
	"	crash((volatile int *)NULL);\n" /* line 34 */
	"	return 1;\n"
	"}\n";

static const char *const backtrace_builds[] = {
	"$CC -O0",        "$CC -O2", "$CC -O1 -fno-pie -no-pie", "$CC -O1 -static", "$CC -O1 -static-pie -fPIE",
	"$CXX -O1 -x c++"};

static void build_backtrace(const char *how)
{
	write_file("bt.c", backtrace_source, sizeof backtrace_source - 1);
	must(run("%s -g " WARNINGS " -fno-optimize-sibling-calls -I\"$S/include\" -o bt bt.c", how));
}

/* The first words of backtrace2line's table: FUNCTION FILE:LINE. */
static struct run resolved(void)
{
	return run("\"$B/backtrace2line\" --full-filename out | awk '{ sub(/.*\\//, \"\", $2); sub(/\\(.*/, \"\", $1); "
	           "print $1, $2 }'");
}

START_TEST(backtrace_resolves_through_backtrace2line)
{
	build_backtrace(backtrace_builds[_i]);
	ck_assert_int_eq(run("./bt >out").status, 0);
	struct run result = resolved();

	ck_assert_ptr_nonnull(strstr(result.out, "innermost bt.c:7\nouter bt.c:12\nmain bt.c:30\n"));
}
END_TEST

START_TEST(backtrace_begins_with_its_caller_and_ends_with_the_map)
{
	build_backtrace("$CC -O1");
	must(run("./bt >out"));
	struct run result =
		run("sed -n '/^#/q;s/^.*\\/bt(+0x[0-9a-f]*)\\[0x[0-9a-f]*\\]$/frame/p' out | head -1; grep '^#' out; "
	            "sed '1,/^#/d' out | grep -c ' /.*/bt$'");
	ck_assert_msg(strncmp(result.out, "frame\n# FILE /proc/self/maps\n", 29) == 0, "%s", result.out);
	ck_assert_int_ge(atoi(result.out + 29), 3);
}
END_TEST

START_TEST(backtrace_reports_a_failed_write)
{
	build_backtrace("$CC -O1");
	ck_assert_int_eq(run("./bt x").status, 0);
	if (run("test -w /dev/full").status == 0)
		ck_assert_int_eq(run("./bt >/dev/full").status, 2);
}
END_TEST

START_TEST(backtrace_in_a_signal_handler_shows_where_the_signal_came)
{
	build_backtrace("$CC -O1");
	ck_assert_int_eq(run("./bt x y >out").status, 0);
	struct run result = resolved();

	ck_assert_ptr_nonnull(strstr(result.out, "handler bt.c:18\n"));
	ck_assert_ptr_nonnull(strstr(result.out, "crash bt.c:23\nmain bt.c:34\n"));
}
END_TEST

START_TEST(backtrace_escapes_what_would_split_a_frame)
{
	build_backtrace("$CC -O1");
	must(run("mkdir 'a b(c' && cp bt 'a b(c/' && './a b(c/bt' >out"));
	ck_assert_int_eq(run("grep -q '/a\\\\040b\\\\050c/bt(+0x' out").status, 0);
	struct run result = resolved();
	ck_assert_ptr_nonnull(strstr(result.out, "innermost bt.c:7\n"));
}
END_TEST

START_TEST(backtrace_does_not_allocate)
{
	build_backtrace("$CC -O1");
	must(run("\"$B/log-malloc\" -q -o t ./bt >out"));
	ck_assert_str_eq(run("sed -n '/bt(innermost/p' t").out, "");
}
END_TEST

#define BUILDS ((int)(sizeof backtrace_builds / sizeof *backtrace_builds))

int main(void)
{
	Suite *suite = suite_create("inline_api");
	TCase *tests = tcase_create("inline_api");

	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, backtrace_resolves_through_backtrace2line, 0, BUILDS);
	tcase_add_test(tests, backtrace_begins_with_its_caller_and_ends_with_the_map);
	tcase_add_test(tests, backtrace_reports_a_failed_write);
	tcase_add_test(tests, backtrace_in_a_signal_handler_shows_where_the_signal_came);
	tcase_add_test(tests, backtrace_escapes_what_would_split_a_frame);
	tcase_add_test(tests, backtrace_does_not_allocate);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
