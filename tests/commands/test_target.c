/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc: which commands it traces, and which it does not start. */
#include "commands.h"
#include "support.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>

START_TEST(the_interpreters_of_scripts_are_traced)
{
	static const struct {
		const char *name, *text, *out, *exe;
	} scripts[] = {{"plain", "#!/bin/sh\necho \"sh $1\"\n", "sh a\n", "sh"},
	               {"option", "#! /bin/sh -e\necho \"sh $1\"\n", "sh a\n", "sh"},
	               {"by-env", "#!/usr/bin/env sh\necho \"sh $1\"\n", "sh a\n", "sh"},
	               {"split", "#!/usr/bin/env -S X=1 sh -e\necho \"sh $1 $X\"\n", "sh a 1\n", "sh"},
	               {"nested", "#!./plain\n", "sh ./nested\n", "sh"},
	               {"unmarked", "echo \"sh $1\"\n", "sh a\n", "sh"}};

	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		write_script(scripts[i].name, scripts[i].text);
		struct run result = run(LM " -v -o t ./%s a", scripts[i].name);

		ck_assert_msg(strcmp(result.out, scripts[i].out) == 0, "%s: %s%s", scripts[i].name, result.out,
		              result.err);
		ck_assert(says(result.err, "sh\nlog-malloc: trace"));
		ck_assert_int_eq(run("grep -q '^+ INIT' t").status, 0);
	}
	ck_assert_str_eq(run("PATH=.:$PATH; " LM " -q -o t plain a").out, "sh a\n");
	ck_assert_str_eq(run("PATH=:$PATH; " LM " -q -o t plain a").out, "sh a\n");
}
END_TEST

START_TEST(scripts_that_cannot_run_say_why)
{
	write_script("lost", "#!/no/such/interpreter\n");
	write_script("lost-env", "#!/usr/bin/env no-such-interpreter\n");
	write_script("circle", "#!./circle\n");
	struct run result = run(LM " ./lost");

	ck_assert_int_eq(result.status, 127);
	ck_assert(says(result.err, "'/no/such/interpreter'"));
	ck_assert_int_eq(run(LM " ./lost-env").status, 127);
	ck_assert_int_eq(run(LM " ./circle").status, 126);
}
END_TEST

START_TEST(a_static_program_is_not_started)
{
	build_allocating("static", 2, "-static");
	write_script("by-static", "#!./static\n");
	struct run result = run(LM " -o t ./static");

	ck_assert_int_eq(result.status, 2);
	ck_assert(says(result.err, "./static is statically linked"));
	ck_assert(says(result.err, "pkg-config --static --libs log-malloc2-wrap"));
	ck_assert_ptr_null(read_file("t", NULL));
	ck_assert_int_eq(run(LM " -o t ./by-static").status, 2);
	build_allocating("static", 2, "-static-pie -fPIE");
	ck_assert_int_eq(run(LM " -o t ./static").status, 2);
}
END_TEST

START_TEST(a_program_with_the_tracker_in_it_runs_without_the_library)
{
	static const char *const flags[] = {
		"$(PKG_CONFIG_PATH=\"$B/pkgconfig\" pkg-config --cflags --libs log-malloc2-wrap)",
		"-static $(PKG_CONFIG_PATH=\"$B/pkgconfig\" pkg-config --static --libs "
		"log-malloc2-wrap)"};

	build_allocating("linked", 4, flags[_i]);
	struct run result = run(LM " -v -o t ./linked; grep -c '^+ malloc 10 ' t");

	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(result.out, "4\n");
	ck_assert(says(result.err, "library: none"));
	/* As a stripped program, too. */
	must(run("strip linked && " LM " -q -o t ./linked"));
}
END_TEST

START_TEST(the_loader_as_a_command_is_traced)
{
	build_allocating("two", 2, "");
	struct run result = run("interp=$(readelf -l two | sed -n 's/.*interpreter: \\(.*\\)]/\\1/p'); " LM
	                        " -q -o t $interp ./two; "
	                        "grep -c '^+ malloc 10 ' t");

	ck_assert_str_eq(result.out, "2\n");
}
END_TEST

/* Changes the ELF header of a program that runs here, and looks what is said. */
static struct run run_changed(size_t offset, const char *bytes, size_t len)
{
	size_t size;
	char *program;

	build_allocating("changed", 1, "");
	program = read_file("changed", &size);
	memcpy(program + offset, bytes, len);
	write_file("changed", program, size);
	return run(LM " -o t ./changed; echo $?");
}

START_TEST(a_program_for_another_machine_is_not_started)
{
	struct run result = run_changed(offsetof(Elf64_Ehdr, e_machine), "\x08\x00", 2);

	ck_assert_str_eq(result.out, "2\n");
	ck_assert(says(result.err, "./changed is a "));
	ck_assert(says(result.err, "-bit program for mips"));
}
END_TEST

START_TEST(a_program_of_the_other_class_is_not_started)
{
	/* No more than a header: that is as far as one has to look. */
	Elf32_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
	                     .e_type = ET_EXEC,
	                     .e_machine = EM_386,
	                     .e_version = EV_CURRENT,
	                     .e_ehsize = sizeof(Elf32_Ehdr)};
	struct run result;

	if (sizeof(void *) != 8) {
		skip("a_program_of_the_other_class_is_not_started", "this is a 32-bit machine");
		return;
	}
	write_file("small", (const char *)&header, sizeof header);
	result = run("chmod +x small; " LM " -o t ./small");
	ck_assert_int_eq(result.status, 2);
	ck_assert(says(result.err, "./small is a 32-bit program for i386, and this log-malloc traces 64-bit programs"));
}
END_TEST

START_TEST(a_program_of_another_libc_is_not_started)
{
	build_allocating("other", 1, "-Wl,--dynamic-linker=/lib/ld-musl-some.so.1");
	struct run result = run(LM " -o t ./other");

	ck_assert_int_eq(result.status, 2);
	ck_assert(says(result.err, "its loader is /lib/ld-musl-some.so.1"));
}
END_TEST

START_TEST(a_program_with_other_rights_is_not_started)
{
	struct run result;

	if (run("test \"$(id -u)\" = 0").status != 0) {
		skip("a_program_with_other_rights_is_not_started", "only root can make one");
		return;
	}
	build_allocating("raised", 1, "");
	result = run("chown 12345 raised && chmod 4755 raised && " LM " ./raised");
	ck_assert_int_eq(result.status, 2);
	ck_assert(says(result.err, "./raised is set-user-id"));
	result = run("chown 0:12345 raised && chmod 2755 raised && " LM " ./raised");
	ck_assert_int_eq(result.status, 2);
	ck_assert(says(result.err, "./raised is set-group-id"));
	/* One's own: nothing is raised. */
	ck_assert_int_eq(run("chown 0:0 raised && chmod 6755 raised && " LM " -q -o t ./raised").status, 0);
	result = run("chmod 755 raised && setcap cap_net_raw+ep raised && setpriv --reuid 12345 --clear-groups test -x "
	             "raised");
	if (result.status != 0) {
		skip("a_program_with_other_rights_is_not_started", "file capabilities can not be set here");
		return;
	}
	result = run("setpriv --reuid 12345 --clear-groups " LM " -o /dev/null ./raised");
	ck_assert_int_eq(result.status, 2);
	ck_assert(says(result.err, "./raised has file capabilities"));
}
END_TEST

START_TEST(the_library_is_found_where_it_was_installed)
{
	struct run result =
		run("mkdir -p usr/bin usr/lib && cp " LM " usr/bin && cp -L \"$B/liblog-malloc2.so\" usr/lib && "
	            "usr/bin/log-malloc -v -o t ls");

	ck_assert_int_eq(result.status, 0);
	ck_assert(says(result.err, "/usr/lib/liblog-malloc2.so\n"));
	/* Of a distribution's packages, that of the library has only the name with the number. */
	result = run("mv usr/lib/liblog-malloc2.so usr/lib/liblog-malloc2.so.1 && usr/bin/log-malloc -v -o t ls");
	ck_assert_int_eq(result.status, 0);
	ck_assert(says(result.err, "/usr/lib/liblog-malloc2.so.1\n"));
	result = run("mkdir -p 'a dir' && cp " LM
	             " \"$B/liblog-malloc2.so\" 'a dir' && 'a dir/log-malloc' -o t echo ran");
	ck_assert_int_eq(result.status, 2);
	ck_assert_str_eq(result.out, "");
	ck_assert(says(result.err, "a blank or colon"));
}
END_TEST

/* It is looked for beside the launcher, whose path is then told by its name. */
START_TEST(the_library_is_found_without_proc)
{
	static const char *const names[] = {"./log-malloc", "log-malloc"};

	ck_assert_int_eq(run("cp " LM " . && cp -L \"$B/liblog-malloc2.so\" .").status, 0);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct run result = run("PATH=$PWD:$PATH; unshare -m sh -c 'mount -t tmpfs none /proc || exit 77; "
		                        "exec \"$@\"' sh %s -q -o t echo ran",
		                        names[i]);

		if (result.status == 77 || result.status == 1) {
			skip("the_library_is_found_without_proc", "nothing can be mounted here");
			return;
		}
		ck_assert_str_eq(result.err, "");
		ck_assert_str_eq(result.out, "ran\n");
		ck_assert_int_eq(result.status, 0);
		ck_assert_str_eq(run("grep -c '^+ INIT ' t; rm t").out, "1\n");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("target");
	TCase *tests = tcase_create("target");

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, the_interpreters_of_scripts_are_traced);
	tcase_add_test(tests, scripts_that_cannot_run_say_why);
	tcase_add_test(tests, a_static_program_is_not_started);
	tcase_add_loop_test(tests, a_program_with_the_tracker_in_it_runs_without_the_library, 0, 2);
	tcase_add_test(tests, the_loader_as_a_command_is_traced);
	tcase_add_test(tests, a_program_for_another_machine_is_not_started);
	tcase_add_test(tests, a_program_of_the_other_class_is_not_started);
	tcase_add_test(tests, a_program_of_another_libc_is_not_started);
	tcase_add_test(tests, a_program_with_other_rights_is_not_started);
	tcase_add_test(tests, the_library_is_found_where_it_was_installed);
	tcase_add_test(tests, the_library_is_found_without_proc);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
