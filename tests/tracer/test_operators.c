/* SPDX-License-Identifier: GPL-3.0-or-later */
/* C++'s operators new and delete: they are events, once, and releases by the wrong way are told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "traced.h"

#define SOURCES "$S/tests/programs/cxx/"

#define PKG_CONFIG "PKG_CONFIG_PATH=$B/pkgconfig:$PKG_CONFIG_PATH ${PKG_CONFIG:-pkg-config} "

static const struct compiler {
	const char *cxx, *flags;
	bool is_gnu; /* the runtime; what it keeps to the end is known */
} compilers[] = {
	{"g++", "", true},
	{"clang++", "-fsized-deallocation", true},
	{"clang++", "-fsized-deallocation -stdlib=libc++", false},
};

static const struct way {
	const char *flags, *pkg_config;
	bool is_static;
	bool for_all; /* compilers, and not only for the first one */
} ways[] = {
	{"", "", false, true},
	{"-static", "--static", true, true},
	{"-static-pie", "--static", true, false},
	{"-fuse-ld=gold", "", false, false},
	{"-static -fuse-ld=lld", "--static", true, false},
	{"-static -fuse-ld=mold", "--static", true, false},
};

#define COMPILERS ((int)(sizeof compilers / sizeof compilers[0]))
#define WAYS      ((int)(sizeof ways / sizeof ways[0]))

/* Compiles SOURCE. False: that can't be done here, and TEST is skipped. */
static bool compiled(const char *test, const struct compiler *with, const char *source, const char *options)
{
	char name[200];

	snprintf(name, sizeof name, "%s: %s %s", test, with->cxx, with->flags);
	if (!can_run(name, with->cxx))
		return false;
	write_file("empty.cc", "#include <new>\nint main() { delete new int; }\n", 45);
	if (run("%s %s -fPIE -c empty.cc && %s %s -o empty empty.o", with->cxx, with->flags, with->cxx, with->flags)
	            .status != 0) {
		skip(name, "its library is not installed");
		return false;
	}
	must(run("%s %s -std=c++17 -O1 -fPIE %s -c -o object.o " SOURCES "%s", with->cxx, with->flags, options,
	         source));
	return true;
}

/* Links what was compiled as PROGRAM. False: that can't be done here, and TEST is skipped. */
static bool linked(const char *test, const struct compiler *with, const struct way *way, const char *program)
{
	char name[200];
	struct run tried;

	snprintf(name, sizeof name, "%s: %s %s %s", test, with->cxx, with->flags, way->flags);
	if (run("%s %s %s -o empty empty.o", with->cxx, with->flags, way->flags).status != 0) {
		skip(name, "a linker or a library is not installed");
		return false;
	}
	tried = run("%s %s %s -pthread -o %s object.o $(" PKG_CONFIG "%s --cflags --libs log-malloc2-wrap-cxx) -ldl",
	            with->cxx, with->flags, way->flags, program, way->pkg_config);
	ck_assert_msg(tried.status == 0, "%s: %.1000s", name, tried.err);
	return true;
}

/* Runs COMMAND, whose trace goes to the file "trace". */
static struct traced traced_run(const char *command)
{
	struct run traced = run("LOG_MALLOC_QUIET=1 %s 1022>trace", command);

	ck_assert_msg(traced.status == 0, "%s: status %d, %.500s", command, traced.status, traced.err);
	ck_assert_str_eq(traced.err, "");
	return traced_read("trace", true);
}

#define SUMMARY "[.mismatched, .foreign, .unknown, .double, .total.count]"

/* ---- events ------------------------------------------------------------------- */

/* Asked for in this order, by a program's function forms(); the last one is a leak. */
enum { FIRST_SIZE = 6400, STEP = 64, LAST_SIZE = 7168 };

static void is_asked_for_and_released_once(const struct traced *trace, uint64_t size)
{
	unsigned asked = 0, released = 0;

	for (size_t i = 0; i < trace->count; i++) {
		const struct traced_call *call = &trace->list[i];

		if (call->event.size != size)
			continue;
		released += parse_is_free(call->event.call);
		if (parse_is_free(call->event.call))
			continue;
		asked++;
		ck_assert_uint_gt(call->depth, 0);
		ck_assert_str_eq(traced_symbol(call->frames[0]), "forms");
	}
	ck_assert_msg(asked == 1 && released == (size != LAST_SIZE), "%ju: %u and %u times", (uintmax_t)size, asked,
	              released);
}

static void forms_are_events(const char *settings)
{
	char command[100];
	struct traced trace;

	snprintf(command, sizeof command, "%s ./program forms", settings);
	trace = traced_run(command);
	traced_is_sound(&trace);
	for (uint64_t size = FIRST_SIZE; size <= LAST_SIZE; size += STEP)
		is_asked_for_and_released_once(&trace, size);
	ck_assert_uint_eq(trace.concluded, 0);
	json_is("log-malloc-findleak", "trace", SUMMARY, "[0,0,0,0,1]\n");
}

#define MISMATCHES "[.frees[] | select(.kind == \"mismatched\") | [.count, .asked_for_by, .released_by, "
#define TOLD                                                                                                           \
	"[[3,\"new\",\"free\",\"new_free\",\"new_free\"],"                                                             \
	"[1,\"new[]\",\"free\",\"new_array_free\",\"new_array_free\"],"                                                \
	"[1,\"malloc\",\"delete\",\"malloc_delete\",\"malloc_delete\"],"                                               \
	"[1,\"malloc\",\"delete[]\",\"calloc_delete_array\",\"calloc_delete_array\"],"                                 \
	"[1,\"malloc\",\"delete[]\",\"strdup_delete\",\"strdup_delete\"],"                                             \
	"[1,\"new\",\"delete[]\",\"new_delete_array\",\"new_delete_array\"],"                                          \
	"[1,\"new[]\",\"delete\",\"new_array_delete\",\"new_array_delete\"],"                                          \
	"[1,\"new[]\",\"free\",\"new_realloc\",\"new_realloc\"],"                                                      \
	"[1,\"new[]\",\"free\",\"large_new_free\",\"large_new_free\"],"                                                \
	"[1,\"aligned-new\",\"delete\",\"aligned_new_delete\",\"aligned_new_delete\"],"                                \
	"[1,\"new\",\"aligned-delete\",\"new_aligned_delete\",\"new_aligned_delete\"]]\n"

/* The functions that allocated and released: strdup()'s block is allocated below strdup(). */
#define FUNCTIONS                                                                                                      \
	"([.before.backtrace[].function] | map(select(. and test(\"_(free|delete|realloc)|^strdup_\")))[0]), "         \
	".backtrace[0].function]]"

static void mismatches_are_told(const char *settings, bool can_tell)
{
	char command[100];
	struct traced trace;

	snprintf(command, sizeof command, "%s ./program wrong", settings);
	trace = traced_run(command);
	ck_assert_uint_eq(trace.malformed, 0);
	json_is("log-malloc-findleak", "trace", MISMATCHES FUNCTIONS, can_tell ? TOLD : "[]\n");
	if (can_tell)
		ck_assert_int_eq(run("$B/log-malloc-findleak trace").status, 1);
}

/* Of a dynamic program, what a library releases is not seen, so it seems to leak. */
static void right_uses_are_not_told(bool sees_all)
{
	static const char *const uses[] = {"./program right", "./program failing"};

	for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
		struct traced trace = traced_run(uses[i]);

		traced_is_sound(&trace);
		json_is("log-malloc-findleak", "trace", "[.mismatched, .unknown, .double]", "[0,0,0]\n");
		if (sees_all)
			json_is("log-malloc-findleak", "trace",
			        "[.foreign, .leaks[].backtrace[].function | "
			        "select(. == 0 or . == \"right\" or . == \"failing\")]",
			        "[0]\n");
	}
}

START_TEST(a_linked_program_has_its_operators_traced)
{
	const struct compiler *with = &compilers[_i];
	static const char test[] = "a_linked_program_has_its_operators_traced";

	if (!compiled(test, with, "operators.cc", ""))
		return;
	for (int i = 0; i < WAYS; i++) {
		if ((_i && !ways[i].for_all) || !linked(test, with, &ways[i], "program"))
			continue;
		forms_are_events("");
		mismatches_are_told("", ways[i].is_static);
		right_uses_are_not_told(ways[i].is_static && with->is_gnu);
	}
}
END_TEST

/* --wrap does not reach calls of an operator from the file that defines it. So one half of a pair is missed. */
START_TEST(operators_of_the_program_itself_are_called_and_nothing_is_invented)
{
	static const char test[] = "operators_of_the_program_itself_are_called_and_nothing_is_invented";
	static const char *const options[] = {"-O2", "-O0 -DALL"};

	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		if (!compiled(test, &compilers[0], "own.cc", options[i]))
			return;
		for (int j = 0; j < 2; j++) {
			struct traced trace;

			ck_assert(linked(test, &compilers[0], &ways[j], "program"));
			trace = traced_run("./program");
			ck_assert_uint_eq(trace.malformed, 0);
			ck_assert_str_eq(must(run("LOG_MALLOC_QUIET=1 ./program 1022>/dev/null")).out, "1\n");
			json_is("log-malloc-findleak", "trace", SUMMARY, "[0,0,0,0,0]\n");
		}
	}
}
END_TEST

START_TEST(operators_in_a_library_of_the_program_are_called)
{
	static const char use[] = "#include <cstdio>\nint asked();\nint main(int n, char **)\n{\n\tint *p = new int(n);"
				  "\n\tprintf(\"%d %d\\n\", *p, asked());\n\tdelete p;\n}\n";
	/* Nothing but the operators leads the linker to this file. */
	static const char own[] = "#include <cstdlib>\n#include <new>\nint asked_times;\n"
				  "void *operator new(size_t size) { asked_times++; return malloc(size); }\n"
				  "void operator delete(void *p) noexcept { free(p); }\n"
				  "void operator delete(void *p, size_t) noexcept { free(p); }\n";
	static const char other[] = "extern int asked_times __attribute__((weak));\n"
				    "int asked() { return &asked_times ? asked_times : 0; }\n";

	if (!can_run("operators_in_a_library_of_the_program_are_called", "g++"))
		return;
	write_file("use.cc", use, sizeof use - 1);
	write_file("own.cc", own, sizeof own - 1);
	write_file("other.cc", other, sizeof other - 1);
	must(run("g++ -c use.cc own.cc other.cc && ar rcs libown.a own.o"));
	for (int j = 0; j < 2; j++) {
		struct run linking =
			run("g++ %s -o program use.o other.o -L. -lown $(" PKG_CONFIG "%s --libs log-malloc2-wrap-cxx)",
		            ways[j].flags, ways[j].pkg_config);

		ck_assert_msg(linking.status == 0, "%.1000s", linking.err);
		ck_assert_str_eq(must(run("LOG_MALLOC_QUIET=1 ./program 1022>trace")).out, "1 1\n");
		json_is("log-malloc-findleak", "trace", SUMMARY, "[0,0,0,0,0]\n");
	}
}
END_TEST

/* ---- preloaded ------------------------------------------------------------------ */

#define PRELOADED "LD_PRELOAD=\"$B/liblog-malloc2-operators.so $B/liblog-malloc2.so\" "

/* Programs and libraries with operators of their own, in part or hidden. Each prints what it prints without us. */
static const struct {
	const char *name, *link, *run;
} half_seen[] = {
	{"the program's own", "g++ -O2 -o program " SOURCES "own.cc", "./program"},
	{"all of the program's own", "g++ -O2 -DALL -o program " SOURCES "own.cc", "./program"},
	{"the runtime linked in", "g++ -static-libstdc++ -o program object.o -pthread -ldl", "./program right"},
	{"the runtime linked in, hidden",
         "g++ -o program object.o -pthread -ldl; "
         "g++ -O2 -shared -fPIC -static-libstdc++ -Wl,--exclude-libs,ALL -o plugin.so " SOURCES "plugin.cc",
         "./program ./plugin.so"},
	{"the same without symbols", "strip plugin.so", "./program ./plugin.so"},
	{"a program in C",
         "g++ -O2 -shared -fPIC -o plugin.so " SOURCES "plugin.cc; $CC -o program " SOURCES "loader.c -ldl",
         "./program ./plugin.so"},
};

START_TEST(a_program_has_its_operators_traced_by_the_library)
{
	struct traced trace;

	if (!compiled("a_program_has_its_operators_traced_by_the_library", &compilers[0], "operators.cc", ""))
		return;
	must(run("g++ -o program object.o -pthread -ldl"));
	forms_are_events(PRELOADED);
	mismatches_are_told(PRELOADED, true);
	/* The files of the callers have to be there. */
	must(run("cp program other && strip program && " PRELOADED "LOG_MALLOC_QUIET=1 ./program wrong 1022>trace"));
	json_is("log-malloc-findleak", "trace", ".mismatched", "13\n");
	must(run("rm program"));
	json_is("log-malloc-findleak", "trace 2>/dev/null", ".mismatched", "0\n");
	must(run("mv other program"));
	trace = traced_run(PRELOADED "./program right");
	ck_assert_uint_eq(trace.malformed, 0);
	json_is("log-malloc-findleak", "trace", SUMMARY, "[0,0,0,0,0]\n");
	trace = traced_run(PRELOADED "./program failing");
	ck_assert_uint_eq(trace.malformed, 0);
	json_is("log-malloc-findleak", "trace", SUMMARY, "[0,0,0,0,0]\n");
	must(run(LM " --operators -q -o trace ./program wrong"));
	json_is("log-malloc-findleak", "trace", ".mismatched", "13\n");
	/* Without the tracker, the library does nothing. */
	must(run("LD_PRELOAD=$B/liblog-malloc2-operators.so ./program right"));
	for (size_t i = 0; i < sizeof half_seen / sizeof half_seen[0]; i++) {
		char command[300];

		must(run("%s", half_seen[i].link));
		snprintf(command, sizeof command, PRELOADED "%s", half_seen[i].run);
		trace = traced_run(command);
		ck_assert_uint_eq(trace.malformed, 0);
		json_is("log-malloc-findleak", "trace", "[.mismatched, .foreign, .unknown, .double]", "[0,0,0,0]\n");
		must(run("LOG_MALLOC_QUIET=1 %s 1022>/dev/null >with; %s >without; cmp with without", command,
		         half_seen[i].run));
	}
}
END_TEST

/* ---- what readers make of it ------------------------------------------------------- */

static void formats_tell_the_same(void)
{
	mismatches_are_told("LOG_MALLOC_FORMAT=compact", true);
	mismatches_are_told("LOG_MALLOC_FORMAT=packed", true);
	/* As text, too. */
	must(run("$B/log-malloc-cat trace >text"));
	json_is("log-malloc-findleak", "text", MISMATCHES FUNCTIONS, TOLD);
	forms_are_events("LOG_MALLOC_FORMAT=packed");
}

static void the_user_can_accept_them(void)
{
	static const char accepted[] = "leak:^new_free\nleak:strdup_delete\n";
	struct run found;

	must(run("LOG_MALLOC_QUIET=1 ./program wrong 1022>trace"));
	write_file("accepted", accepted, sizeof accepted - 1);
	json_is("log-malloc-findleak", "-s accepted trace", "[.mismatched, (.frees | length)]", "[9,9]\n");
	found = run("$B/log-malloc-findleak -s accepted trace");
	ck_assert_int_eq(found.status, 1);
	ck_assert_ptr_nonnull(strstr(found.out, "; 9 frees by the wrong function; 4 frees by the wrong function "
	                                        "suppressed; "));
	ck_assert_ptr_nonnull(strstr(found.out, ": released by delete[], but asked for by malloc (line: "));
	ck_assert_ptr_null(strstr(found.out, " new_free"));
	found = run("$B/log-malloc-findleak --format=junit -s accepted trace");
	ck_assert_int_eq(found.status, 1);
	ck_assert_ptr_nonnull(strstr(found.out, "tests=\"10\" failures=\"9\""));
	write_file("all", "leak:*\n", 7);
	ck_assert_int_eq(run("$B/log-malloc-findleak -s all trace").status, 0);
}

/* Those that are about alignments are news to older versions of it. */
static void valgrind_finds_the_same(const char *test)
{
	if (!can_run(test, "valgrind"))
		return;
	must(run("g++ -pthread -o plain object.o -ldl && "
	         "valgrind --num-callers=2 ./plain wrong 2>&1 | grep -A2 Mismatched | grep -oE '[a-z_]+ \\(in' | "
	         "sort -u | grep _ | grep -v aligned >found;"
	         "printf '%%s (in\\n' new_free new_array_free malloc_delete calloc_delete_array strdup_delete "
	         "new_delete_array new_array_delete new_realloc large_new_free | sort >ours;"
	         "diff ours found"));
}

START_TEST(each_mismatch_is_told_in_each_format)
{
	static const char test[] = "each_mismatch_is_told_in_each_format";

	if (!compiled(test, &compilers[0], "operators.cc", "") || !linked(test, &compilers[0], &ways[1], "program"))
		return;
	formats_tell_the_same();
	the_user_can_accept_them();
	valgrind_finds_the_same(test);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("operators");

	TIMES(a_linked_program_has_its_operators_traced, COMPILERS);
	ONCE(each_mismatch_is_told_in_each_format);
	ONCE(a_program_has_its_operators_traced_by_the_library);
	ONCE(operators_of_the_program_itself_are_called_and_nothing_is_invented);
	ONCE(operators_in_a_library_of_the_program_are_called);
	return run_suite(suite);
}
