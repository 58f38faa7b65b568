/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are not any more what they were when the program ran. */
#include "inlined.h"
#include "support.h"

#include <string.h>

START_TEST(a_program_that_was_built_again_is_named_and_gives_no_lines)
{
	struct run r;

	if (!can_run("a_program_that_was_built_again_is_named_and_gives_no_lines", "jq"))
		return;
	trace_inlined("${CXX:-c++}", "-Wl,--build-id", false);
	must(run("sed -i '1s/^/\\n\\n\\n/' inlined.cc && ${CXX:-c++} -g -O2 -Wl,--build-id -o inlined inlined.cc"));
	r = run("$B/log-malloc-findleak t");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(strstr(r.err, "/inlined: not the file that the trace is about (its build-id differs)"));
	ck_assert_ptr_null(strstr(r.out, "inlined.cc"));
	/* Said once, and what the trace knows is said all the same. */
	ck_assert_ptr_null(strstr(strstr(r.err, "build-id differs") + 1, "build-id differs"));
	ck_assert_ptr_nonnull(strstr(r.out, "deep::outer(int) "));
}
END_TEST

static const char rebuilt_c[] = "#include <stdlib.h>\n"
				"char *volatile keep;\n"
				"#ifdef NEW\n"
				"int unrelated(int a) { return a * 3 + 7; }\n"
				"int another(int a) { return a * 5 + unrelated(a); }\n"
				"#endif\n"
				"static __attribute__((noinline)) void hidden(void) { keep = malloc(50); }\n"
				"void work(void) { keep = malloc(1000); }\n" /* line 8 */
				"int main(void)\n"
				"{\n"
				"	hidden();\n"
				"	work();\n"
				"	keep = 0;\n"
				"	return 0;\n"
				"}\n";

START_TEST(without_a_build_id_the_traces_own_names_tell_that_a_program_was_built_again)
{
	static const char build[] = "%s && ${CC:-cc} -g -O0 -fno-inline -Wl,--build-id=none %s -o p rebuilt.c";
	static const char trace[] = "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/%s ./p";
	static const char note[] = "/p: not the file that the trace is about (it has ";
	struct run r;

	write_file("rebuilt.c", rebuilt_c, strlen(rebuilt_c));
	must(run(build, "rm -f old new", ""));
	must(run(trace, "old"));
	r = run("$B/log-malloc-findleak old");
	ck_assert_msg(strstr(r.out, "rebuilt.c:8 ") && !strstr(r.err, note), "%s%s", r.out, r.err);
	/* The same code without names, or built at another time, is no other program. */
	must(run("cp p kept; strip p"));
	ck_assert_ptr_null(strstr(run("$B/log-malloc-findleak old").err, note));
	must(run("objcopy --only-keep-debug kept p.debug; objcopy --add-gnu-debuglink=p.debug p"));
	r = run("$B/log-malloc-findleak old");
	ck_assert_msg(strstr(r.out, "rebuilt.c:8 ") && !strstr(r.err, note), "%s%s", r.out, r.err);
	must(run(build, "rm p.debug", ""));
	ck_assert_ptr_null(strstr(run("$B/log-malloc-findleak old").err, note));

	must(run(build, "cp p before", "-DNEW"));
	must(run(trace, "new"));
	r = run("$B/log-malloc-findleak old");
	ck_assert_msg(strstr(r.err, note) && !strstr(strstr(r.err, note) + 1, note), "%s", r.err);
	ck_assert_msg(!strstr(r.out, "unrelated") && !strstr(r.out, "another") && !strstr(r.out, "rebuilt.c"), "%s",
	              r.out);
	ck_assert_msg(strstr(r.out, "work ") && strstr(r.out, "hidden ") && strstr(r.out, "main "), "%s", r.out);
	/* A frame without a name is no witness. The others are, and they come later in the trace. */
	must(run("sed 's/(hidden+0x[0-9a-f]*)/(+0x1150)/' old >unnamed"));
	r = run("$B/log-malloc-findleak unnamed");
	ck_assert_msg(!strstr(r.out, "unrelated") && !strstr(r.out, "rebuilt.c") && strstr(r.err, note), "%s%s", r.out,
	              r.err);
	/* Each trace has its own file. */
	r = run("$B/log-malloc-findleak new old");
	ck_assert_msg(strstr(r.out, "rebuilt.c:8 ") && strstr(r.err, note), "%s%s", r.out, r.err);
	/* So it is for a single frame. */
	r = run("grep -m 1 '(work+' old | $B/backtrace2line --maps <(sed -n '/^# MODULE/p; /^[0-9a-f]*-[0-9a-f]* /p' "
	        "old) -");
	ck_assert_msg(!strstr(r.out, "unrelated") && !strstr(r.out, "rebuilt.c"), "%s%s", r.out, r.err);
}
END_TEST

START_TEST(a_stripped_program_that_changed_since_is_not_used_without_a_witness)
{
	static const char build[] = "${CC:-cc} -g -O0 -fno-inline -Wl,--build-id=none %s -o p rebuilt.c";
	static const char note[] = "/p: changed since the program ran";
	struct run r;

	write_file("rebuilt.c", rebuilt_c, strlen(rebuilt_c));
	must(run(build, ""));
	must(run("cp p whole; strip p; LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/old ./p"));
	ck_assert_ptr_null(strstr(run("$B/log-malloc-findleak old").err, note));
	/* Another program in its place: the trace names none of its functions. */
	must(run(build, "-DNEW"));
	r = run("$B/log-malloc-findleak old");
	ck_assert_msg(strstr(r.err, note) && !strstr(r.out, "rebuilt.c") && !strstr(r.out, "unrelated"), "%s%s", r.out,
	              r.err);
	/* The user vouches for a file in a sysroot: here the one that was not stripped. */
	must(run("mkdir -p root$PWD && cp whole root$PWD/p"));
	r = run("$B/log-malloc-findleak --sysroot root old");
	ck_assert_msg(strstr(r.out, "rebuilt.c:8 ") && !strstr(r.err, note), "%s%s", r.out, r.err);
}
END_TEST

START_TEST(modules_that_come_and_go_are_told_apart)
{
	/* Two libraries, loaded and unloaded one after another, most likely at the same place. */
	static const char library[] = "#include <stdlib.h>\n"
				      "void *lost[3];\n"
				      "#ifdef FIRST\n"
				      "void work(int i) { lost[i] = malloc(1000); }\n" /* line 4 */
				      "#else\n"
				      "int padding(int x) { return x * 3 + 1; }\n"
				      "void work(int i) { lost[i] = malloc(2000); }\n" /* line 7 */
				      "#endif\n";
	static const char host[] =
		"#include <dlfcn.h>\n"
		"#include <stdio.h>\n"
		"static int call(const char *path, int i)\n"
		"{\n"
		"	void *handle = dlopen(path, RTLD_NOW);\n"
		"	void (*work)(int) = handle ? (void (*)(int))dlsym(handle, \"work\") : NULL;\n"
		"	if (!work)\n"
		"		return 1;\n"
		"	printf(\"%p\\n\", (void *)work);\n"
		"	work(i);\n"
		"	return dlclose(handle);\n"
		"}\n"
		"int main(void)\n"
		"{\n"
		"	if (call(\"./first.so\", 0) || call(\"./second.so\", 1) || call(\"./first.so\", 2))\n"
		"		return 1;\n"
		"	/* Again elsewhere: its place is taken. */\n"
		"	dlopen(\"./second.so\", RTLD_NOW);\n"
		"	return call(\"./first.so\", 1);\n"
		"}\n";

	if (!can_run("modules_that_come_and_go_are_told_apart", "jq"))
		return;
	write_file("library.c", library, strlen(library));
	write_file("host.c", host, strlen(host));
	must(run("${CC:-cc} -g -shared -fPIC -DFIRST -o first.so library.c && ${CC:-cc} -g -shared -fPIC -o second.so "
	         "library.c && ${CC:-cc} -g -o host host.c -ldl && LD_PRELOAD=$B/liblog-malloc2.so "
	         "LOG_MALLOC_OUTPUT=$PWD/t ./host"));
	must(run("$B/log-malloc-findleak --format json t >json; jq -r '.leaks[] | select(.bytes / .count >= 1000 and "
	         ".backtrace[0].function == \"work\") |"
	         " [.bytes / .count, .backtrace[0].line, (.backtrace[0].module | split(\"/\") | last)] | @json' json |"
	         "sort -u >found; printf '[1000,4,\"first.so\"]\\n[2000,7,\"second.so\"]\\n' | diff found -"));
	must(run("jq '[.leaks[] | select(.backtrace[0].function == \"work\") | .count] | add' json | grep 4"));
	/* The same if it came back a page further on, where the first place is still covered. */
	must(run("for n in first second; do sed -n \"s|^# MODULE \\([0-9a-f]*\\)-\\([0-9a-f]*\\) \\(.*/$n.so\\)|\\1 "
	         "\\2 \\3|p\" t; done >modules; "
	         "while read from to rest; do printf '# MODULE %%x-%%x %%s\\n' $((0x$from + 4096)) $((0x$to + 4096)) "
	         "\"$rest\"; "
	         "done <modules >more; sed '/^+ FINI/ {\nr more\nN\n}' t >further; grep -c MODULE t further; "
	         "$B/log-malloc-findleak --format json further | jq -r '.leaks[] | select(.bytes / .count >= 1000 and "
	         ".backtrace[0].function == \"work\") | [.bytes / .count, .backtrace[0].line] | @json' | sort -u "
	         ">found; "
	         "printf '[1000,4]\\n[2000,7]\\n' | diff found -"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rebuilt");
	TCase *tests = tcase_create("rebuilt");

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_program_that_was_built_again_is_named_and_gives_no_lines);
	tcase_add_test(tests, without_a_build_id_the_traces_own_names_tell_that_a_program_was_built_again);
	tcase_add_test(tests, a_stripped_program_that_changed_since_is_not_used_without_a_witness);
	tcase_add_test(tests, modules_that_come_and_go_are_told_apart);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
