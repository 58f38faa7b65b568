/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is installed: that it is found, works where it is, and goes away again. */
#include "linked.h"
#include "support.h"
#include "traced.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static void install(void)
{
	struct run made;

	snprintf(built, sizeof built, "%s", scratch());
	made = run(MAKE "-j2 B=%s/b install DESTDIR=%s/dest prefix=/usr", built, built);
	ck_assert_msg(made.status == 0, "make install: %.400s", made.err);
}

/* Two ways to find what is not where its .pc file says. */
static const char *const finders[] = {
	"PKG_CONFIG_SYSROOT_DIR=%s/dest ${PKG_CONFIG:-pkg-config} %s",
	"ROOT=%s/dest ${PKG_CONFIG:-pkg-config} --define-prefix %s",
};

#define FINDERS ((int)(sizeof finders / sizeof finders[0]))

static const char *find(int finder, const char *query)
{
	char command[2 * PATH_MAX];
	struct run found;

	snprintf(command, sizeof command, finders[finder], built, query);
	found = run("export PKG_CONFIG_PATH=%s/dest/usr/lib/pkgconfig; %s", built, command);
	ck_assert_msg(found.status == 0, "%s: %.200s", command, found.err);
	found.out[strcspn(found.out, "\n")] = '\0';
	return found.out;
}

START_TEST(the_installed_library_is_found_by_pkg_config)
{
	static const char api_c[] = "#include <log-malloc2.h>\n"
				    "#include <stdlib.h>\n"
				    "int main(void)\n"
				    "{\n"
				    "	char *volatile p = malloc(4321);\n"
				    "	if (!p || log_malloc_get_usage() < 4321)\n"
				    "		return 1;\n"
				    "	free(p);\n"
				    "	log_malloc_trace_printf(\"# the api was here\");\n"
				    "	return 0;\n"
				    "}\n";
	static const struct {
		const char *compiler, *query, *run;
	} cases[] = {
		{"", "--cflags --libs log-malloc2", "env LD_LIBRARY_PATH=%s/dest/usr/lib ./api"},
		{"", "--cflags --libs log-malloc2-wrap", "env A=%s ./api"},
		{"-static", "--static --cflags --libs log-malloc2-wrap", "env A=%s ./api"},
	};

	write_file("api.c", api_c, sizeof api_c - 1);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char command[2 * PATH_MAX];
		struct run compiled = run("${CC:-cc} -g -Wall -Werror %s -o api api.c %s", cases[i].compiler,
		                          find(_i, cases[i].query));
		struct traced trace;

		ck_assert_msg(compiled.status == 0, "%s: %.300s", cases[i].query, compiled.err);
		snprintf(command, sizeof command, cases[i].run, built);
		trace = run_soundly(command);
		calls_from(&trace, "malloc", 4321, "main");
		ck_assert_int_eq(run("grep -q '^# the api was here$' trace").status, 0);
	}
}
END_TEST

START_TEST(pkg_config_names_what_to_preload)
{
	/* Not by PKG_CONFIG_SYSROOT_DIR: only some put it in front of a variable's value. */
	const char *library = find(1, "--variable=preload log-malloc2");

	ck_assert_int_eq(run("cmp '%s' '%s/dest/usr/lib/liblog-malloc2.so.1'", library, built).status, 0);
	ck_assert_str_eq(find(1, "--modversion log-malloc2"), find(1, "--modversion log-malloc2-wrap"));
	ck_assert_int_eq(run("f=$(" PKG_CONFIG "--variable=preload log-malloc2) && [ -f \"$f\" ]", "$B").status, 0);
}
END_TEST

START_TEST(the_installed_launcher_finds_the_installed_library)
{
	struct run launched = run("%s/dest/usr/bin/log-malloc -q -o trace $B/examples/leak-01 && "
	                          "%s/dest/usr/bin/log-malloc-findleak trace",
	                          built, built);
	struct traced trace = traced_read("trace", true);

	ck_assert_str_eq(launched.err, "");
	ck_assert_int_eq(launched.status, 1);
	traced_is_sound(&trace);
	calls_from(&trace, "malloc", 2000, "main");
	/* The memory map at the end. */
	ck_assert_int_eq(run("grep -q '%s/dest/usr/lib/liblog-malloc2.so' trace", built).status, 0);
}
END_TEST

START_TEST(the_launcher_finds_a_library_directory_of_another_name)
{
	/* What was built for one place before can be installed in another. */
	struct run made = run(MAKE "B=%s/b install prefix=$PWD/own libdir=$PWD/own/lib/multiarch", built);

	ck_assert_msg(made.status == 0, "make install: %.400s", made.err);
	ck_assert_int_eq(run("own/bin/log-malloc -q -o trace $B/examples/leak-01").status, 0);
	ck_assert_int_eq(run("grep -q \"$PWD/own/lib/multiarch/liblog-malloc2.so\" trace").status, 0);
	ck_assert_int_eq(run("[ -f \"$(PKG_CONFIG_PATH=$PWD/own/lib/multiarch/pkgconfig ${PKG_CONFIG:-pkg-config} "
	                     "--variable=preload log-malloc2)\" ]")
	                         .status,
	                 0);
}
END_TEST

START_TEST(the_installed_tree_can_move_to_a_path_with_a_space)
{
	/* pkg-config quotes for the shell to read it once more. */
	struct run compiled;

	write_programs();
	compiled = run("cp -a '%s/dest/usr' 'a place' && eval ${CC:-cc} -g -static -o lto lto.c $("
	               "PKG_CONFIG_PATH=\"$PWD/a place/lib/pkgconfig\" ${PKG_CONFIG:-pkg-config} --define-prefix "
	               "--static --cflags --libs log-malloc2-wrap)",
	               built);
	ck_assert_msg(compiled.status == 0, "%.400s", compiled.err);
	calls_from((struct traced[]){run_soundly("./lto")}, "malloc", LTO_SIZE, "main");
}
END_TEST

START_TEST(the_installed_commands_are_completed)
{
	struct run r = run("cd %s/dest/usr && for c in $(ls bin); do\n"
	                   "bash -c '. share/bash-completion/completions/'$c' && complete -p '$c || exit 1; done",
	                   built);

	ck_assert_msg(r.status == 0 && !*r.err, "%.200s", r.err);
}
END_TEST

START_TEST(everything_is_installed_and_uninstalled)
{
	struct run made;

	ck_assert_str_eq(run("cd %s/dest/usr && find bin include lib share/doc ! -type d | LC_ALL=C sort", built).out,
	                 "bin/backtrace2line\n"
	                 "bin/log-malloc\n"
	                 "bin/log-malloc-cat\n"
	                 "bin/log-malloc-diff\n"
	                 "bin/log-malloc-findleak\n"
	                 "bin/log-malloc-mark\n"
	                 "bin/log-malloc-push\n"
	                 "bin/log-malloc-report\n"
	                 "bin/log-malloc-top\n"
	                 "bin/log-malloc-trackusage\n"
	                 "include/log-malloc2.h\n"
	                 "include/log-malloc2_util.h\n"
	                 "lib/liblog-malloc2-needed.a\n"
	                 "lib/liblog-malloc2-operators.so\n"
	                 "lib/liblog-malloc2-wrap-cxx.a\n"
	                 "lib/liblog-malloc2-wrap.a\n"
	                 "lib/liblog-malloc2.so\n"
	                 "lib/liblog-malloc2.so.1\n"
	                 "lib/pkgconfig/log-malloc2-wrap-cxx.pc\n"
	                 "lib/pkgconfig/log-malloc2-wrap.pc\n"
	                 "lib/pkgconfig/log-malloc2.pc\n"
	                 "share/doc/log-malloc2/CHANGELOG.md\n"
	                 "share/doc/log-malloc2/COPYING\n"
	                 "share/doc/log-malloc2/COPYING.LESSER\n"
	                 "share/doc/log-malloc2/README.md\n");
	ck_assert_str_eq(run("cd $S/man; for m in *.[1-9]; do cmp $m %s/dest/usr/share/man/man${m##*.}/$m; done "
	                     "2>&1",
	                     built)
	                         .out,
	                 "");
	/* An own copy of it is removed: the other tests need theirs. */
	made = run("cp -a %s/dest gone && " MAKE "B=%s/b uninstall DESTDIR=$PWD/gone prefix=/usr", built, built);
	ck_assert_msg(made.status == 0, "make uninstall: %.400s", made.err);
	ck_assert_str_eq(run("find gone ! -type d; find gone -name '*log-malloc*'").out, "");
	/* Once more does no harm. */
	ck_assert_int_eq(run(MAKE "B=%s/b uninstall DESTDIR=$PWD/gone prefix=/usr", built).status, 0);
}
END_TEST

START_TEST(what_links_the_archive_can_be_installed_alone)
{
	struct run made = run(MAKE "B=%s/b install-wrap DESTDIR=$PWD/dest prefix=/usr", built);

	ck_assert_msg(made.status == 0, "make install-wrap: %.400s", made.err);
	ck_assert_str_eq(run("cd dest/usr && find . ! -type d | LC_ALL=C sort").out,
	                 "./include/log-malloc2.h\n"
	                 "./include/log-malloc2_util.h\n"
	                 "./lib/liblog-malloc2-needed.a\n"
	                 "./lib/liblog-malloc2-wrap-cxx.a\n"
	                 "./lib/liblog-malloc2-wrap.a\n"
	                 "./lib/pkgconfig/log-malloc2-wrap-cxx.pc\n"
	                 "./lib/pkgconfig/log-malloc2-wrap.pc\n"
	                 "./share/man/man3/log-malloc2.3\n");
	must(run("cmp dest/usr/lib/pkgconfig/log-malloc2-wrap.pc %s/dest/usr/lib/pkgconfig/log-malloc2-wrap.pc",
	         built));
	must(run(MAKE "B=%s/b uninstall DESTDIR=$PWD/dest prefix=/usr", built));
	ck_assert_str_eq(run("find dest ! -type d").out, "");
}
END_TEST

START_TEST(each_directory_is_where_it_was_told_to_be)
{
	static const char where[] = "DESTDIR=$PWD/dest prefix=/none bindir=/1/bin libdir=/2/lib includedir=/3/include "
				    "mandir=/4/man docdir=/5/doc compdir=/6/completions zshdir=/7/zsh fishdir=/8/fish";
	struct run made = run(MAKE "B=%s/b install %s", built, where);

	ck_assert_msg(made.status == 0, "make install: %.400s", made.err);
	/* How many of the commands, libraries, headers and so on there are in each directory. */
	ck_assert_str_eq(
		run("cd dest && find . ! -type d | cut -d/ -f2-3 | LC_ALL=C sort | uniq -c | sed 's/^ *//'").out,
		run("cd $S && printf '10 1/bin\n9 2/lib\n2 3/include\n%%d 4/man\n4 5/doc\n10 6/completions\n1 "
	            "7/zsh\n10 "
	            "8/fish\n'"
	            " $(ls man | wc -l)")
			.out);
	ck_assert_str_eq(run("readlink dest/2/lib/liblog-malloc2.so dest/6/completions/log-malloc-diff").out,
	                 "liblog-malloc2.so.1\nlog-malloc\n");
	ck_assert_str_eq(run("PKG_CONFIG_PATH=dest/2/lib/pkgconfig ${PKG_CONFIG:-pkg-config} --variable=includedir "
	                     "log-malloc2")
	                         .out,
	                 "/3/include\n");
	made = run(MAKE "B=%s/b uninstall %s", built, where);
	ck_assert_msg(made.status == 0, "make uninstall: %.400s", made.err);
	ck_assert_str_eq(run("find dest ! -type d").out, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("installed");
	TCase *tcase = group(suite, "installed", install);

	tcase_add_loop_test(tcase, the_installed_library_is_found_by_pkg_config, 0, FINDERS);
	tcase_add_test(tcase, pkg_config_names_what_to_preload);
	tcase_add_test(tcase, the_installed_launcher_finds_the_installed_library);
	tcase_add_test(tcase, the_installed_tree_can_move_to_a_path_with_a_space);
	tcase_add_test(tcase, everything_is_installed_and_uninstalled);
	tcase_add_test(tcase, what_links_the_archive_can_be_installed_alone);
	tcase_add_test(tcase, the_installed_commands_are_completed);
	tcase_add_test(tcase, each_directory_is_where_it_was_told_to_be);
	tcase_add_test(tcase, the_launcher_finds_a_library_directory_of_another_name);

	return run_suite(suite);
}
