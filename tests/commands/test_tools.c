/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands as they are used: golden traces, and programs that are built here and print their own backtraces. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Standard output is what the golden file has; NAME.findleak for NAME.trace. */
static void golden(const char *trace, const char *expected, int status)
{
	struct run r = run("cd $S/tests/golden && TZ=UTC $B/log-malloc-findleak --no-translate %s.trace", trace);
	struct run should = run("cat $S/tests/golden/%s.findleak", expected);

	ck_assert_str_eq(r.out, should.out);
	ck_assert_int_eq(r.status, status);
}

START_TEST(findleak_reports_golden_traces_as_it_always_did)
{
	static const char *const names[] = {"full",      "truncated", "part", "exec",
	                                    "malformed", "seed",      "lost", "attached"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		golden(names[i], names[i], 1);
	golden("nul", "truncated", 1);
}
END_TEST

START_TEST(findleak_says_the_same_of_both_formats_but_for_lines)
{
	struct run r = run("for f in full compact; do $B/log-malloc-findleak -n $S/tests/golden/$f.trace |"
	                   "sed 's/line: [0-9]*/line: N/' >$f; done; cmp full compact");

	ck_assert_int_eq(r.status, 0);
}
END_TEST

START_TEST(findleak_reads_a_stream_as_it_reads_a_file)
{
	struct run file = run("$B/log-malloc-findleak -n $S/tests/golden/full.trace");
	struct run stream = run("cat $S/tests/golden/full.trace | $B/log-malloc-findleak -n -");

	ck_assert_str_eq(file.out, stream.out);
	ck_assert_int_eq(stream.status, 1);
}
END_TEST

START_TEST(findleak_reports_lines_that_cannot_be_read_by_number)
{
	struct run r = run("cd $S/tests/golden && $B/log-malloc-findleak -n malformed.trace 2>&1 >/dev/null |"
	                   "cmp - malformed.messages");

	ck_assert_msg(r.status == 0, "%s%s", r.out, r.err);
}
END_TEST

START_TEST(a_sysroot_that_is_not_there_is_said_once_by_every_command)
{
	static const char *const commands[] = {"log-malloc-findleak $T", "log-malloc-report $T",
	                                       "log-malloc-diff $T $T", "backtrace2line $T", "log-malloc-cat $T"};

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		struct run r = run("T=$S/tests/golden/full.trace; $B/%s --sysroot /nonexistent", commands[i]);

		ck_assert_msg(r.status == 2 && !r.out_len, "%s: %d: %s", commands[i], r.status, r.out);
		ck_assert_msg(strstr(r.err, ": /nonexistent: No such file or directory\n") &&
		                      strchr(r.err, '\n') == r.err + r.err_len - 1,
		              "%s: %s", commands[i], r.err);
	}
}
END_TEST

START_TEST(findleak_finds_nothing_where_there_is_nothing)
{
	struct run r = run("printf '+ INIT [0:0] malloc=0\\n+ malloc 5 0x10 [5:24]\\n+ free -5 0x10 [0:0]\\n"
	                   "+ FINI [0:0] malloc=1\\n' | $B/log-malloc-findleak -");

	ck_assert_str_eq(r.out, "NO LEAKS FOUND\n\nTotal: 0 blocks, 0 bytes (0.00 KiB), 0 backtraces; 0 foreign frees; "
	                        "the trace is complete\n");
	ck_assert_int_eq(r.status, 0);
}
END_TEST

START_TEST(findleak_takes_the_images_of_one_process)
{
	struct run r = run("$B/log-malloc-findleak -n -p 4711 $S/tests/golden/full.trace");

	ck_assert_int_eq(r.status, 1);
	r = run("$B/log-malloc-findleak -n -p 4712 $S/tests/golden/full.trace");
	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.out, "");
	ck_assert_ptr_nonnull(strstr(r.err, "process 4712 is not in this trace"));
}
END_TEST

START_TEST(findleak_names_functions_by_the_trace_where_there_is_no_file)
{
	struct run r = run("$B/log-malloc-findleak $S/tests/golden/full.trace");

	ck_assert_ptr_nonnull(strstr(r.out, "       grow()               ??:?                      "
	                                    "/opt/demo/bin/demo(_ZL4growv+0x12)[0x55550000b212]\n"));
	ck_assert_ptr_nonnull(strstr(r.err, "/opt/demo/bin/demo: no symbols"));
}
END_TEST

START_TEST(names_are_shown_without_control_bytes)
{
	struct run r =
		run("printf '+ malloc 5 0x10 [5:24]\\n/x\\033[31m(a\\007b+0x1)[0x1]\\n' | $B/log-malloc-findleak -");

	ck_assert_ptr_nonnull(strstr(r.out, "a\\007b"));
	ck_assert_ptr_nonnull(strstr(r.out, "/x\\033[31m("));
	ck_assert_ptr_null(strchr(r.out, '\033'));
	ck_assert_ptr_null(strchr(r.err, '\033'));
}
END_TEST

START_TEST(c1_controls_of_names_are_escaped_wherever_they_are_shown)
{
	static const char *const commands[] = {
		"log-malloc-findleak t",
		"log-malloc-findleak -n t",
		"log-malloc-findleak --format=json t",
		"log-malloc-findleak --format=junit t",
		"log-malloc-findleak --suppressions=$'no\\302\\233such' t",
		"log-malloc-report t",
		"log-malloc-report --tree t",
		"log-malloc-report --modules t",
		"log-malloc-report --format=json t",
		"log-malloc-report --format=folded t t",
		"log-malloc-report --format=massif t",
		"log-malloc-diff /dev/null t",
		"log-malloc-diff empty t",
		"log-malloc-diff --format=json empty t",
		"log-malloc-trackusage --format=json t",
		"backtrace2line -n $'/x\\302\\23331m(f\\2332J+0x1)[0x1]'",
		"log-malloc -o t $'no\\302\\233\\233such'",
	};
	/* Two images, so that each row of folded stacks begins with the program. */
	static const char image[] = "# PID 7\\n# EXE /bin/e\\302\\233\\233\\177\\n# CWD /\\n# FORMAT full\\n"
				    "+ INIT [0:0] malloc=0 calloc=0 realloc=0 memalign=0/0 valloc=0 free=0\\n"
				    "+ malloc 100 0x1000 [100:104]\\n"
				    "/bin/x\\302\\23331m\\2332J(f\\302\\2332J\\2332J+0x1)[0x1]\\n"
				    "/bin/\\303\\244pfel(\\303\\266l\\303\\233+0x1)[0x2]\\n+ FINI [100:104]\\n";

	must(run("printf '%s%s' >t; printf '# PID 7\\n# FORMAT full\\n+ INIT [0:0] malloc=0 calloc=0 realloc=0 "
	         "memalign=0/0 valloc=0 free=0\\n+ FINI [0:0]\\n' >empty",
	         image, image));
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		/* The letter U+00DB has such a byte, too. */
		struct run r = run("$B/%s >out 2>&1; [ -s out ] && LC_ALL=C sed 's/\\xc3\\x9b//g' out | "
		                   "LC_ALL=C grep -c -a $'[\\x80-\\x9f\\x7f]'",
		                   commands[i]);

		ck_assert_msg(strcmp(r.out, "0\n") == 0, "%s: %s%s", commands[i], r.out, run("cat out").out);
	}
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-findleak t").out, "\xc3\xb6l\xc3\x9b"));
	ck_assert_ptr_nonnull(
		strstr(run("$B/log-malloc-findleak --format=json t").out, "\"/bin/e\\u009b\\\\233\\u007f\""));
}
END_TEST

START_TEST(what_is_no_trace_is_trouble)
{
	static const char *const commands[] = {"log-malloc-findleak", "log-malloc-trackusage", "log-malloc-cat"};

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		struct run r = run("printf 'this is\\nno trace\\n' | $B/%s -", commands[i]);

		ck_assert_int_eq(r.status, 2);
		ck_assert_str_eq(r.out, "");
		ck_assert_ptr_nonnull(strstr(r.err, "standard input: not a trace"));
		ck_assert_int_eq(run("$B/%s /nonexistent", commands[i]).status, 2);
		ck_assert_int_eq(run("$B/%s .", commands[i]).status, 2);
		ck_assert_int_eq(run("$B/%s $B/%s", commands[i], commands[i]).status, 2);
		ck_assert_int_eq(run(": >empty; $B/%s empty", commands[i]).status, 2);
	}
}
END_TEST

START_TEST(each_command_explains_itself_and_refuses_what_it_does_not_know)
{
	static const char *const commands[] = {"log-malloc-findleak", "log-malloc-trackusage", "log-malloc-cat",
	                                       "backtrace2line"};

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		struct run r = run("$B/%s --help", commands[i]);

		ck_assert_int_eq(r.status, 0);
		ck_assert_ptr_nonnull(strstr(r.out, "Usage: "));
		r = run("$B/%s --version", commands[i]);
		ck_assert_int_eq(r.status, 0);
		ck_assert_ptr_nonnull(strstr(r.out, commands[i]));
		r = run("$B/%s --no-such-option", commands[i]);
		ck_assert_int_eq(r.status, 2);
		ck_assert_str_eq(r.out, "");
		ck_assert_ptr_nonnull(strstr(r.err, "--help"));
	}
	ck_assert_int_eq(run("$B/log-malloc-findleak").status, 2);
	ck_assert_int_eq(run("$B/log-malloc-trackusage a b").status, 2);
	ck_assert_int_eq(run("$B/log-malloc-findleak -p x t").status, 2);
	ck_assert_int_eq(run("$B/log-malloc-findleak $S/tests/golden/full.trace >/dev/full").status, 2);
}
END_TEST

START_TEST(trackusage_prints_a_number_an_event)
{
	struct run r = run("$B/log-malloc-trackusage $S/tests/golden/seed.trace | tr '\\n' ' '");

	ck_assert_str_eq(r.out, "85 1267 1320 1376 1736 32 1736 3736 3836 3736 3736 ");
	r = run("$B/log-malloc-trackusage --usable-size - <$S/tests/golden/seed.trace | tr '\\n' ' '");
	ck_assert_str_eq(r.out, "160 1384 1472 1560 1952 72 1952 3992 4128 3992 3992 ");
}
END_TEST

/* Prints its backtrace as glibc does, and as log_malloc_backtrace() does: the memory map comes behind it. */
static const char walker[] = "#include <execinfo.h>\n"
			     "#include <fcntl.h>\n"
			     "#include <unistd.h>\n"
			     "static inline __attribute__((always_inline)) void show(void)\n"
			     "{\n"
			     "	void *pc[32];\n"
			     "	backtrace_symbols_fd(pc, backtrace(pc, 32), 1);\n" /* line 7 */
			     "}\n"
			     "static __attribute__((noinline)) int inner(int fd)\n"
			     "{\n"
			     "	show();\n" /* line 11 */
			     "	return fd;\n"
			     "}\n"
			     "int main(void)\n"
			     "{\n"
			     "	char buffer[4096];\n"
			     "	int fd = inner(open(\"/proc/self/maps\", 0));\n" /* line 17 */
			     "	ssize_t n;\n"
			     "	(void)!write(1, \"# FILE /proc/self/maps\\n\", 23);\n"
			     "	while ((n = read(fd, buffer, sizeof buffer)) > 0)\n"
			     "		(void)!write(1, buffer, n);\n"
			     "	return 0;\n"
			     "}\n";

static void build_walker(const char *compiler, const char *flags)
{
	struct run r;

	write_file("walker.c", walker, strlen(walker));
	r = run("%s -g -O1 %s -o walker walker.c && ./walker >out", compiler, flags);
	ck_assert_msg(r.status == 0, "%s", r.err);
}

static void shows_walker(const struct run *r)
{
	ck_assert_int_eq(r->status, 0);
	ck_assert_msg(strstr(r->out, "\nshow ") && strstr(r->out, "walker.c:7 "), "%s", r->out);
	ck_assert_msg(strstr(r->out, "\ninner ") && strstr(r->out, "walker.c:11 "), "%s", r->out);
	ck_assert_msg(strstr(r->out, "\nmain ") && strstr(r->out, "walker.c:17 "), "%s", r->out);
	ck_assert_ptr_nonnull(strstr(r->out, "(inlined)"));
}

START_TEST(addresses_of_every_kind_of_program_become_lines)
{
	static const char *const compilers[] = {"${CC:-cc}", "clang"};
	static const char *const flags[] = {"",          "-rdynamic",    "-no-pie", "-static", "-static-pie -fPIE",
	                                    "-gdwarf-4", "-gsplit-dwarf"};
	struct run r;

	for (size_t c = 0; c < 2; c++) {
		if (c && !have_command(compilers[c]))
			continue;
		for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
			build_walker(compilers[c], flags[i]);
			r = run("$B/backtrace2line out");
			shows_walker(&r);
			/* Nothing but addresses, and the map on its own. */
			r = run("sed -n 's/.*\\[\\(0x.*\\)\\]/\\1/p' out >addresses; sed 1,/FILE/d out >maps;"
			        "$B/backtrace2line --maps maps - <addresses");
			shows_walker(&r);
		}
	}
}
END_TEST

START_TEST(offsets_in_an_object_need_no_map)
{
	struct run r;

	build_walker("${CC:-cc}", "");
	r = run("$B/backtrace2line $(sed -n 's/\\[0x.*//p' out | grep walker)");
	shows_walker(&r);
	r = run("$B/backtrace2line --work-dir \"$PWD\" $(sed -n 's/\\[0x.*//p' out | grep walker | sed \"s|$PWD/||\")");
	shows_walker(&r);
	r = run("mkdir elsewhere; cd elsewhere; $B/backtrace2line -w .. './walker(main+0x1)' 2>&1");
	ck_assert_msg(strstr(r.out, "\nmain ") && strstr(r.out, "walker.c:1"), "%s", r.out);
	ck_assert_int_eq(r.status, 0);
}
END_TEST

START_TEST(symbols_of_an_object_that_is_loaded_anywhere_are_found_by_name)
{
	struct run r;

	build_walker("${CC:-cc}", "-rdynamic");
	r = run("$B/backtrace2line \"$PWD/walker(main+0x1)[0x7f0000000000]\"");
	ck_assert_msg(strstr(r.out, "\nmain "), "%s", r.out);
	ck_assert_ptr_nonnull(strstr(r.out, "walker.c:1"));
}
END_TEST

START_TEST(addresses_of_a_running_process_are_looked_up_there)
{
	struct run r;

	build_walker("${CC:-cc}", "-Wl,--defsym=unused=0");
	/* An address in the text of a shell that waits. */
	r = run("sleep 20 & pid=$!; sleep 0.2;"
	        "from=$(sed -n 's/^\\([0-9a-f]*\\)-.* r-xp .*/\\1/p' /proc/$pid/maps | head -n 1);"
	        "$B/backtrace2line -p $pid 0x$from; status=$?; kill $pid; exit $status");
	ck_assert_msg(r.status == 0, "%s", r.err);
	ck_assert_int_eq(run("$B/backtrace2line -p 999999999 0x1").status, 2);
}
END_TEST

START_TEST(findleak_looks_at_the_running_process_where_the_trace_has_no_map)
{
	struct run r =
		run("sleep 20 & pid=$!; sleep 0.2;"
	            "from=$(sed -n 's/^\\([0-9a-f]*\\)-.* r-xp .*\\/libc[.-].*/\\1/p' /proc/$pid/maps | head -n 1);"
	            "printf '+ malloc 5 0x10 [5:24]\\n[0x%%x]\\n' $((0x$from + 0x20000)) >t;"
	            "$B/log-malloc-findleak t >without; $B/log-malloc-findleak -p $pid t >with; kill $pid;"
	            "grep -c ' ??:? \\|[.]c:[0-9]' without; grep -c ' ??:? \\|[.][cS]:[0-9]' with");

	ck_assert_msg(strcmp(r.out, "0\n1\n") == 0, "%s%s", r.out, r.err);
}
END_TEST

START_TEST(what_is_no_object_file_is_not_used)
{
	struct run r =
		run("mkfifo fifo; printf 'x\\n' >text;"
	            "$B/backtrace2line \"$PWD/fifo(+0x1)\" \"$PWD/text(+0x1)\" '/dev/tty(+0x1)' '/nonexistent(+0x1)'");

	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.err, "/fifo: not an ELF file"));
	ck_assert_ptr_nonnull(strstr(r.err, "/text: not an ELF file"));
	ck_assert_ptr_nonnull(strstr(r.err, "/nonexistent: no symbols: No such file or directory"));
}
END_TEST

START_TEST(full_names_are_whole)
{
	struct run r;

	build_walker("${CC:-cc}", "");
	r = run("$B/backtrace2line --full-filename out | grep -c \"$PWD/walker.c:17 \"");
	ck_assert_str_eq(r.out, "1\n");
}
END_TEST

START_TEST(a_separate_debug_file_is_found_by_its_link)
{
	struct run r;

	if (!can_run("a_separate_debug_file_is_found_by_its_link", "objcopy"))
		return;
	build_walker("${CC:-cc}", "");
	r = run("objcopy --only-keep-debug walker walker.debug && strip walker &&"
	        "objcopy --add-gnu-debuglink=walker.debug walker && $B/backtrace2line out");
	shows_walker(&r);
	r = run("rm walker.debug; $B/backtrace2line out");
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_null(strstr(r.out, "walker.c"));
}
END_TEST

START_TEST(a_file_that_is_not_the_traced_one_is_not_used)
{
	struct run r;

	build_walker("${CC:-cc}", "-Wl,--build-id");
	r = run("printf '# MODULE 1000-9000 0 00112233 %%s/walker\\n+ malloc 5 0x10 "
	        "[5:24]\\n%%s/walker(main+0x1)[0x2000]\\n' "
	        "\"$PWD\" \"$PWD\" | $B/log-malloc-findleak -");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(strstr(r.err, "its build-id differs"));
	ck_assert_ptr_nonnull(strstr(r.out, "main                 ??:? "));
}
END_TEST

START_TEST(several_backtraces_with_their_maps_are_told_apart)
{
	struct run r;

	build_walker("${CC:-cc}", "");
	r = run("./walker >two; ./walker >>two; $B/backtrace2line two | grep -c '^main .*walker.c:17 '");
	ck_assert_str_eq(r.out, "2\n");
}
END_TEST

START_TEST(names_of_cxx_are_demangled)
{
	struct run r = run("$B/backtrace2line '/nonexistent(_ZN3foo3barIiEEvT_+0x5)[0x1]'");

	ck_assert_ptr_nonnull(strstr(r.out, "\nfoo::bar<int>(int) "));
	ck_assert_int_eq(r.status, 0);
	/* Too long for a column: without what the function and its templates take. */
	r = run("$B/backtrace2line"
	        " '/nonexistent(_ZNSt6vectorINSt7__cxx1112basic_stringIcEESaIS1_EE9push_backERKS1_+0x5)[0x1]'"
	        " '/nonexistent(_ZN12_GLOBAL__N_114some_long_nameclESt6vectorIiSaIiEES2_S2_+0x5)[0x1]'");
	ck_assert_msg(strstr(r.out, "\nstd::vector<>::push_back() "), "%s", r.out);
	ck_assert_msg(strstr(r.out, "\n(anonymous namespace)::some_long_name... "), "%s", r.out);
	r = run("$B/backtrace2line -f "
	        "'/x(_ZNSt6vectorINSt7__cxx1112basic_stringIcEESaIS1_EE9push_backERKS1_+0x5)[0x1]'");
	ck_assert_msg(strstr(r.out, "push_back(std::__cxx11::basic_string const&)"), "%s", r.out);
}
END_TEST

START_TEST(backtrace2line_says_what_it_cannot_read)
{
	struct run r = run("printf 'hello\\n[0x1]\\n' | $B/backtrace2line");

	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.err, "standard input:1: this is not a frame"));
	ck_assert_ptr_nonnull(strstr(r.err, "memory map"));
	r = run("printf 'hello\\n' | $B/backtrace2line -");
	ck_assert_int_eq(r.status, 2);
	r = run("yes nothing | head -n 1000 | $B/backtrace2line 2>&1 | tail -n 3");
	ck_assert_str_eq(r.out, "backtrace2line: standard input:20: this is not a frame\n"
	                        "backtrace2line: standard input: 980 more lines are not frames\n"
	                        "backtrace2line: standard input: there is no frame in it\n");
	ck_assert_int_eq(run("$B/backtrace2line nothing-here").status, 2);
	ck_assert_int_eq(run("$B/backtrace2line hello world").status, 2);
	ck_assert_int_eq(run("$B/backtrace2line -m /nonexistent 0x1").status, 2);
	ck_assert_int_eq(run("echo x >maps; $B/backtrace2line -m maps 0x1").status, 2);
}
END_TEST

START_TEST(a_traced_program_s_leak_is_named_by_function_and_line)
{
	static const char leaker[] = "#include <stdlib.h>\n"
				     "static __attribute__((noinline)) void *make(size_t n)\n"
				     "{\n"
				     "	return malloc(n);\n"
				     "}\n"
				     "int main(void)\n"
				     "{\n"
				     "	for (int i = 0; i < 3; i++)\n"
				     "		if (!make(100))\n"
				     "			return 1;\n"
				     "	free(make(7));\n"
				     "	return 0;\n"
				     "}\n";
	struct run r;

	if (run("test -e $B/liblog-malloc2.so").status != 0) {
		skip("a_traced_program_s_leak_is_named_by_function_and_line", "the tracker was not built");
		return;
	}
	write_file("leaker.c", leaker, strlen(leaker));
	r = run("${CC:-cc} -g -O1 -fno-builtin -o leaker leaker.c && "
	        "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./leaker && $B/log-malloc-findleak t");
	ck_assert_int_eq(r.status, 1);
	ck_assert_msg(strstr(r.out, " 3 blocks leaked 300 bytes (0.29 KiB) allocated by malloc (first: 0x"), "%s",
	              r.out);
	ck_assert_ptr_nonnull(strstr(r.out, "       make "));
	ck_assert_ptr_nonnull(strstr(r.out, " leaker.c:4 "));
	ck_assert_ptr_nonnull(strstr(r.out, "       main "));
	ck_assert_ptr_nonnull(strstr(r.out, " leaker.c:9 "));
	ck_assert_ptr_nonnull(strstr(r.out, "; the trace is complete\n"));
}
END_TEST

/*
 * The commands of the examples in the manuals, without log-malloc2's own. A page that names a new one has to say
 * where it comes from, unless every Debian has it.
 */
START_TEST(the_manuals_say_where_the_commands_of_their_examples_come_from)
{
	static const struct {
		const char *command, *origin;
	} known[] = {
		{"cp", NULL},
		{"grep", NULL},
		{"FlameGraph/flamegraph.pl", "https://github.com/brendangregg/FlameGraph"},
		{"ms_print", "package valgrind"},
		{"go", "package golang-go"},
	};
	enum { KNOWN = sizeof known / sizeof *known };
	struct run r =
		must(run("cd $S/man && grep -hE '^(\\.[BD][l1] )?\\$ ' *.[135] | sed 's/^[^$]*[$] //; s/&&/|/g' | "
	                 "tr '|;' '\\n\\n' | sed -E 's/^ *([A-Z_]+=[^ ]* +)*//; s/ .*//' | sort -u | "
	                 "grep -vE '^(log-malloc(-[a-z]+)?|backtrace2line)?$'"));
	unsigned found = 0;

	for (char *word = strtok(r.out, "\n"); word; word = strtok(NULL, "\n")) {
		size_t i = 0;

		while (i < KNOWN && strcmp(known[i].command, word) != 0)
			i++;
		ck_assert_msg(i < KNOWN, "where does %s come from?", word);
		if (known[i].origin)
			must(run("grep -q '%s' $S/man/log-malloc-report.1", known[i].origin));
		found++;
	}
	ck_assert_uint_ge(found, 4);
	/* Debian has no such commands. */
	ck_assert_int_eq(run("grep -nE '^([$] )?pprof |[|] flamegraph.pl' $S/man/* $S/README.md").status, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tools");
	TCase *findleak = tcase_create("findleak"), *usage = tcase_create("usage"), *lines = tcase_create("lines");

	tcase_set_timeout(findleak, 60);
	tcase_add_test(findleak, findleak_reports_golden_traces_as_it_always_did);
	tcase_add_test(findleak, findleak_says_the_same_of_both_formats_but_for_lines);
	tcase_add_test(findleak, findleak_reads_a_stream_as_it_reads_a_file);
	tcase_add_test(findleak, findleak_reports_lines_that_cannot_be_read_by_number);
	tcase_add_test(findleak, findleak_finds_nothing_where_there_is_nothing);
	tcase_add_test(findleak, a_sysroot_that_is_not_there_is_said_once_by_every_command);
	tcase_add_test(findleak, findleak_takes_the_images_of_one_process);
	tcase_add_test(findleak, findleak_names_functions_by_the_trace_where_there_is_no_file);
	tcase_add_test(findleak, names_are_shown_without_control_bytes);
	tcase_add_test(findleak, c1_controls_of_names_are_escaped_wherever_they_are_shown);
	tcase_add_test(findleak, a_traced_program_s_leak_is_named_by_function_and_line);
	suite_add_tcase(suite, findleak);
	tcase_set_timeout(usage, 60);
	tcase_add_test(usage, what_is_no_trace_is_trouble);
	tcase_add_test(usage, each_command_explains_itself_and_refuses_what_it_does_not_know);
	tcase_add_test(usage, trackusage_prints_a_number_an_event);
	suite_add_tcase(suite, usage);
	tcase_set_timeout(lines, 120);
	tcase_add_test(lines, addresses_of_every_kind_of_program_become_lines);
	tcase_add_test(lines, offsets_in_an_object_need_no_map);
	tcase_add_test(lines, symbols_of_an_object_that_is_loaded_anywhere_are_found_by_name);
	tcase_add_test(lines, addresses_of_a_running_process_are_looked_up_there);
	tcase_add_test(lines, findleak_looks_at_the_running_process_where_the_trace_has_no_map);
	tcase_add_test(lines, what_is_no_object_file_is_not_used);
	tcase_add_test(lines, full_names_are_whole);
	tcase_add_test(lines, a_separate_debug_file_is_found_by_its_link);
	tcase_add_test(lines, a_file_that_is_not_the_traced_one_is_not_used);
	tcase_add_test(lines, several_backtraces_with_their_maps_are_told_apart);
	tcase_add_test(lines, names_of_cxx_are_demangled);
	tcase_add_test(lines, backtrace2line_says_what_it_cannot_read);
	tcase_add_test(lines, the_manuals_say_where_the_commands_of_their_examples_come_from);
	suite_add_tcase(suite, lines);
	return run_suite(suite);
}
