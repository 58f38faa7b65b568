/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How reports look: in terminals of any width, in pipes, in colour, with names and without. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The reports that are laid out. */
static const char *const reports[] = {
	"findleak t", "report t", "report --tree t", "report --tree=bottom-up t", "report --by-thread t", "diff old t",
};

#define DIRECTORY "a/directory/with/a/rather/long/name/that/no/terminal/has/room/for"

/* A program with long names, in a long path, whose traces are t and old. */
static void trace_long_names(void)
{
	static const char source[] = "#include <stdlib.h>\n"
				     "#include <string>\n"
				     "namespace deeply { namespace nested { template <class T> struct holder {\n"
				     "__attribute__((noinline)) static void *take(T n) { return malloc(n); } }; } }\n"
				     "static void *volatile kept;\n"
				     "extern \"C\" __attribute__((noinline)) void \xc3\xbc"
				     "ber_alle_ma\xc3\x9f"
				     "en_langer_name(void) { "
				     "kept = deeply::nested::holder<unsigned long>::take(77); }\n"
				     "int main(int argc, char **argv) { (void)argv; kept = malloc(3 << 20); "
				     "for (int i = 0; i < argc; i++) \xc3\xbc"
				     "ber_alle_ma\xc3\x9f"
				     "en_langer_name(); return 0; }\n";

	must(run("mkdir -p %s", DIRECTORY));
	write_file(DIRECTORY "/long.cc", source, strlen(source));
	must(run("${CXX:-g++} -g -O1 -fno-builtin-malloc -o p %s/long.cc && " LM " -q -o old ./p && " LM
	         " -q -o t ./p more",
	         DIRECTORY));
}

/* The columns of the widest line of the output of COMMAND, with COLUMNS as given. */
static int widest(const char *columns, const char *command)
{
	return atoi(must(run("COLUMNS=%s $B/log-malloc-%s 2>&1 | LC_ALL=C.UTF-8 wc -L", columns, command)).out);
}

START_TEST(reports_fit_the_columns)
{
	static const char *const columns[] = {"60", "80", "200"};

	trace_long_names();
	for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
		for (size_t j = 0; j < sizeof columns / sizeof *columns; j++) {
			int width = widest(columns[j], reports[i]);

			ck_assert_msg(width <= atoi(columns[j]), "%s: %d of %s columns", reports[i], width, columns[j]);
		}
	}
}
END_TEST

START_TEST(symbols_are_left_out_first_then_paths_are_shortened)
{
	struct run r;

	trace_long_names();
	r = must(run("COLUMNS=80 $B/log-malloc-findleak t | grep -m 1 -A 4 ' 2 blocks leaked 154 bytes'"));
	ck_assert_ptr_null(strstr(r.out, "SYMBOL"));
	ck_assert_msg(strstr(r.out, "deeply::nested::holder<"), "%s", r.out);
	ck_assert_msg(strstr(r.out, "/long.cc:4\n"), "%s", r.out);
	r = must(run("COLUMNS=200 $B/log-malloc-findleak t | grep -m 1 -A 4 ' 2 blocks leaked 154 bytes'"));
	ck_assert_msg(strstr(r.out, "SYMBOL\n") && strstr(r.out, "holderImE4takeEm+"), "%s", r.out);
	/* Who wants whole names gets them. */
	r = run("COLUMNS=80 $B/log-malloc-findleak -f t");
	ck_assert_msg(strstr(r.out, DIRECTORY "/long.cc:4") && strstr(r.out, "holderImE4takeEm+"), "%s", r.out);
}
END_TEST

/* Scripts take lines apart. */
START_TEST(in_a_pipe_lines_are_whole_and_have_no_colours)
{
	struct run r;

	trace_long_names();
	for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
		r = run("env -u COLUMNS $B/log-malloc-%s", reports[i]);
		ck_assert_msg(!strchr(r.out, '\033') && !strstr(r.out, "..."), "%s", r.out);
	}
	r = must(run("env -u COLUMNS $B/log-malloc-findleak t | tail -n 1"));
	ck_assert_msg(strstr(r.out, "the trace is complete\n"), "%s", r.out);
	/* COLUMNS of something else is no width. */
	must(run("for c in '' 0 -1 80x 9999999; do COLUMNS=$c $B/log-malloc-findleak t >set; env -u COLUMNS "
	         "$B/log-malloc-findleak t | cmp - set || exit 1; done"));
}
END_TEST

START_TEST(names_are_the_same_in_every_locale)
{
	trace_long_names();
	must(run("for l in C C.UTF-8; do LC_ALL=$l COLUMNS=80 $B/log-malloc-findleak t >$l; done; cmp C C.UTF-8 && "
	         "grep -q '\xc3\xbc"
	         "ber_alle_ma\xc3\x9f"
	         "en_langer_name ' C"));
}
END_TEST

/* What COMMAND prints on a terminal with that many columns. */
static char *on_terminal(const char *setting, int columns, const char *command)
{
	return run("%s script -qec 'stty cols %d; %s' /dev/null | tr -d '\\r'", setting, columns, command).out;
}

START_TEST(a_terminal_gives_the_width_and_gets_colours)
{
	char *shown;

	if (!can_run("a_terminal_gives_the_width_and_gets_colours", "script"))
		return;
	trace_long_names();
	shown = on_terminal("env -u NO_COLOR COLUMNS=60 TERM=xterm", 80, "$B/log-malloc-findleak t");
	ck_assert_msg(strstr(shown, "\033[1mSUSPECTED 3 LEAKS:\033[0m\n"), "%s", shown);
	ck_assert_msg(strstr(shown, "\033[36mmain\033[0m "), "%s", shown);
	/* Colours take no columns. */
	must(run("env -u NO_COLOR TERM=xterm script -qec 'stty cols 80; $B/log-malloc-findleak t' /dev/null | tr -d "
	         "'\\r' | "
	         "sed 's/\\x1b\\[[0-9]*m//g' >shown; COLUMNS=80 $B/log-malloc-findleak t | cmp - shown"));
	ck_assert_ptr_null(strchr(on_terminal("NO_COLOR=1 TERM=xterm", 80, "$B/log-malloc-findleak t"), '\033'));
	ck_assert_ptr_null(strchr(on_terminal("env -u NO_COLOR TERM=dumb", 80, "$B/log-malloc-findleak t"), '\033'));
	ck_assert_ptr_null(strchr(on_terminal("TERM=xterm", 80, "$B/log-malloc-findleak --color never t"), '\033'));
	ck_assert_ptr_nonnull(strstr(on_terminal("NO_COLOR=1", 80, "$B/log-malloc-report --color always t | cat"),
	                             "\033[36mmain\033[0m"));
}
END_TEST

START_TEST(only_known_words_choose_colours)
{
	static const char *const wrong[] = {"--color sometimes t", "--color= t"};

	are_refused("log-malloc-findleak", wrong, sizeof wrong / sizeof *wrong);
}
END_TEST

START_TEST(many_bytes_have_a_unit_beside_the_exact_number)
{
	static const char trace[] = "+ INIT [0:0] malloc=0\n+ malloc 1073741824 0x10 [1073741824:1073741824]\n[0x1]\n"
				    "+ malloc 1048575 0x20 [1074790399:1074790399]\n[0x2]\n"
				    "+ malloc 1 0x30 [1074790400:1074790400]\n[0x3]\n";
	char *text;

	write_file("t", trace, strlen(trace));
	write_file("old", trace, strlen("+ INIT [0:0] malloc=0\n"));
	text = must(run("$B/log-malloc-findleak --max-bytes 2G -n t")).out;
	ck_assert_msg(strstr(text, " 0x10 leaked 1073741824 bytes (1.00 GiB) "), "%s", text);
	ck_assert_msg(strstr(text, " 0x20 leaked 1048575 bytes (1.00 MiB) "), "%s", text);
	ck_assert_msg(strstr(text, " 0x30 leaked 1 byte (0.00 KiB) "), "%s", text);
	text = must(run("$B/log-malloc-report -n t")).out;
	ck_assert_msg(strstr(text, "1 block, 1073741824 bytes (1.00 GiB, 99.90%) "), "%s", text);
	ck_assert_msg(strstr(text, "1 block, 1048575 bytes (0.10%) "), "%s", text);
	text = must(run("$B/log-malloc-diff -n old t")).out;
	ck_assert_msg(strstr(text, "+1073741824 bytes, +1.00 GiB, +1 block (0 to 1073741824 bytes, "), "%s", text);
	json_is("log-malloc-findleak", "--format=json t", ".leaks[0].bytes", "1073741824\n");
}
END_TEST

START_TEST(one_of_a_kind_is_singular)
{
	static const char trace[] =
		"+ INIT [0:0] malloc=0\n+ malloc 1 0x10 [1:24]\n[0x1]\n+ free -1 0x99 [1:24] !f\n# LOST 1\n";
	static const char *const commands[] = {"findleak -n t", "findleak --format=junit -n t", "report -n t",
	                                       "diff -n old t", "findleak --max-bytes 1 t"};

	write_file("t", trace, strlen(trace));
	write_file("old", trace, strlen("+ INIT [0:0] malloc=0\n"));
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		struct run r = run("$B/log-malloc-%s | sed 's/([^)]* to [^)]*)//g' | grep -E '(^|[^.0-9])1 [a-z]*( "
		                   "[a-z]+)?s([^a-z]|$)'",
		                   commands[i]);

		ck_assert_msg(r.status == 1, "%s: %s", commands[i], r.out);
	}
}
END_TEST

/* A program of which only its dynamic symbols are known. */
static void trace_stripped(void)
{
	static const char source[] =
		"#include <stdlib.h>\nvoid *volatile kept;\n"
		"__attribute__((noinline)) static void inner(int n) { kept = malloc(n); kept = 0; }\n"
		"int main(int argc, char **argv) { (void)argv; inner(argc); inner(argc + 1); return 0; }\n";

	write_file("stripped.c", source, strlen(source));
	must(run("${CC:-gcc} -O1 -fno-builtin-malloc -s -Wl,--build-id -o stripped stripped.c && " LM
	         " -q -o t ./stripped"));
}

START_TEST(a_frame_without_a_name_shows_its_place_and_one_hint_tells_what_helps)
{
	struct run r;
	char *id;

	trace_stripped();
	id = strtok(must(run("readelf -n stripped | sed -n 's/.*Build ID: //p'")).out, "\n");
	r = run("$B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, "       stripped+0x"), "%s", r.out);
	ck_assert_msg(strstr(r.out, "\nNO NAMES for code of:\n"), "%s", r.out);
	ck_assert_msg(strstr(r.out, id), "%s is not in %s", id, r.out);
	ck_assert_ptr_null(strstr(strstr(r.out, "NO NAMES") + 1, "NO NAMES"));
	ck_assert_ptr_nonnull(strstr(r.out, "/stripped names these), or give --debuginfod "));
	/* Of the frames as they are written, nobody wants to know. */
	ck_assert_ptr_null(strstr(run("$B/log-malloc-findleak -n t").out, "NO NAMES"));
	ck_assert_ptr_null(strstr(run("DEBUGINFOD_URLS=file:///none $B/log-malloc-findleak --debuginfod t").out,
	                          "or give --debuginfod"));
	ck_assert_ptr_nonnull(strstr(must(run("$B/log-malloc-report t")).out, "\nNO NAMES for code of:\n"));
	ck_assert_ptr_nonnull(strstr(must(run("$B/log-malloc-diff /dev/stdin t <$S/tests/golden/full.trace")).out,
	                             "\nNO NAMES for code of:\n"));
	/* Scripts look for the total in the last line. */
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-findleak t | tail -n 1").out, "Total: "));
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-diff t t | tail -n 1").out, "Total: "));
	/* Formats that programs read have no hints. */
	must(run("for f in json junit; do $B/log-malloc-findleak --format=$f t >>out; done; ! grep 'NO NAMES' out"));
}
END_TEST

START_TEST(a_bare_address_is_shown_and_told_of_perf_maps)
{
	static const char trace[] = "+ INIT [0:0] malloc=0\n+ malloc 5 0x10 [5:24]\n[0x7f0011223344]\n[0x0]\n";
	struct run r;

	write_file("t", trace, strlen(trace));
	r = run("$B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, "       0x7f0011223344 "), "%s", r.out);
	ck_assert_msg(strstr(r.out, "\nNO NAMES for code that was made at run time"), "%s", r.out);
	ck_assert_ptr_nonnull(strstr(r.out, "node --perf-basic-prof"));
}
END_TEST

START_TEST(python_with_its_own_allocator_is_told_how_its_objects_are_seen)
{
	static const struct {
		const char *setting;
		bool told;
	} cases[] = {{"env -u PYTHONMALLOC", true},
	             {"PYTHONMALLOC=pymalloc", true},
	             {"PYTHONMALLOC=malloc", false},
	             {"PYTHONMALLOC=malloc_debug", false}};

	if (run("[ -x /usr/bin/python3 ]").status != 0) {
		skip("python_with_its_own_allocator_is_told_how_its_objects_are_seen", "there is no /usr/bin/python3");
		return;
	}
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run r = must(run("%s " LM " -o t /usr/bin/python3 -c 'x = [str(i) for i in range(1000)]'; "
		                        "$B/log-malloc-findleak t >f; $B/log-malloc-report t >r; "
		                        "grep -c 'PYTHONMALLOC=malloc in the env' f r; true",
		                        cases[i].setting));

		ck_assert_str_eq(r.out, cases[i].told ? "f:1\nr:1\n" : "f:0\nr:0\n");
		ck_assert_msg(!strstr(r.err, "PYTHONMALLOC=malloc") == !cases[i].told, "%s", r.err);
	}
	/* Others are told nothing. */
	ck_assert_ptr_null(strstr(run("PYTHONMALLOC= " LM " -o t /bin/ls; $B/log-malloc-findleak t").out, "PYTHON"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layout");
	TCase *tcase = tcase_create("layout");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, reports_fit_the_columns);
	tcase_add_test(tcase, symbols_are_left_out_first_then_paths_are_shortened);
	tcase_add_test(tcase, in_a_pipe_lines_are_whole_and_have_no_colours);
	tcase_add_test(tcase, names_are_the_same_in_every_locale);
	tcase_add_test(tcase, a_terminal_gives_the_width_and_gets_colours);
	tcase_add_test(tcase, only_known_words_choose_colours);
	tcase_add_test(tcase, many_bytes_have_a_unit_beside_the_exact_number);
	tcase_add_test(tcase, one_of_a_kind_is_singular);
	tcase_add_test(tcase, a_frame_without_a_name_shows_its_place_and_one_hint_tells_what_helps);
	tcase_add_test(tcase, a_bare_address_is_shown_and_told_of_perf_maps);
	tcase_add_test(tcase, python_with_its_own_allocator_is_told_how_its_objects_are_seen);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
