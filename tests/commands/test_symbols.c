/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where functions, files and lines come from: addr2line says what is right. */
#include "inlined.h"
#include "support.h"
#include "tracing.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

START_TEST(every_kind_of_program_has_its_inlined_functions)
{
	static const char *const compilers[] = {"${CXX:-c++}", "clang++"};
	static const struct {
		const char *flags;
		bool archive;
	} kinds[] = {
		{"-pie -fPIE", false}, {"-no-pie", false}, {"-gdwarf-4", false},        {"-gsplit-dwarf", false},
		{"-gz", false},        {"-static", true},  {"-static-pie -fPIE", true}, {"-static -gdwarf-4", true}};

	if (!can_run("every_kind_of_program_has_its_inlined_functions", "jq"))
		return;
	for (size_t c = 0; c < 2; c++) {
		if (c && !have_command(compilers[c])) {
			skip("every_kind_of_program_has_its_inlined_functions", "clang++ is not installed");
			continue;
		}
		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
			trace_inlined(compilers[c], kinds[i].flags, kinds[i].archive);
			ck_assert_msg(has_frames(""), "%s %s: %s", compilers[c], kinds[i].flags, run("cat frames").out);
		}
	}
}
END_TEST

START_TEST(addr2line_says_the_same_of_each_frame)
{
	struct run r;

	if (!can_run("addr2line_says_the_same_of_each_frame", "jq"))
		return;
	if (!can_run("addr2line_says_the_same_of_each_frame", "addr2line"))
		return;
	trace_inlined("${CXX:-c++}", "-static", true);
	/* Every frame of a static C++ program, its libraries' included; their functions have aliases, so lines count.
	 */
	r = run("$B/log-malloc-findleak --no-default-suppressions --format=json t >json;"
	        "jq -r '.leaks[].backtrace[].offset' json | uniq | sort -u >offsets; wc -l <offsets;"
	        "while read -r at; do"
	        "  jq -r --arg at $at 'first(.leaks[].backtrace | select(any(.offset == $at))) | .[] | select(.offset "
	        "== $at)"
	        "    | (.file // \"??\" | split(\"/\") | last) + \":\" + (.line // \"?\" | tostring)' json | head -n "
	        "20;"
	        "done <offsets >ours;"
	        "while read -r at; do addr2line -ie inlined $(printf '0x%%x' $((at - 1))) | sed 's,.*/,,; s/ "
	        "(discr.*//; s/.*:[0?]$/??:?/'; done <offsets >theirs;"
	        "diff ours theirs");
	ck_assert_msg(r.status == 0 && atoi(r.out) > 10, "%s%s", r.out, r.err);
}
END_TEST

/* ---- dropped functions -------------------------------------------------------- */

/* The dropped functions are larger than the addresses of those that are left. */
static const char dropped_c[] = "int use_first(int n) { return n * 3; }\n"
				"__attribute__((noinline)) int dropped_first(int n)\n"
				"{\n"
				"\tfor (int i = 0; i < n; i++)\n"
				"\t\tn ^= use_first(i);\n"
				"\t__asm__ volatile(\".fill 0x1000, 1, 0x90\");\n"
				"\tn += use_first(n);\n"
				"\t__asm__ volatile(\".fill 0x100, 1, 0x90\");\n"
				"\tn += use_first(n + 1);\n"
				"\t__asm__ volatile(\".fill 0x40, 1, 0x90\");\n"
				"\tn += use_first(n + 2);\n"
				"\t__asm__ volatile(\".fill 0x2000, 1, 0x90\");\n"
				"\treturn n;\n"
				"}\n";

static const char kept_c[] = "#include <stdlib.h>\n"
			     "#include <string.h>\n"
			     "static inline __attribute__((always_inline)) int step(int n) { return n * 5; }\n"
			     "int dropped_before(int n)\n"
			     "{\n"
			     "\t__asm__ volatile(\".fill 0x1000, 1, 0x90\");\n"
			     "\tn += step(n);\n"
			     "\t__asm__ volatile(\".fill 0x140, 1, 0x90\");\n"
			     "\tn += step(n + 1);\n"
			     "\t__asm__ volatile(\".fill 0x2000, 1, 0x90\");\n"
			     "\treturn n;\n"
			     "}\n"
			     "__attribute__((noinline)) char *leak_here(size_t n)\n"
			     "{\n"
			     "\tchar *p = malloc(n);\n"
			     "\tmemset(p, 0, n);\n"
			     "\treturn p;\n"
			     "}\n"
			     "char *volatile keep;\n"
			     "int use_first(int);\n"
			     "int main(int argc, char **argv)\n"
			     "{\n"
			     "\t(void)argv;\n"
			     "\tkeep = leak_here(1000);\n"
			     "\tkeep = 0;\n"
			     "\treturn use_first(0);\n"
			     "}\n"
			     "int dropped_behind(int n)\n"
			     "{\n"
			     "\t__asm__ volatile(\".fill 0x2000, 1, 0x90\");\n"
			     "\tn += step(n + 1);\n"
			     "\t__asm__ volatile(\".fill 0x2000, 1, 0x90\");\n"
			     "\treturn n;\n"
			     "}\n";

START_TEST(functions_that_the_linker_dropped_name_nothing)
{
	static const char *const compilers[] = {"${CC:-cc}", "clang"};
	static const char *const linkers[] = {"bfd", "gold", "lld"};
	static const char *const kinds[] = {"-O0", "-O1 -fno-inline", "-O1 -gdwarf-4 -fno-inline",
	                                    "-O1 -gsplit-dwarf -fno-inline", "-O1 -no-pie -fno-inline"};

	if (!can_run("functions_that_the_linker_dropped_name_nothing", "jq"))
		return;
	write_file("dropped.c", dropped_c, strlen(dropped_c));
	write_file("kept.c", kept_c, strlen(kept_c));
	for (size_t c = 0; c < 6; c++) {
		const char *compiler = compilers[c / 3], *linker = linkers[c % 3];

		if ((c / 3 && !have_command(compiler)) || !have_command(c % 3 == 2 ? "ld.lld"
		                                                        : c % 3    ? "ld.gold"
		                                                                   : "ld.bfd")) {
			skip("functions_that_the_linker_dropped_name_nothing",
			     "a compiler or a linker is not installed");
			continue;
		}
		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
			struct run r = must(run(
				"%s -g %s -ffunction-sections dropped.c kept.c -fuse-ld=%s -Wl,--gc-sections -o p &&"
				"LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./p &&"
				"$B/log-malloc-findleak --no-default-suppressions --format=json t >json; [ $? = 1 ] &&"
				"jq -r 'first(.leaks[] | select(.bytes == 1000)).backtrace[] |"
				" select(.module // \"\" | endswith(\"/p\")).function' json | head -n 2 | tr '\\n' ' '",
				compiler, kinds[i], linker));

			ck_assert_msg(strcmp(r.out, "leak_here main ") == 0, "%s %s %s: %s", compiler, linker, kinds[i],
			              r.out);
		}
	}
}
END_TEST

START_TEST(a_module_from_0_on_runs_where_it_was_linked_for)
{
	/* A host's compiler makes such a program, too. */
	static const char source[] = "int leak(void);\n"
				     "int leak(void)\n"
				     "{\n"
				     "	return 7;\n" /* line 4 */
				     "}\n"
				     "int main(void)\n"
				     "{\n"
				     "	return leak();\n"
				     "}\n";

	write_file("chip.c", source, sizeof source - 1);
	must(run("${CC:-cc} -g -O0 -no-pie -Wl,--build-id=none -o chip.elf chip.c"));
	must(run("at=$(nm chip.elf | sed -n 's/ [tT] leak$//p') && printf '# PID 1\n# FLAVOUR embedded\n# FORMAT full\n"
	         "# MODULE 0-ffffffffffffffff 0 - chip.elf\n+ INIT [0:0]\n+ malloc 8 0x20000010 [8:0]\n[0x%%x]\n' "
	         "$((0x$at + 6)) >t"));
	ck_assert_int_eq(run("$B/log-malloc-findleak t >found 2>messages; grep -q ' leak  .*chip.c:4 ' found && "
	                     "! [ -s messages ]")
	                         .status,
	                 0);
}
END_TEST

START_TEST(names_of_rust_are_demangled)
{
	struct run r;

	must(run("printf '+ malloc 5 0x10 [5:24]\\n/x(_RNvCskwGfYPst2Cb_3foo3bar+0x1)[0x1]\\n"
	         "/x(_ZN4core3fmt9Formatter3pad17h0123456789abcdefE+0x1)[0x2]\\n"
	         "/x(_ZN3app4main28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE+0x1)[0x3]\\n' >t"));
	r = run("$B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, " foo::bar "), "%s", r.out);
	ck_assert_msg(strstr(r.out, " core::fmt::Formatter::pad "), "%s", r.out);
	ck_assert_msg(strstr(r.out, " app::main::{{closure}} "), "%s", r.out);
}
END_TEST

START_TEST(code_of_the_kernel_is_named_so)
{
	struct run r;

	must(run("printf '+ malloc 5 0x10 [5:24]\\n[0x7f5500000b18]\\n# FILE /proc/self/maps\\n"
	         "7f5500000000-7f5500002000 r-xp 00000000 00:00 0                          [vdso]\\n' >t"));
	r = run("$B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, "       [vdso] "), "%s", r.out);
	ck_assert_str_eq(r.err, "");
}
END_TEST

START_TEST(no_process_is_started_for_a_frame)
{
	if (!can_strace("no_process_is_started_for_a_frame"))
		return;
	trace_inlined("${CXX:-c++}", "", false);
	must(run("strace -f -o calls $B/log-malloc-findleak t >out; ! grep -E 'clone|fork|socket' calls && test "
	         "$(grep -c 'openat.*inlined\"' calls) -le 2"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("symbols");
	TCase *tests = tcase_create("symbols");

	tcase_set_timeout(tests, 400);
	tcase_add_test(tests, every_kind_of_program_has_its_inlined_functions);
	tcase_add_test(tests, addr2line_says_the_same_of_each_frame);
	tcase_add_test(tests, functions_that_the_linker_dropped_name_nothing);
	tcase_add_test(tests, a_module_from_0_on_runs_where_it_was_linked_for);
	tcase_add_test(tests, names_of_rust_are_demangled);
	tcase_add_test(tests, code_of_the_kernel_is_named_so);
	tcase_add_test(tests, no_process_is_started_for_a_frame);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
