/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What log-malloc-findleak leaves out: by the user's suppressions, and by those that are built in. */
#include "leaker.h"
#include "support.h"

#include <stdbool.h>
#include <string.h>

START_TEST(suppressions_say_what_they_did)
{
	struct run r;

	leaker_trace_c("");
	must(run("printf '# known\\nleak:^make$\\nleak:nowhere\\nleak:chain' >s"));
	r = run("$B/log-malloc-findleak -s s t");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(strstr(r.out, "\nSuppressions used:\n  count      bytes  pattern\n"
	                                    "      3        300  ^make$\n      5        240  chain\n"
	                                    "\nSuppressions that matched nothing:\n  nowhere\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "; 8 blocks, 540 bytes suppressed; the trace is complete\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "SUSPECTED 3 LEAKS:\n"));
	/* All of them: nothing is left to find. */
	ck_assert_int_eq(run("echo leak:work >all; $B/log-malloc-findleak -s s --suppressions=all t").status, 0);
	if (!have_command("jq"))
		return;
	ck_assert_str_eq(leaker_ask("-s s", "[.suppressed.count, .suppressed.bytes, (.suppressed.suppressions[] |"
	                                    " .pattern, .count, .builtin)] | @json"),
	                 "[8,540,\"^make$\",3,false,\"nowhere\",0,false,\"chain\",5,false]");
}
END_TEST

START_TEST(what_is_no_suppression_is_trouble)
{
	struct run r;

	leaker_trace_c("");
	r = run("printf 'leak:a\\nleaks:b\\n\\n# c\\nrace:d\\n' >s; $B/log-malloc-findleak -s s t");
	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.out, "");
	ck_assert_ptr_nonnull(strstr(r.err, "log-malloc-findleak: s:2: this is not a suppression"));
	ck_assert_ptr_nonnull(strstr(r.err, "log-malloc-findleak: s:5: this is not a suppression"));
	ck_assert_ptr_null(strstr(r.err, "s:4:"));
	ck_assert_int_eq(run("$B/log-malloc-findleak -s /nonexistent t").status, 2);
	ck_assert_int_eq(run("$B/log-malloc-findleak -s . t").status, 2);
}
END_TEST

/* Keeps much of libc's own, and leaks one block of 77 bytes. */
static const char keeper_c[] = "#include <dlfcn.h>\n#include <locale.h>\n#include <pthread.h>\n#include <pwd.h>\n"
			       "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <time.h>\n"
			       "static void *thread(void *p) { free(malloc(3)); return p; }\n"
			       "void *lost;\n"
			       "int main(void)\n"
			       "{\n"
			       "	pthread_t id;\n"
			       "	time_t now = time(NULL);\n"
			       "	puts(\"hello\");\n"
			       "	setlocale(LC_ALL, \"C.UTF-8\");\n"
			       "	pthread_create(&id, NULL, thread, NULL);\n"
			       "	pthread_join(id, NULL);\n"
			       "	localtime(&now);\n"
			       "	getpwuid(0);\n"
			       "	strsignal(99);\n"
			       "	setenv(\"KEPT\", \"yes\", 1);\n"
			       "#ifdef DYNAMIC\n"
			       "	dlopen(\"/nonexistent.so\", RTLD_NOW);\n"
			       "	dlsym(NULL, \"nothing\");\n"
			       "#endif\n"
			       "	lost = malloc(77);\n"
			       "	return 0;\n"
			       "}\n";

static const char keeper_cc[] = "#include <iostream>\n#include <stdexcept>\n#include <thread>\n"
				"void *lost;\n"
				"int main()\n"
				"{\n"
				"	std::cout << \"hello\" << std::endl;\n"
				"	try { throw std::runtime_error(\"caught\"); } catch (...) { }\n"
				"	std::thread([] { std::cout << std::string(100, 'x'); }).join();\n"
				"	lost = operator new(77);\n"
				"}\n";

/* Only the program's own block is a leak; and the other ones are there, if they are asked for. */
static void finds_one_leak(void)
{
	struct run r = run("$B/log-malloc-findleak t");

	ck_assert_msg(strstr(r.out, "SUSPECTED 1 LEAKS:\n"), "%.3000s", r.out);
	ck_assert_ptr_nonnull(strstr(r.out, " leaked 77 bytes "));
	ck_assert_ptr_null(strstr(r.out, "Suppressions"));
	ck_assert_ptr_nonnull(strstr(r.out, " bytes suppressed; the trace is complete\n"));
	r = run("$B/log-malloc-findleak --no-default-suppressions t");
	ck_assert_ptr_null(strstr(r.out, "suppressed"));
	ck_assert_ptr_null(strstr(r.out, "SUSPECTED 1 LEAKS:\n"));
}

START_TEST(what_libc_and_the_cxx_runtime_keep_is_no_leak)
{
	static const char link[] =
		"$(PKG_CONFIG_PATH=$B/pkgconfig pkg-config --static --cflags --libs log-malloc2-wrap)";

	write_file("keeper.c", keeper_c, strlen(keeper_c));
	write_file("keeper.cc", keeper_cc, strlen(keeper_cc));
	must(run("${CC:-cc} -g -DDYNAMIC -pthread -o keeper keeper.c -ldl &&"
	         "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./keeper"));
	finds_one_leak();
	must(run("${CXX:-c++} -g -pthread -o keeper keeper.cc &&"
	         "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./keeper"));
	finds_one_leak();
	must(run("${CC:-cc} -g -static -o keeper keeper.c %s && LOG_MALLOC_OUTPUT=$PWD/t ./keeper", link));
	finds_one_leak();
	must(run("${CXX:-c++} -g -static -o keeper keeper.cc %s && LOG_MALLOC_OUTPUT=$PWD/t ./keeper", link));
	finds_one_leak();
}
END_TEST

START_TEST(leaks_of_constructors_are_not_the_loaders)
{
	/* A plugin's constructor runs inside dlopen(): what it loses is its own. */
	static const char plugin[] = "#include <stdlib.h>\nvoid *lost;\n"
				     "__attribute__((constructor)) static void begin(void) { lost = malloc(555); }\n";
	static const char host[] =
		"#include <dlfcn.h>\nint main(void) { return !dlopen(\"./plugin.so\", RTLD_NOW); }\n";
	struct run r;

	write_file("plugin.c", plugin, strlen(plugin));
	write_file("host.c", host, strlen(host));
	must(run("${CC:-cc} -g -shared -fPIC -o plugin.so plugin.c && ${CC:-cc} -g -o host host.c -ldl &&"
	         "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./host"));
	r = run("$B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, "SUSPECTED 1 LEAKS:\n") && strstr(r.out, " leaked 555 bytes "), "%.3000s", r.out);
}
END_TEST

START_TEST(a_call_through_the_loader_is_not_the_loaders)
{
	/* Each backtrace as a list of frames, innermost first: l is the loader, c libc, s libstdc++, p the program; a
	 * is the loader of 32-bit ARM, which has no unwind tables, n libstdc++'s operator new. */
	static const struct {
		const char *frames;
		bool leak;
	} cases[] = {
		{"l", true},   {"l p p", true},    {"l c p", true},    {"s l p", true},  {"l s l p", true},
		{"s p", true}, {"l l p l", false}, {"l l c p", false}, {"s l l", false}, {"l s l l", false},
		{"d", true},   {"c k p", false},   {"l c k p", false}, {"a", false},     {"a p", true},
		{"s", false},  {"n", true},
	};
	static const char script[] =
		"{ printf '# PID 7\n# EXE /x/p\n# CWD /\n# FORMAT full\n+ INIT [0:0] malloc=0 calloc=0 realloc=0 "
		"memalign=0/0 valloc=0 free=0\n+ malloc 100 0x1000 [100:104]\n'; n=1; for f in %s; do case $f in "
		"l) o=/x/ld-linux-x86-64.so.2'(+0x';; a) o=/x/ld-linux-armhf.so.3'(+0x';; n) "
		"o=/x/libstdc++.so.6'(_Znwj+0x';; c) o=/x/libc.so.6'(+0x';; s) o=/x/libstdc++.so.6'(+0x';; "
		"d) o=/x/p'(_dl_runtime_resolve+0x';; k) o=/x/libc.so.6'(dlsym+0x';; *) o=/x/p'(work+0x';; esac; "
		"echo \"$o$n)[0x$n]\"; n=$((n + 1)); done; echo '+ FINI [100:104]'; } >t; $B/log-malloc-findleak t";

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run r = run(script, cases[i].frames);

		ck_assert_msg(r.status == cases[i].leak, "%s: %s%s", cases[i].frames, r.out, r.err);
		ck_assert_ptr_nonnull(
			strstr(r.out, cases[i].leak ? "Total: 1 block, 100 bytes" : "; 1 block, 100 bytes suppressed"));
	}
}
END_TEST

START_TEST(what_is_allocated_inside_the_tracker_is_no_leak)
{
	struct run r;

	must(run("printf '# PID 7\\n# EXE /x/p\\n# CWD /\\n# FORMAT full\\n+ INIT [0:0] malloc=0 calloc=0 realloc=0 "
	         "memalign=0/0 valloc=0 free=0\\n+ malloc 5160 0x1000 [5160:5168]!\\n' >inside && "
	         "{ cat inside; printf '+ FINI [5160:5168]\\n'; } >t && "
	         "{ cat inside; printf '+ malloc 77 0x5000 [5237:5248]\\n+ FINI [5237:5248]\\n'; } >both"));
	r = run("$B/log-malloc-findleak t");
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.out, "; 1 block, 5160 bytes suppressed"));
	/* The program's own block without a backtrace is a leak. */
	r = run("$B/log-malloc-findleak both");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(strstr(r.out, "SUSPECTED 1 LEAKS:\n 0x5000 leaked 77 bytes"));
	ck_assert_int_eq(run("$B/log-malloc-findleak --max-bytes=77 both").status, 0);
	r = run("$B/log-malloc-findleak --no-default-suppressions both");
	ck_assert_ptr_nonnull(strstr(r.out, "SUSPECTED 2 LEAKS:\n 0x1000 leaked 5160 bytes"));
}
END_TEST

START_TEST(many_suppressions_cost_no_more_than_their_number)
{
	/* Each pattern against each frame would be 40 million comparisons of names, more than two seconds. */
	must(run(
		"for i in {1..20000}; do echo \"leak:name_$i*of*nothing_$i\"; done >s; echo 'leak:name_7*n_7$' >>s;"
		"{ printf '# PID 7\\n# FORMAT full\\n+ INIT [0:0] malloc=0 calloc=0 realloc=0 memalign=0/0 valloc=0 "
		"free=0\\n'; for i in {1..2000}; do printf '+ malloc 10 0x%%x "
		"[%%d:%%d]\\n/x/p(name_%%d_of_function_%%d+0x1)"
		"[0x%%x]\\n' $((4096 * i)) $((10 * i)) $((10 * i)) $i $i $i; done; echo '+ FINI [20000:20000]'; } >t"));
	ck_assert_ptr_nonnull(strstr(run("ulimit -t 1; $B/log-malloc-findleak -n -s s t | tail -n 1").out,
	                             "Total: 1999 blocks, 19990 bytes"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("suppressions");
	TCase *suppressed = tcase_create("suppressed");

	tcase_set_timeout(suppressed, 240);
	tcase_add_test(suppressed, suppressions_say_what_they_did);
	tcase_add_test(suppressed, what_is_no_suppression_is_trouble);
	tcase_add_test(suppressed, what_libc_and_the_cxx_runtime_keep_is_no_leak);
	tcase_add_test(suppressed, leaks_of_constructors_are_not_the_loaders);
	tcase_add_test(suppressed, a_call_through_the_loader_is_not_the_loaders);
	tcase_add_test(suppressed, what_is_allocated_inside_the_tracker_is_no_leak);
	tcase_add_test(suppressed, many_suppressions_cost_no_more_than_their_number);
	suite_add_tcase(suite, suppressed);
	return run_suite(suite);
}
