/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The archive in programs that CMake, Meson and autotools build: examples/build, against
 * an installed tree that the linker does not know by itself.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* Where it is installed. All tests share that of the fixture, which runs before Check forks for each test. */
static char installed[PATH_MAX];

/* As make install-wrap does, which would build everything anew. */
static void install(void)
{
	snprintf(installed, sizeof installed, "%s/installed", scratch());
	must(run("mkdir -p %s/lib/pkgconfig && cd %s && cp -r $S/include . && cp $B/liblog-malloc2-*.a lib && "
	         "for pc in $B/pkgconfig/*-wrap*.pc; do\n"
	         "sed \"s|^libdir=.*|libdir=$PWD/lib|; s|^includedir=.*|includedir=$PWD/include|\" $pc "
	         ">lib/pkgconfig/${pc##*/} || exit 1; done",
	         installed, installed));
}

/* Copies examples/build, and runs COMMANDS in that of SYSTEM. The user's environment for builds is not what is tried.
 */
static struct run build(const char *system, const char *commands)
{
	return run("[ -d build ] || cp -r $S/examples/build build; cd build/%s && export "
	           "PKG_CONFIG_PATH=%s/lib/pkgconfig && unset CFLAGS CPPFLAGS LDFLAGS LIBS DESTDIR MAKEFLAGS MFLAGS\n{ "
	           "%s\n} "
	           ">../log 2>&1 || { tail -n 30 ../log >&2; exit 1; }",
	           system, installed, commands);
}

/* The program is traced, and the report names where its three words leak. */
static void leak_is_named(const char *system, const char *program, const char *flavour)
{
	char command[100];

	snprintf(command, sizeof command, "build/%s/%s", system, program);
	must(run("LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=trace %s", command));
	snprintf(command, sizeof command, "[3,\"remember\",true,true,\"%s\"]\n", flavour);
	json_is("log-malloc-findleak", "trace",
	        "[([.leaks[].count] | add), .leaks[0].backtrace[0].function, (.leaks[0].backtrace[0].file | "
	        "endswith(\"leak.c\")), (.leaks | all(.backtrace[0].line == 12)), .flavour]",
	        command);
}

static const struct system {
	const char *name, *needs[3], *commands, *directory;
} systems[] = {
	{"cmake", {"cmake"}, "cmake -B build && cmake --build build", "build/"},
	{"meson", {"meson", "ninja"}, "meson setup build && meson compile -C build", "build/"},
	{"autotools",
         {"autoreconf", "automake", "libtoolize"},
         "autoreconf -i && ./configure -q --disable-dependency-tracking && make",
         ""},
};

START_TEST(programs_of_build_systems_are_traced)
{
	const struct system *system = &systems[_i];
	char test[100], program[100];

	snprintf(test, sizeof test, "programs_of_build_systems_are_traced: %s", system->name);
	for (size_t i = 0; i < sizeof system->needs / sizeof *system->needs; i++)
		if (system->needs[i] && !can_run(test, system->needs[i]))
			return;
	if (!can_run(test, "jq"))
		return;
	must(build(system->name, system->commands));
	snprintf(program, sizeof program, "%sleak", system->directory);
	leak_is_named(system->name, program, "wrap-dynamic");
	snprintf(program, sizeof program, "%sleak-static", system->directory);
	leak_is_named(system->name, program, "wrap-static");
}
END_TEST

/* With the names of the libraries alone, the functions are not wrapped. That must not link as if all were well. */
START_TEST(cmakes_names_of_libraries_alone_do_not_link)
{
	static const char test[] = "cmakes_names_of_libraries_alone_do_not_link";
	struct run linked;

	if (!can_run(test, "cmake"))
		return;
	must(build("cmake", "sed -i '/IMPORTED_TARGET/s/IMPORTED_TARGET//; /static/d; "
	                    "s/PkgConfig::LOG_MALLOC2/${LOG_MALLOC2_LIBRARIES}/; "
	                    "/add_executable/ilink_directories(${LOG_MALLOC2_LIBRARY_DIRS})' CMakeLists.txt"));
	linked = build("cmake", "cmake -B build && cmake --build build");
	ck_assert_int_ne(linked.status, 0);
	ck_assert_msg(strstr(linked.err, "__real_malloc"), "%s", linked.err);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("builds");
	TCase *tcase = tcase_create("examples");

	tcase_set_timeout(tcase, 180);
	tcase_add_unchecked_fixture(tcase, install, NULL);
	tcase_add_loop_test(tcase, programs_of_build_systems_are_traced, 0, (int)(sizeof systems / sizeof *systems));
	tcase_add_test(tcase, cmakes_names_of_libraries_alone_do_not_link);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
