/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where debug information is found that is not in the program's file. */
#include "inlined.h"
#include "support.h"

#include <stdbool.h>
#include <string.h>

/* ./inlined without debug information, which is in ./full.debug; ./whole has both; the trace is there already. */
static void split_off(const char *flags)
{
	trace_inlined("${CXX:-c++}", flags, false);
	must(run("objcopy --only-keep-debug inlined full.debug && cp inlined whole && strip inlined"));
	ck_assert(!has_frames(""));
}

static bool can_split(const char *test)
{
	if (have_command("objcopy"))
		return can_run(test, "jq");
	skip(test, "objcopy is not installed");
	return false;
}

/* Puts full.debug where the build-id says, below DIR. */
static void file_by_build_id(const char *dir)
{
	must(run("id=$(sed -n 's,^# MODULE [^ ]* [^ ]* \\([0-9a-f]*\\) .*/inlined$,\\1,p' t | head -n 1);"
	         "mkdir -p %s/.build-id/${id:0:2} && cp full.debug %s/.build-id/${id:0:2}/${id:2}.debug",
	         dir, dir));
}

START_TEST(debug_information_is_found_by_link)
{
	static const char *const places[] = {".", ".debug", "dbg", "dbg/$PWD"};

	if (!can_split("debug_information_is_found_by_link"))
		return;
	/* Without a build-id, so that nothing else leads there. */
	split_off("-Wl,--build-id=none");
	must(run("objcopy --add-gnu-debuglink=full.debug inlined; mkdir -p dbg/$PWD .debug; mv full.debug kept"));
	ck_assert(!has_frames(""));
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		must(run("cp kept %s/full.debug", places[i]));
		ck_assert_msg(has_frames(i < 2 ? "" : "--debug-dir dbg"), "%s", places[i]);
		must(run("rm %s/full.debug", places[i]));
	}
	/* Another file of that name is none of its own. */
	must(run("cp inlined full.debug"));
	ck_assert(!has_frames(""));
}
END_TEST

START_TEST(debug_information_is_found_by_build_id)
{
	if (!can_split("debug_information_is_found_by_build_id"))
		return;
	split_off("-Wl,--build-id");
	file_by_build_id("dbg");
	ck_assert(!has_frames(""));
	ck_assert(has_frames("--debug-dir dbg"));
	ck_assert(has_frames("--debug-dir $PWD/nothing:$PWD/dbg"));
	/* The program itself need not be here any more, or can be another one by now. */
	must(run("mv inlined gone"));
	ck_assert(has_frames("--debug-dir=dbg"));
	must(run("cp /bin/true inlined"));
	ck_assert(has_frames("--debug-dir=dbg"));
}
END_TEST

START_TEST(debug_information_is_found_by_the_programs_name)
{
	static const char name[] = "debug_information_is_found_by_the_programs_name";
	/* The program is not here; it is here, but stripped; it is another one by now. */
	static const char *const states[] = {"rm -f inlined", "cp stripped inlined", "cp /bin/true inlined"};
	/* A file of that name in the first directory is another build, stripped, or no file. */
	static const char *const others[] = {"cp /bin/true", "cp stripped", "echo no ELF file >", "mkdir"};

	if (!can_split(name))
		return;
	split_off("-Wl,--build-id");
	must(run("mv inlined stripped; mkdir built other; cp whole built/inlined"));
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		must(run("%s", states[i]));
		ck_assert_msg(!has_frames(""), "%s", states[i]);
		ck_assert_msg(has_frames("--debug-dir built"), "%s", states[i]);
		must(run("mv built/inlined built/inlined.debug"));
		ck_assert_msg(has_frames("--debug-dir built/"), "%s", states[i]);
		must(run("mv built/inlined.debug built/inlined"));
		for (size_t j = 0; j < sizeof others / sizeof *others; j++) {
			must(run("rm -rf other/inlined; %s other/inlined", others[j]));
			ck_assert_msg(!has_frames("--debug-dir other"), "%s, %s", states[i], others[j]);
			ck_assert_msg(has_frames("--debug-dir $PWD/other:built"), "%s, %s", states[i], others[j]);
		}
	}
	/* Without a build-id, a function that the trace names vouches for the file. */
	split_off("-Wl,--build-id=none");
	must(run("rm inlined; cp whole built/inlined"));
	ck_assert(!has_frames(""));
	ck_assert(has_frames("--debug-dir built"));
	must(run("mkdir new; sed 's/^namespace deep {/int filler[9]; int more(int a) { return 3 * filler[a]; } &/' "
	         "inlined.cc "
	         ">new/inlined.cc; ${CXX:-c++} -g -O2 -Wl,--build-id=none -o built/inlined new/inlined.cc"));
	ck_assert(!has_frames("--debug-dir built"));
	ck_assert_ptr_nonnull(
		strstr(run("$B/log-malloc-findleak --debug-dir built t").err, "not the file that the trace is about"));
}
END_TEST

START_TEST(a_trace_of_another_machine_is_read_with_its_files)
{
	if (!can_split("a_trace_of_another_machine_is_read_with_its_files"))
		return;
	split_off("-Wl,--build-id");
	/* The program in the sysroot is the stripped one; an absolute link there leads to there. */
	must(run("mkdir -p root/$PWD root/real && mv inlined root/real/ && ln -s /real/inlined root/$PWD/inlined"));
	ck_assert(!has_frames(""));
	ck_assert(!has_frames("--sysroot root"));
	file_by_build_id("root/usr/lib/debug");
	ck_assert(has_frames("--sysroot root"));
	ck_assert(has_frames("--sysroot root/"));
	ck_assert(!has_frames("--sysroot /"));
	/* Modules keep the names that they had there. */
	must(run("jq -r '.leaks[].backtrace[].module // empty' json | grep \"^$PWD/inlined$\""));
	must(run("rm -r root/usr; mkdir -p root/$PWD/.debug root/$PWD; rm root/$PWD/inlined;"
	         "objcopy --add-gnu-debuglink=full.debug root/real/inlined root/$PWD/inlined; cp full.debug "
	         "root/$PWD/.debug/"));
	ck_assert(has_frames("--sysroot root"));
	/* Below the directory of debug information with the path that it had there. */
	must(run("rm -r root/$PWD/.debug; mkdir -p root/usr/lib/debug/$PWD; cp full.debug root/usr/lib/debug/$PWD/"));
	ck_assert(has_frames("--sysroot root"));
}
END_TEST

/* A server as debuginfod's clients know it, on a port of its own; its log in ./log. */
static bool start_server(void)
{
	must(run("id=$(sed -n 's,^# MODULE [^ ]* [^ ]* \\([0-9a-f]*\\) .*/inlined$,\\1,p' t | head -n 1);"
	         "mkdir -p srv/buildid/$id && cp full.debug srv/buildid/$id/debuginfo"));
	return run("cd srv && setsid python3 -u -m http.server --bind 127.0.0.1 0 >../port 2>../log & echo $! >server;"
	           "for i in $(seq 100); do grep -q 'port [0-9]' port && exit 0; sleep 0.1; done; exit 1")
	               .status == 0;
}

#define ASKING                                                                                                         \
	"DEBUGINFOD_CACHE_PATH=$PWD/cache DEBUGINFOD_URLS=http://127.0.0.1:$(sed 's/.* port \\([0-9]*\\) .*/\\1/' "    \
	"port)"

START_TEST(servers_are_asked_if_the_user_wants_it)
{
	static const char name[] = "servers_are_asked_if_the_user_wants_it";

	if (!can_split(name))
		return;
	if (run("python3 -c 'import ctypes; ctypes.CDLL(\"libdebuginfod.so.1\")'").status != 0) {
		skip(name, "python3 or libdebuginfod is not installed");
		return;
	}
	split_off("-Wl,--build-id");
	ck_assert(start_server());
	ck_assert(!has_frames_with(ASKING, ""));
	ck_assert_str_eq(run("grep -c GET log").out, "0\n");
	ck_assert(has_frames_with(ASKING, "--debuginfod"));
	/* For a program that is not here, too. */
	must(run("rm -rf cache inlined"));
	ck_assert(has_frames_with(ASKING, "--debuginfod"));
	run("kill $(cat server)");
	ck_assert_int_eq(run("unset DEBUGINFOD_URLS; $B/log-malloc-findleak --debuginfod t").status, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("debug_files");
	TCase *tests = tcase_create("debug_files");

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, debug_information_is_found_by_link);
	tcase_add_test(tests, debug_information_is_found_by_build_id);
	tcase_add_test(tests, debug_information_is_found_by_the_programs_name);
	tcase_add_test(tests, a_trace_of_another_machine_is_read_with_its_files);
	tcase_add_test(tests, servers_are_asked_if_the_user_wants_it);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
