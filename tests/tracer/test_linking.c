/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ways to get at the tracker: linked through pkg-config by each compiler
 * and linker, from the build tree. What is installed: test_installed.c.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linked.h"
#include "support.h"
#include "traced.h"

/* ---- each compiler with each linker --------------------------------------------- */

static const struct toolchain {
	const char *cc, *cxx, *linker;
} toolchains[] = {
	{"gcc", "g++", "bfd"},       {"gcc", "g++", "gold"},       {"gcc", "g++", "lld"},
	{"clang", "clang++", "bfd"}, {"clang", "clang++", "gold"}, {"clang", "clang++", "lld"},
};

static const struct way {
	const char *name, *flags, *pkg_config;
	bool sees_libc;
} ways[] = {
	{"dynamic", "", "", false},
	{"static", "-static", "--static", true},
	{"static-pie", "-static-pie -fPIE", "--static", true},
};

#define TOOLCHAINS ((int)(sizeof toolchains / sizeof toolchains[0]))
#define WAYS       ((int)(sizeof ways / sizeof ways[0]))

/* Why this can't be linked here, or NULL. */
static const char *missing(const struct toolchain *tools, const struct way *way)
{
	static char why[100];
	char linker[20];

	snprintf(linker, sizeof linker, "ld.%s", tools->linker);
	snprintf(why, sizeof why, "%s or %s is not installed", tools->cxx, linker);
	if (!have_command(tools->cc) || !have_command(tools->cxx) || !have_command(linker))
		return why;
	if (strcmp(tools->linker, "gold") == 0 && strcmp(way->name, "static-pie") == 0)
		return "gold does not know --no-dynamic-linker";
	return NULL;
}

static void link_all(const struct toolchain *tools, const struct way *way, const char *lto)
{
	struct run linked;

	write_programs();
	/* Side by side; what fails leaves its name. */
	linked =
		run("flags=\"-g -O1 -fuse-ld=%s %s\"; libs=$(" PKG_CONFIG "%s --cflags --libs log-malloc2-wrap)\n"
	            "%s $flags -o strdup strdup.c $libs || echo strdup >>failed &\n"
	            "%s $flags -o aligned aligned.c $libs || echo aligned >>failed &\n"
	            "%s $flags -o exception exception.cc $libs || echo exception >>failed &\n"
	            "%s $flags %s -o lto lto.c $libs || echo lto >>failed &\n"
	            "wait; [ ! -e failed ]",
	            tools->linker, way->flags, "$B", way->pkg_config, tools->cc, tools->cc, tools->cxx, tools->cc, lto);
	ck_assert_msg(linked.status == 0, "%s, %s, %s: %.400s", tools->cc, tools->linker, way->name, linked.err);
}

START_TEST(programs_link_through_pkg_config_and_are_traced)
{
	/* All of them with all linkers are in "make matrix". */
	const struct toolchain *tools = &toolchains[_i];
	const struct way *way = &ways[_i % WAYS];
	const char *lto = "-flto", *why = missing(tools, way);
	const struct traced_call *call;
	struct traced trace;
	char name[100];

	snprintf(name, sizeof name, "programs_link_through_pkg_config_and_are_traced: %s %s %s", tools->cc,
	         tools->linker, way->name);
	if (why) {
		skip(name, why);
		return;
	}
	if (strcmp(tools->cc, "gcc") == 0 && strcmp(tools->linker, "lld") == 0) {
		skip(name, "of these, -flto: lld does not read gcc's intermediate code");
		lto = "";
	}
	link_all(tools, way, lto);

	trace = run_soundly("./strdup");
	if (way->sees_libc) {
		call = traced_find(&trace, "malloc", STRDUP_SIZE);
		ck_assert_uint_ge(call->depth, 2);
		ck_assert_ptr_nonnull(strstr(traced_symbol(call->frames[0]), "strdup"));
		ck_assert_str_eq(traced_symbol(call->frames[1]), "main");
		ck_assert_str_eq(traced_symbol(call->frames[call->depth - 1]), "_start");
	} else {
		ck_assert_uint_eq(trace.count, 0);
	}

	trace = run_soundly("./aligned");
	calls_from(&trace, "posix_memalign", ALIGNED_SIZE, "main");
	ck_assert_uint_eq(trace.calls[LM_CALL_FREE], 1);

	/* new and delete are inside the library of a dynamic program, out of the linker's reach. */
	trace = run_soundly("./exception");
	if (way->sees_libc) {
		call = traced_find(&trace, "malloc", STRING_SIZE);
		ck_assert_str_eq(traced_symbol(call->frames[0]), "_Znwm");
		ck_assert_uint_lt(frame_of(call, "main"), call->depth);
		ck_assert_uint_gt(trace.calls[LM_CALL_FREE], 200);
	} else {
		ck_assert_uint_eq(trace.count, 0);
	}

	trace = run_soundly("./lto");
	calls_from(&trace, "malloc", LTO_SIZE, "main");
}
END_TEST

/* ---- what linkers are told to leave out -------------------------------------------- */

static const char leaky_c[] = "#include <stdlib.h>\n"
			      "#include <string.h>\n"
			      "#define KEPT __attribute__((noinline))\n"
			      "char *volatile kept;\n"
			      "void dropped(void) { kept = malloc(1); memset(kept, 1, 1); }\n"
			      "KEPT char *leaky(size_t n) { char *p = malloc(n); p[0] = 1; return p; }\n"
			      "KEPT int one(int x) { return x * 3 + 1; }\n"
			      "KEPT int other(int x) { return x * 3 + 1; }\n"
			      "int main(void)\n"
			      "{\n"
			      "	kept = leaky(4567);\n"
			      "	kept = NULL;\n"
			      "	free(malloc(11));\n"
			      "	return one(3) != 10 || other(3) != 10;\n"
			      "}\n";
#define LEAKY_SIZE 4567

static const char *const leaky_linkers[] = {"bfd", "gold", "lld", "mold"};
static const char *const leaky_options[] = {"-s", "-Wl,--gc-sections", "-Wl,--icf=all", "-Wl,--no-eh-frame-hdr"};
/* Preloaded, and linked both ways: the name of the program, what it is linked with, how it is run. */
static const struct {
	const char *name, *flags, *run;
} leaky_ways[] = {
	{"plain", "", "LD_PRELOAD=$B/liblog-malloc2.so"},
	{"dynamic", "$(pkg-config --cflags --libs log-malloc2-wrap)", ""},
	{"static", "-static $(pkg-config --static --cflags --libs log-malloc2-wrap)", ""},
};

#define LEAKY_LINKERS ((int)(sizeof leaky_linkers / sizeof *leaky_linkers))
#define LEAKY_OPTIONS (sizeof leaky_options / sizeof *leaky_options)
#define LEAKY_WAYS    (sizeof leaky_ways / sizeof *leaky_ways)

/* Links the program in all ways, side by side: STATUS is 0 if all went well. The options stand last and prevail. */
static struct run link_leaky(const char *linker, const char *option)
{
	char commands[2000] = "";

	for (size_t i = 0; i < LEAKY_WAYS; i++) {
		size_t used = strlen(commands);

		snprintf(commands + used, sizeof commands - used,
		         "gcc -fuse-ld=%s -o %s leaky.o %s %s || echo %s >>failed &\n", linker, leaky_ways[i].name,
		         leaky_ways[i].flags, option, leaky_ways[i].name);
	}
	return run("export PKG_CONFIG_PATH=$B/pkgconfig; rm -f failed; %swait; [ ! -e failed ]", commands);
}

static bool is_unknown_option(const char *message)
{
	return strcasestr(message, "unrecognized option") || strcasestr(message, "unknown argument") ||
	       strcasestr(message, "unknown command line option");
}

/* The leak and its caller, by the trace and by log-malloc-findleak. A stripped program has no names. */
static void leaky_is_found(const char *way, const char *environment, const char *option)
{
	bool has_names = strcmp(option, "-s") != 0;
	const struct traced_call *call;
	struct traced trace;
	struct run found;
	char command[200];

	snprintf(command, sizeof command, "%s ./%s", environment, way);
	trace = run_soundly(command);
	call = traced_find(&trace, "malloc", LEAKY_SIZE);
	ck_assert_msg(call->depth >= 1, "%s %s", way, option);
	found = run("$B/log-malloc-findleak trace | grep -A 3 'leaked %d bytes'", LEAKY_SIZE);
	ck_assert_msg(found.status == 0, "%s %s: %s", way, option, found.out);
	if (!has_names)
		return;
	ck_assert_str_eq(traced_symbol(call->frames[0]), "leaky");
	/* Where the linker made no table of the functions, our own unwinder makes one. */
	if (run("grep -q UNWIND=dwarf $B/variant").status == 0) {
		ck_assert_msg(call->depth >= 2, "%s %s: the caller alone", way, option);
		ck_assert_str_eq(traced_symbol(call->frames[1]), "main");
	}
	ck_assert_msg(strstr(found.out, "\n       leaky ") && strstr(found.out, " leaky.c:6 "), "%s %s: %s", way,
	              option, found.out);
}

START_TEST(a_leak_is_found_whatever_the_linker_was_told_to_leave_out)
{
	static const char test[] = "a_leak_is_found_whatever_the_linker_was_told_to_leave_out";
	const char *linker = leaky_linkers[_i];
	char command[20], name[200];
	size_t way;

	snprintf(command, sizeof command, "ld.%s", linker);
	if (!can_run(test, command) || !can_run(test, "gcc"))
		return;
	write_file("leaky.c", leaky_c, sizeof leaky_c - 1);
	must(run("gcc -g -O1 -fno-builtin -ffunction-sections -fdata-sections -c leaky.c"));
	for (size_t i = 0; i < LEAKY_OPTIONS; i++) {
		struct run linked = link_leaky(linker, leaky_options[i]);

		if (linked.status != 0 && is_unknown_option(linked.err)) {
			snprintf(name, sizeof name, "%s: %s %s", test, linker, leaky_options[i]);
			linked.err[strcspn(linked.err, "\n")] = '\0';
			skip(name, linked.err);
			continue;
		}
		ck_assert_msg(linked.status == 0, "%s %s: %.400s", linker, leaky_options[i], linked.err);
		/* Each option has another way with each linker. */
		way = (i + (size_t)_i) % LEAKY_WAYS;
		leaky_is_found(leaky_ways[way].name, leaky_ways[way].run, leaky_options[i]);
	}
}
END_TEST

/* ---- a malloc of the program's own ------------------------------------------------ */

/* The four that glibc's manual asks for at least; with MORE, some others. */
static const char own_malloc_c[] =
	"#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n"
	"static char pool[1 << 20];\nstatic size_t used;\n"
	"static void *take(size_t align, size_t n)\n{\n"
	"	uintptr_t p = ((uintptr_t)pool + used + 16 + align - 1) & -align;\n"
	"	if (n > sizeof pool || p + n > (uintptr_t)pool + sizeof pool) return NULL;\n"
	"	used = p + n - (uintptr_t)pool;\n	((size_t *)p)[-1] = n;\n	return (void *)p;\n}\n"
	"void *malloc(size_t n) { return take(16, n); }\n"
	"void free(void *p) { (void)p; }\n"
	"void *calloc(size_t count, size_t n) { return take(16, count * n); }\n"
	"void *realloc(void *p, size_t n)\n{\n	void *q = take(16, n);\n"
	"	size_t old = p ? ((size_t *)p)[-1] : 0;\n"
	"	return q && p ? memcpy(q, p, old < n ? old : n) : q;\n}\n"
	"#ifdef MORE\n"
	"void *memalign(size_t align, size_t n) { return take(align, n); }\n"
	"void *aligned_alloc(size_t align, size_t n) { return take(align, n); }\n"
	"size_t malloc_usable_size(void *p) { return p ? ((size_t *)p)[-1] : 0; }\n"
	"#endif\n";

static const char owner_c[] = "#include <malloc.h>\n#include <stdlib.h>\n"
			      "int main(void)\n{\n"
			      "	char *volatile p = malloc(3210), *volatile q = calloc(3, 1001);\n"
			      "	p = realloc(p, 4321);\n"
			      "#ifdef MORE\n	free(aligned_alloc(64, 640));\n	free(memalign(128, 1281));\n#endif\n"
			      "	free(q);\n	return p == NULL;\n}\n";

static void own_is_traced(const char *compiler, const char *flags, const char *more)
{
	struct run linked =
		run("%s -g -fno-builtin %s %s -fno-lto -c own.c && %s -g -fno-builtin %s %s -o owner owner.c own.o "
	            "$(" PKG_CONFIG " --static --cflags --libs log-malloc2-wrap)",
	            compiler, flags, more, compiler, flags, more, "$B");
	struct traced trace;

	ck_assert_msg(linked.status == 0, "%s %s %s: %.400s", compiler, flags, more, linked.err);
	trace = run_linked("./owner");
	calls_from(&trace, "malloc", 3210, "main");
	calls_from(&trace, "calloc", 3003, "main");
	calls_from(&trace, "realloc", 4321, "main");
	ck_assert_uint_eq(trace.finis, 1);
	ck_assert_int_eq(trace.fini.used, (int64_t)trace.heap.bytes);
	if (*more) {
		calls_from(&trace, "aligned_alloc", 640, "main");
		calls_from(&trace, "memalign", 1281, "main");
	}
	/* The usable sizes are those that the program tells, or are not known. */
	ck_assert_int_eq(trace.fini.usable, *more ? trace.fini.used : 0);
}

START_TEST(a_program_with_a_malloc_of_its_own_links_and_is_traced)
{
	static const char *const compilers[] = {"gcc", "clang"};
	static const char *const links[] = {"-static", "-static-pie -fPIE", ""};
	static const char *const options[] = {"-O0", "-O2", "-O2 -ffunction-sections -Wl,--gc-sections", "-O2 -flto"};
	const char *compiler = compilers[_i / 3];
	char flags[100];

	if (!can_run("a_program_with_a_malloc_of_its_own_links_and_is_traced", compiler))
		return;
	write_file("own.c", own_malloc_c, strlen(own_malloc_c));
	write_file("owner.c", owner_c, strlen(owner_c));
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		snprintf(flags, sizeof flags, "%s %s", links[_i % 3], options[i]);
		own_is_traced(compiler, flags, i % 2 ? "" : "-DMORE");
	}
}
END_TEST

/* ---- names ---------------------------------------------------------------------- */

#define API                                                                                                            \
	"log_malloc_get_usage log_malloc_mark log_malloc_trace_disable log_malloc_trace_enable "                       \
	"log_malloc_trace_printf log_malloc_trace_vprintf "

/* What the operators of C++ call, which are in other objects. */
#define FOR_OPERATORS "log_malloc_delete log_malloc_new_begin log_malloc_new_end log_malloc_operators_are_own "

/* One line of the names in the last column. */
#define NAMES "awk 'NF >= 3 { print $NF }' | sed 's/@.*//' | LC_ALL=C sort | tr '\\n' ' '"

START_TEST(the_library_exports_the_family_and_the_api)
{
	ck_assert_str_eq(run("nm -D --defined-only $B/liblog-malloc2.so | " NAMES).out,
	                 run("printf 't t %%s\\n' _Exit _exit aligned_alloc calloc execl execle execlp execv execve "
	                     "execveat execvp "
	                     "execvpe fexecve free free_aligned_sized free_sized " API FOR_OPERATORS
	                     "log_malloc_tracker_preloaded log_malloc_attach_begin log_malloc_attach_end "
	                     "malloc memalign mlockall posix_memalign pvalloc realloc reallocarray valloc | " NAMES)
	                         .out);
	ck_assert_int_eq(run("readelf -dW $B/liblog-malloc2.so | grep SONAME | "
	                     "grep -qF '[liblog-malloc2.so.1]'")
	                         .status,
	                 0);
}
END_TEST

/* And the table that only static programs ask for, and what notes of probes refer to. */
START_TEST(the_archive_defines_what_the_linker_wraps_and_the_api)
{
	ck_assert_str_eq(run("nm -g --defined-only $B/liblog-malloc2-wrap.a | " NAMES).out,
	                 run("{ sed 's/^/t t __wrap_/' $S/wrap/functions; printf 't t %%s\\n' " API FOR_OPERATORS
	                     "log_malloc_find_operator log_malloc_look_at_operators log_malloc_static_names "
	                     "_.stapsdt.base; } | " NAMES)
	                         .out);
}
END_TEST

/* The archive in the program, or in a library of its; the launcher can see the first, and nothing but that. */
START_TEST(where_both_are_in_one_process_the_preloaded_one_writes_the_trace)
{
	static const char *const links[] = {
		"$CC -g -fno-builtin one.c -o both $(pkg-config --cflags --libs log-malloc2-wrap)",
		"$CC -g -fno-builtin -no-pie one.c -o both $(pkg-config --cflags --libs log-malloc2-wrap)",
		"$CC -g -fno-builtin -shared -fPIC -Dmain=inner one.c -o libone.so $(pkg-config --cflags --libs "
		"log-malloc2-wrap) && echo 'int inner(void); int main(void) { return inner(); }' >two.c && "
		"$CC two.c -o both ./libone.so",
	};
	static const char source[] =
		"#include <stdlib.h>\n#include <string.h>\nint main(void) { for (int i = 1; i < 9; i++) "
		"{ free(malloc(i * 1000)); free(strdup(\"foreign to one\")); } return 0; }\n";
	static const char *const outputs[] = {"LOG_MALLOC_OUTPUT=trace", "1022>trace"};

	write_file("one.c", source, sizeof source - 1);
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		struct run linked = run("export PKG_CONFIG_PATH=$B/pkgconfig; %s", links[i]);

		ck_assert_msg(linked.status == 0, "%s", linked.err);
		for (size_t way = 0; way < 2; way++) {
			struct run result = run("rm -f trace; LOG_MALLOC_QUIET=1 LD_PRELOAD=$B/liblog-malloc2.so %s "
			                        "./both %s",
			                        way ? "" : outputs[way], way ? outputs[way] : "");
			struct traced trace = traced_read("trace", false);

			ck_assert_msg(result.status == 0, "%s", result.err);
			ck_assert_str_eq(result.err, "");
			traced_is_sound(&trace);
			ck_assert_uint_eq(trace.inits, 1);
			ck_assert_uint_eq(trace.calls[LM_CALL_MALLOC], 16);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("linking");
	TCase *tcase = group(suite, "linkers", NULL);

	tcase_add_loop_test(tcase, programs_link_through_pkg_config_and_are_traced, 0, TOOLCHAINS);
	tcase_add_loop_test(tcase, a_program_with_a_malloc_of_its_own_links_and_is_traced, 0, 6);
	tcase_add_test(tcase, the_library_exports_the_family_and_the_api);
	tcase_add_test(tcase, the_archive_defines_what_the_linker_wraps_and_the_api);
	tcase_add_test(tcase, where_both_are_in_one_process_the_preloaded_one_writes_the_trace);

	tcase = group(suite, "left out", NULL);
	tcase_add_loop_test(tcase, a_leak_is_found_whatever_the_linker_was_told_to_leave_out, 0, LEAKY_LINKERS);

	return run_suite(suite);
}
