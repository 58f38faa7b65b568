/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where functions, files and lines come from: addr2line says what is right. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINK_STATIC "$(PKG_CONFIG_PATH=$B/pkgconfig pkg-config --static --cflags --libs log-malloc2-wrap)"

static const char inlined_cc[] =
	"#include <cstdlib>\n"
	"#include <vector>\n"
	"namespace deep {\n"
	"template <typename T> struct box {\n"
	"	T *take(int n) { return static_cast<T *>(std::calloc(n, sizeof(T))); }\n" /* line 5 */
	"};\n"
	"static inline __attribute__((always_inline)) int *inner(int n)\n"
	"{\n"
	"	box<int> b;\n"
	"	return b.take(n);\n" /* line 10 */
	"}\n"
	"__attribute__((noinline)) int *outer(int n)\n"
	"{\n"
	"	int *p = inner(n);\n" /* line 14 */
	"	p[0] = n;\n"
	"	return p;\n"
	"}\n"
	"}\n"
	"int main(int argc, char **)\n"
	"{\n"
	"	int *volatile lost = deep::outer(argc + 40);\n" /* line 21 */
	"	lost[1] = 1;\n"
	"	return 0;\n"
	"}\n";

/* Compiles NAME.cc and traces it into ./t: with the preload library, or linked with the archive. */
static void trace_cxx(const char *name, const char *compiler, const char *flags, bool archive)
{
	if (archive)
		must(run("%s -g -O2 %s -o %s %s.cc " LINK_STATIC " && LOG_MALLOC_OUTPUT=$PWD/t ./%s", compiler, flags,
		         name, name, name));
	else
		must(run("%s -g -O2 %s -o %s %s.cc && LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./%s",
		         compiler, flags, name, name, name));
}

/* The frames of the largest leak in ./inlined itself, a line each: function without namespace, file without
 * directories, line, inlined.
 */
static const char frames_filter[] =
	"first(.leaks[] | select(.call == \"calloc\" and .bytes == 164)).backtrace[] | "
	"select(.module // \"\" | endswith(\"/inlined\")) |"
	" [(.function // \"\" | sub(\"\\\\(.*\"; \"\") | sub(\"^.*::\"; \"\")), (.file // \"\" | split(\"/\") |"
	" last), .line, .inlined, .offset] | @tsv";

static char *frames(const char *options)
{
	struct run r = run("$B/log-malloc-findleak --no-default-suppressions --format=json %s t >json; [ $? = 1 ] &&"
	                   "jq -r '%s' json | cut -f 1-4 | tee frames",
	                   options, frames_filter);

	must(r);
	return r.out;
}

static const char expected_frames[] = "take\tinlined.cc\t5\ttrue\n"
				      "inner\tinlined.cc\t10\ttrue\n"
				      "outer\tinlined.cc\t14\tfalse\n"
				      "main\tinlined.cc\t21\tfalse\n";

static bool has_frames(const char *options)
{
	return strncmp(frames(options), expected_frames, strlen(expected_frames)) == 0;
}

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
	write_file("inlined.cc", inlined_cc, strlen(inlined_cc));
	for (size_t c = 0; c < 2; c++) {
		if (c && !have_command(compilers[c])) {
			skip("every_kind_of_program_has_its_inlined_functions", "clang++ is not installed");
			continue;
		}
		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
			trace_cxx("inlined", compilers[c], kinds[i].flags, kinds[i].archive);
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
	write_file("inlined.cc", inlined_cc, strlen(inlined_cc));
	trace_cxx("inlined", "${CXX:-c++}", "-static", true);
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

/* ---- separate debug information ---------------------------------------------- */

/* ./inlined without debug information, which is in ./full.debug; ./whole has both; the trace is there already. */
static void split_off(const char *flags)
{
	write_file("inlined.cc", inlined_cc, strlen(inlined_cc));
	trace_cxx("inlined", "${CXX:-c++}", flags, false);
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

static char *asked(const char *options)
{
	struct run r = run(ASKING " $B/log-malloc-findleak --no-default-suppressions --format=json %s t >json;"
	                          "jq -r '%s' json | cut -f 1-4",
	                   options, frames_filter);

	must(r);
	return r.out;
}

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
	ck_assert(memcmp(asked(""), expected_frames, strlen(expected_frames)) != 0);
	ck_assert_str_eq(run("grep -c GET log").out, "0\n");
	ck_assert(memcmp(asked("--debuginfod"), expected_frames, strlen(expected_frames)) == 0);
	/* For a program that is not here, too. */
	must(run("rm -rf cache inlined"));
	ck_assert(memcmp(asked("--debuginfod"), expected_frames, strlen(expected_frames)) == 0);
	run("kill $(cat server)");
	ck_assert_int_eq(run("unset DEBUGINFOD_URLS; $B/log-malloc-findleak --debuginfod t").status, 2);
}
END_TEST

/* ---- what is not what it was ------------------------------------------------------ */

START_TEST(a_program_that_was_built_again_is_named_and_gives_no_lines)
{
	struct run r;

	if (!can_run("a_program_that_was_built_again_is_named_and_gives_no_lines", "jq"))
		return;
	write_file("inlined.cc", inlined_cc, strlen(inlined_cc));
	trace_cxx("inlined", "${CXX:-c++}", "-Wl,--build-id", false);
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

/* Writes ./t, the trace of a process that allocated in code of no file, and that process's /tmp/perf-PID.map. */
#define MADE_PID "$((1000000000 + $$))"
#define MADE     "/tmp/perf-$pid.map"
#define WRITE_MADE                                                                                                     \
	"pid=" MADE_PID "; trap 'rm -rf " MADE "' EXIT; rm -rf t " MADE "; umask 022;"                                 \
	"printf '# PID %%d\n# EXE /opt/one\n+ INIT [0:0] malloc=0\n+ malloc 100 0x10 "                                 \
	"[100:104]\n[0x500010]\n[0x500011]\n"                                                                          \
	"[0x500030]\n+ FINI [100:104] malloc=1\n' $pid >t;"                                                            \
	"printf '500000 20 first one\n500010 8 second\\302\\233\\033[m\nnothing\n5 0 none\n"                           \
	"0x500020 0x10 third\r\n' >" MADE ";"

START_TEST(code_that_was_made_at_run_time_has_the_names_that_its_process_gave)
{
	struct run r = run(WRITE_MADE "$B/log-malloc-findleak t; $B/log-malloc-report --format=folded t;"
	                              "$B/log-malloc-findleak -n t >n; $B/log-malloc-findleak --sysroot=. t >s 2>e;"
	                              "printf 'leak:second*\n' >known; $B/log-malloc-findleak -s known t >k");

	ck_assert_str_eq(r.err, "");
	ck_assert_msg(strstr(r.out, "\n       first one "), "%s", r.out);
	ck_assert_msg(strstr(r.out, "\n       second\\302\\233\\033[m "), "%s", r.out);
	ck_assert_msg(strstr(r.out, "\n       third "), "%s", r.out);
	ck_assert_ptr_null(strchr(r.out, '\033'));
	ck_assert_ptr_nonnull(strstr(r.out, "third;second"));
	ck_assert_int_eq(run("grep -q third n || grep -q third s").status, 1);
	must(run("grep -q '; 1 block, 100 bytes suppressed' k"));
}
END_TEST

START_TEST(names_that_somebody_else_may_have_given_are_not_used)
{
	static const struct {
		const char *change, *message;
	} cases[] = {
		{"chmod o+w " MADE, "no regular file"},
		{"mv " MADE " u; ln -s $PWD/u " MADE, "not used"},
		{"ln " MADE " hard || cp -l " MADE " /tmp/perf-$pid.map2; trap 'rm -rf /tmp/perf-'$pid.* EXIT",
	         "no regular file"},
		{"rm " MADE "; mkfifo " MADE, "no regular file"},
		{"rm " MADE "; mkdir " MADE, "no regular file"},
		{"touch -d '1 hour ago' " MADE, "older than the trace"},
		{"touch -d '1 hour' " MADE, "newer than the trace"},
	};
	struct run r;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		r = run(WRITE_MADE "%s; $B/log-malloc-findleak t", cases[i].change);
		ck_assert_msg(!strstr(r.out, "first one"), "%s", cases[i].change);
		ck_assert_msg(strstr(r.err, cases[i].message), "%s: %s", cases[i].change, r.err);
		ck_assert_int_eq(r.status, 1);
	}
	/* It belongs to somebody else. */
	if (run("[ $(id -u) = 0 ]").status == 0) {
		r = run(WRITE_MADE "chown 12345 " MADE "; $B/log-malloc-findleak t");
		ck_assert_msg(!strstr(r.out, "first one") && strstr(r.err, "another user"), "%s", r.err);
		r = run(WRITE_MADE "chown 12345 " MADE "; cat t | $B/log-malloc-findleak -");
		ck_assert_msg(!strstr(r.out, "first one") && strstr(r.err, "another user"), "%s", r.err);
	}
	/* A process that still runs can write to it later; a pipe has no age. */
	r = run(WRITE_MADE "sed -i /FINI/d t; touch -d '1 hour' " MADE "; $B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, "first one"), "%s%s", r.out, r.err);
	r = run(WRITE_MADE "cat t | $B/log-malloc-findleak -");
	ck_assert_msg(strstr(r.out, "first one"), "%s%s", r.out, r.err);
	/* It is as old as what the trace covers, which was copied. */
	r = run(WRITE_MADE "sed -i 's/^+ FINI/# TIME 7200000\\n&/' t; touch -d '1 hour ago' " MADE
	                   "; $B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, "first one"), "%s%s", r.out, r.err);
}
END_TEST

START_TEST(names_of_code_that_was_made_are_kept_beside_the_trace)
{
	struct run r;

	/* The launcher copies them, for each process that it traces. */
	must(run("umask 022; " LM " -f -q -o t sh -c 'echo 500000 20 name $$ >/tmp/perf-$$.map; echo $$ >one; "
	         "sh -c \"echo 500000 20 name \\$\\$ >/tmp/perf-\\$\\$.map; echo \\$\\$ >two; true\"; true';"
	         "trap 'rm -f /tmp/perf-'$(cat one).map' /tmp/perf-'$(cat two).map EXIT;"
	         "cmp t.perf-$(cat one).map /tmp/perf-$(cat one).map && "
	         "cmp t.$(cat two).perf-$(cat two).map /tmp/perf-$(cat two).map"));
	/* They are read there when /tmp has none or another process's, and on another machine. */
	r = run(WRITE_MADE "mv " MADE
	                   " t.perf-$pid.map; $B/log-malloc-findleak t; $B/log-malloc-findleak --sysroot=. t; "
	                   "touch -d '1 hour ago' t.perf-$pid.map; $B/log-malloc-findleak t");
	ck_assert_str_eq(r.err, "");
	ck_assert_ptr_nonnull(strstr(strstr(strstr(r.out, "first one") + 1, "first one") + 1, "first one"));
	r = run(WRITE_MADE "echo 500000 20 kept >t.perf-$pid.map; $B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, "\n       kept ") && !strstr(r.out, "first one"), "%s", r.out);
	r = run(WRITE_MADE "mv " MADE " u; ln -s u t.perf-$pid.map; $B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.err, "t.perf-") && !strstr(r.out, "first one"), "%s%s", r.out, r.err);
	/* What can't be the process's is not copied. */
	r = run("umask 0; " LM " -q -o v sh -c 'echo 500000 20 name >/tmp/perf-$$.map; echo $$ >one; true'; "
	        "rm /tmp/perf-$(cat one).map; ls v.perf-*");
	ck_assert_str_eq(r.out, "");
	ck_assert_ptr_nonnull(strstr(r.err, "no regular file"));
}
END_TEST

START_TEST(no_process_is_started_for_a_frame)
{
	if (!can_run("no_process_is_started_for_a_frame", "strace"))
		return;
	write_file("inlined.cc", inlined_cc, strlen(inlined_cc));
	trace_cxx("inlined", "${CXX:-c++}", "", false);
	must(run("strace -f -o calls $B/log-malloc-findleak t >out; ! grep -E 'clone|fork|socket' calls && test "
	         "$(grep -c 'openat.*inlined\"' calls) -le 2"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("symbols");
	TCase *kinds = tcase_create("kinds"), *separate = tcase_create("separate"), *changed = tcase_create("changed");

	tcase_set_timeout(kinds, 400);
	tcase_add_test(kinds, every_kind_of_program_has_its_inlined_functions);
	tcase_add_test(kinds, addr2line_says_the_same_of_each_frame);
	tcase_add_test(kinds, functions_that_the_linker_dropped_name_nothing);
	tcase_add_test(kinds, a_module_from_0_on_runs_where_it_was_linked_for);
	tcase_add_test(kinds, names_of_rust_are_demangled);
	tcase_add_test(kinds, code_of_the_kernel_is_named_so);
	tcase_add_test(kinds, no_process_is_started_for_a_frame);
	tcase_add_test(kinds, names_of_code_that_was_made_are_kept_beside_the_trace);
	tcase_add_test(kinds, code_that_was_made_at_run_time_has_the_names_that_its_process_gave);
	tcase_add_test(kinds, names_that_somebody_else_may_have_given_are_not_used);
	suite_add_tcase(suite, kinds);
	tcase_set_timeout(separate, 120);
	tcase_add_test(separate, debug_information_is_found_by_link);
	tcase_add_test(separate, debug_information_is_found_by_build_id);
	tcase_add_test(separate, debug_information_is_found_by_the_programs_name);
	tcase_add_test(separate, a_trace_of_another_machine_is_read_with_its_files);
	tcase_add_test(separate, servers_are_asked_if_the_user_wants_it);
	suite_add_tcase(suite, separate);
	tcase_set_timeout(changed, 120);
	tcase_add_test(changed, a_program_that_was_built_again_is_named_and_gives_no_lines);
	tcase_add_test(changed, without_a_build_id_the_traces_own_names_tell_that_a_program_was_built_again);
	tcase_add_test(changed, a_stripped_program_that_changed_since_is_not_used_without_a_witness);
	tcase_add_test(changed, modules_that_come_and_go_are_told_apart);
	suite_add_tcase(suite, changed);
	return run_suite(suite);
}
