/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ways to get at the tracker: linked through pkg-config by each compiler
 * and linker, from the build tree and from where it was installed, and built
 * in each of its variants, for other libcs and machines too.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "traced.h"

/* Where builds go. A group of tests shares those of its fixture, which runs before Check forks for each test. */
static char built[PATH_MAX];

/* 'make check' has variables of its own, which are not meant for the makes in here. */
#define MAKE                                                                                                           \
	"env -u MAKEFLAGS -u MFLAGS -u UNWIND -u SAN -u V -u DESTDIR -u CPPFLAGS -u CFLAGS -u LDFLAGS "                \
	"make -C \"$S\" --no-print-directory "

/* The pkg-config of the build directory %s. */
#define PKG_CONFIG "PKG_CONFIG_PATH=%s/pkgconfig:$PKG_CONFIG_PATH ${PKG_CONFIG:-pkg-config} "

/* ---- programs ----------------------------------------------------------------- */

/* Nothing of the family is called by name. */
static const char strdup_c[] = "#include <string.h>\n"
			       "char *kept;\n"
			       "int main(void)\n"
			       "{\n"
			       "	kept = strdup(\"forty-two letters, and the NUL behind them\");\n"
			       "	return !kept || kept[41] != 'm';\n"
			       "}\n";
#define STRDUP_SIZE 43

static const char aligned_c[] = "#include <stdlib.h>\n"
				"#include <stdint.h>\n"
				"int main(void)\n"
				"{\n"
				"	void *p = NULL;\n"
				"	if (posix_memalign(&p, 256, 777) != 0 || (uintptr_t)p % 256)\n"
				"		return 1;\n"
				"	free(p);\n"
				"	return 0;\n"
				"}\n";
#define ALIGNED_SIZE 777

static const char exception_cc[] = "#include <stdexcept>\n"
				   "#include <string>\n"
				   "#include <vector>\n"
				   "int main(int argc, char **argv)\n"
				   "{\n"
				   "	std::vector<std::string> v;\n"
				   "	for (int i = 0; i < 100; i++)\n"
				   "		v.push_back(std::string(5000, 'x') + argv[0]);\n"
				   "	try {\n"
				   "		if (argc)\n"
				   "			throw std::runtime_error(v[3]);\n"
				   "	} catch (const std::exception &e) {\n"
				   "		return v[3] == e.what() && v[99].size() > 5000 ? 0 : 1;\n"
				   "	}\n"
				   "	return 2;\n"
				   "}\n";
/* std::string's, with its NUL. */
#define STRING_SIZE 5001

static const char lto_c[] = "#include <stdlib.h>\n"
			    "void *volatile kept;\n"
			    "int main(void)\n"
			    "{\n"
			    "	kept = malloc(3210);\n"
			    "	free(kept);\n"
			    "	return 0;\n"
			    "}\n";
#define LTO_SIZE 3210

static const struct {
	const char *file, *source;
} programs[] = {
	{"strdup.c", strdup_c},
	{"aligned.c", aligned_c},
	{"exception.cc", exception_cc},
	{"lto.c", lto_c},
};

static void write_programs(void)
{
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
		write_file(programs[i].file, programs[i].source, strlen(programs[i].source));
}

/* PROGRAM is a command line; its trace goes to the file "trace". */
static struct traced run_traced(const char *program)
{
	struct run traced = run("LOG_MALLOC_QUIET=1 %s 1022>trace", program);

	ck_assert_msg(traced.status == 0, "%s: status %d, %.200s", program, traced.status, traced.err);
	ck_assert_str_eq(traced.err, "");
	return traced_read("trace", true);
}

static struct traced run_soundly(const char *program)
{
	struct traced trace = run_traced(program);

	traced_is_sound(&trace);
	return trace;
}

/* The first frame of CALL that is SYMBOL, or its depth. */
static size_t frame_of(const struct traced_call *call, const char *symbol)
{
	size_t i = 0;

	while (i < call->depth && strcmp(traced_symbol(call->frames[i]), symbol) != 0)
		i++;
	return i;
}

static void calls_from(const struct traced *trace, const char *function, uint64_t size, const char *symbol)
{
	const struct traced_call *call = traced_find(trace, function, size);

	ck_assert_uint_gt(call->depth, 0);
	ck_assert_str_eq(traced_symbol(call->frames[0]), symbol);
}

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
	const struct toolchain *tools = &toolchains[_i / WAYS];
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
		for (size_t way = 0; way < LEAKY_WAYS; way++)
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
	trace = run_traced("./owner");
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
		own_is_traced(compiler, flags, "");
		own_is_traced(compiler, flags, "-DMORE");
	}
}
END_TEST

/* ---- names ---------------------------------------------------------------------- */

#define API                                                                                                            \
	"log_malloc_get_usage log_malloc_trace_disable log_malloc_trace_enable log_malloc_trace_printf "               \
	"log_malloc_trace_vprintf "

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
	                     "log_malloc_tracker_preloaded "
	                     "malloc memalign mlockall posix_memalign pvalloc realloc reallocarray valloc | " NAMES)
	                         .out);
	ck_assert_int_eq(run("readelf -dW $B/liblog-malloc2.so | grep SONAME | "
	                     "grep -qF '[liblog-malloc2.so.1]'")
	                         .status,
	                 0);
}
END_TEST

/* And the table that only static programs ask for. */
START_TEST(the_archive_defines_what_the_linker_wraps_and_the_api)
{
	ck_assert_str_eq(
		run("nm -g --defined-only $B/liblog-malloc2-wrap.a | " NAMES).out,
		run("{ sed 's/^/t t __wrap_/' $S/wrap/functions; printf 't t %%s\\n' " API FOR_OPERATORS
	            "log_malloc_find_operator log_malloc_look_at_operators log_malloc_static_names; } | " NAMES)
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

/* ---- installed ------------------------------------------------------------------ */

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
	                 "bin/log-malloc-report\n"
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
				    "mandir=/4/man docdir=/5/doc compdir=/6/completions";
	struct run made = run(MAKE "B=%s/b install %s", built, where);

	ck_assert_msg(made.status == 0, "make install: %.400s", made.err);
	/* How many of the commands, libraries, headers and so on there are in each directory. */
	ck_assert_str_eq(
		run("cd dest && find . ! -type d | cut -d/ -f2-3 | LC_ALL=C sort | uniq -c | sed 's/^ *//'").out,
		run("cd $S && printf '7 1/bin\n9 2/lib\n2 3/include\n%%d 4/man\n4 5/doc\n7 6/completions\n'"
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

/* ---- variants ------------------------------------------------------------------- */

/* With flags that distributions and debuggers set, too. */
static const struct variant {
	const char *unwind, *settings;
} variants[] = {
	{"none", "CFLAGS='-Os -ffunction-sections -fdata-sections'"},
	{"execinfo", "CFLAGS='-O2 -flto'"},
	{"libunwind", "CPPFLAGS=-D_FORTIFY_SOURCE=2 CFLAGS='-O2 -g -fstack-protector-all'"},
	{"dwarf", "CFLAGS='-O2 -g -flto -fno-optimize-sibling-calls' CPPFLAGS=-DLOG_MALLOC_BACKTRACE_COUNT=4"},
	{"fp", "CFLAGS='-O0 -g'"},
	{"gcc", "CFLAGS='-O0 -g'"},
};

#define VARIANTS ((int)(sizeof variants / sizeof variants[0]))

enum { NONE, EXECINFO, LIBUNWIND, DWARF, FP, GCC };

static const char *variant_missing(int variant)
{
	if (variant == LIBUNWIND && run("${PKG_CONFIG:-pkg-config} --exists libunwind").status != 0)
		return "libunwind's headers are not installed";
	if ((variant == DWARF || variant == FP) &&
	    run("case $(uname -m) in x86_64|aarch64) ;; *) false ;; esac").status != 0)
		return "our own unwinder does not know this machine";
	return NULL;
}

/* Skipped with words, or there: its directory below BUILT is named like its unwinder. */
static bool have_variant(const char *test, int variant)
{
	const char *why = variant_missing(variant);
	char name[100];

	if (why) {
		snprintf(name, sizeof name, "%s: UNWIND=%s", test, variants[variant].unwind);
		skip(name, why);
	}
	return !why;
}

static void build(const char *directory, const char *what, const char *settings)
{
	struct run made = run(MAKE "-j2 B=%s/%s %s %s", built, directory, settings, what);

	ck_assert_msg(made.status == 0 && !*made.err, "make %s %s: %.400s", settings, what, made.err);
}

static void build_variants(void)
{
	snprintf(built, sizeof built, "%s", scratch());
	for (int i = 0; i < VARIANTS; i++) {
		char settings[200];

		if (variant_missing(i))
			continue;
		snprintf(settings, sizeof settings, "UNWIND=%s %s", variants[i].unwind, variants[i].settings);
		build(variants[i].unwind, "preload wrap", settings);
	}
}

START_TEST(each_unwinder_tells_the_caller)
{
	char command[PATH_MAX + 100];
	const struct traced_call *call;
	struct traced trace;

	if (!have_variant("each_unwinder_tells_the_caller", _i))
		return;
	snprintf(command, sizeof command,
	         "LOG_MALLOC_BACKTRACE_DEPTH=16 LD_PRELOAD=%s/%s/liblog-malloc2.so $B/examples/leak-01", built,
	         variants[_i].unwind);
	trace = run_traced(command);
	/* What loading libgcc allocated comes before INIT: in the totals, but not in the trace. */
	if (_i != EXECINFO)
		traced_is_sound(&trace);
	call = traced_find(&trace, "malloc", 2000);
	if (_i == NONE) {
		ck_assert_uint_eq(call->depth, 0);
		return;
	}
	ck_assert_str_eq(traced_symbol(call->frames[0]), "main");
	/* The program may have no frame pointers, and libc has none. */
	if (_i == FP)
		return;
	ck_assert_uint_gt(call->depth, 1);
	ck_assert_str_eq(traced_symbol(call->frames[call->depth - 1]), "_start");
}
END_TEST

START_TEST(each_unwinder_is_invisible_to_the_program)
{
	struct run untraced = run("$B/tests/programs/semantics");
	struct run traced;

	if (!have_variant("each_unwinder_is_invisible_to_the_program", _i))
		return;
	traced = run("LOG_MALLOC_QUIET=1 LD_PRELOAD=%s/%s/liblog-malloc2.so $B/tests/programs/semantics 1022>trace",
	             built, variants[_i].unwind);
	ck_assert_int_eq(traced.status, 0);
	ck_assert_str_eq(traced.err, "");
	/* Its first line is about the first descriptor that it gets, most of them are about errno. */
	ck_assert_msg(strcmp(traced.out, untraced.out) == 0, "UNWIND=%s", variants[_i].unwind);
}
END_TEST

START_TEST(each_unwinder_works_linked_into_the_program)
{
	/* Not every distribution compiles libunwind.a for position independent programs. */
	static const char *const flags[] = {"-Wl,--gc-sections", "-static -no-pie -Wl,--gc-sections",
	                                    "-static-pie -fPIE"};
	static const char *const pkg_config[] = {"", "--static", "--static"};
	static const char name[] = "each_unwinder_works_linked_into_the_program";

	if (!have_variant(name, _i))
		return;
	for (int i = 0; i < 3; i++) {
		const struct traced_call *call;
		struct traced trace;
		struct run linked =
			run("d=%s/%s; ${CC:-cc} -g -fno-builtin %s -o leak $S/examples/leak-01.c $(" PKG_CONFIG
		            "%s --cflags --libs log-malloc2-wrap)",
		            built, variants[_i].unwind, flags[i], "$d", pkg_config[i]);

		if (linked.status != 0 && _i == LIBUNWIND && strstr(linked.err, "recompile with -f")) {
			skip(name, "UNWIND=libunwind, -static-pie: libunwind.a is not position independent here");
			continue;
		}
		ck_assert_msg(linked.status == 0, "UNWIND=%s %s: %.400s", variants[_i].unwind, flags[i], linked.err);
		trace = run_soundly("LOG_MALLOC_BACKTRACE_DEPTH=16 ./leak");
		call = traced_find(&trace, "malloc", 2000);
		if (_i == NONE) {
			ck_assert_uint_eq(call->depth, 0);
			continue;
		}
		ck_assert_str_eq(traced_symbol(call->frames[0]), "main");
		if (_i != FP)
			ck_assert_str_eq(traced_symbol(call->frames[call->depth - 1]), "_start");
	}
}
END_TEST

/* Compiles frame_pointers.c with FLAGS, and returns the trace that the unwinder VARIANT makes of it. */
static struct traced trace_frame_pointers(const char *flags, int variant)
{
	char command[PATH_MAX + 200];
	struct run compiled = run(
		"${CC:-cc} -g -O2 -fno-optimize-sibling-calls %s -o frame_pointers $S/tests/programs/frame_pointers.c",
		flags);

	ck_assert_msg(compiled.status == 0, "%s: %.400s", flags, compiled.err);
	snprintf(command, sizeof command,
	         "LOG_MALLOC_BACKTRACE_DEPTH=64 LD_PRELOAD=%s/%s/liblog-malloc2.so ./frame_pointers >/dev/null", built,
	         variants[variant].unwind);
	return run_soundly(command);
}

/* The backtrace of the malloc of SIZE bytes begins with SYMBOLS, which a NULL ends. */
static void comes_by(const struct traced *trace, uint64_t size, const char *const *symbols)
{
	const struct traced_call *call = traced_find(trace, "malloc", size);

	for (size_t i = 0; symbols[i]; i++) {
		ck_assert_uint_gt(call->depth, i);
		ck_assert_str_eq(traced_symbol(call->frames[i]), symbols[i]);
	}
}

#define HAVE_POINTERS "-fno-omit-frame-pointer"
#define HAVE_NONE     "-fomit-frame-pointer"

START_TEST(frame_pointers_lead_to_the_callers)
{
	static const char *const plain[] = {"inner", "middle", "main", NULL};
	static const char *const with_room[] = {"inner", "middle", "with_room", "main", NULL};
	static const char *const handler[] = {"inner", "middle", "handler", NULL};
	struct traced trace;

	if (!have_variant("frame_pointers_lead_to_the_callers", FP))
		return;
	trace = trace_frame_pointers(HAVE_POINTERS, FP);
	comes_by(&trace, 20001, plain);
	comes_by(&trace, 20002, with_room);
	/* A handler's, also on a stack of its own, leads on to those of what it interrupted. */
	for (uint64_t size = 20003; size <= 20004; size++) {
		const struct traced_call *call = traced_find(&trace, "malloc", size);

		comes_by(&trace, size, handler);
		ck_assert_uint_lt(frame_of(call, "handle"), call->depth);
		ck_assert_uint_lt(frame_of(call, "main"), call->depth);
	}
}
END_TEST

START_TEST(frame_pointers_lead_to_no_frame_that_the_tables_do_not_know)
{
	struct traced by_pointers, by_tables;

	if (!have_variant("frame_pointers_lead_to_no_frame_that_the_tables_do_not_know", FP))
		return;
	by_pointers = trace_frame_pointers(HAVE_POINTERS, FP);
	by_tables = trace_frame_pointers(HAVE_POINTERS, DWARF);
	for (uint64_t size = 20001; size <= 20004; size++) {
		const struct traced_call *call = traced_find(&by_pointers, "malloc", size);
		const struct traced_call *whole = traced_find(&by_tables, "malloc", size);
		size_t at = 0;

		ck_assert_uint_ge(call->depth, 3);
		for (size_t i = 0; i < call->depth; i++) {
			/* The program lies elsewhere each time; what stands in front of the address does not change. */
			size_t length = strcspn(call->frames[i], "[");

			while (at < whole->depth && strncmp(whole->frames[at], call->frames[i], length + 1) != 0)
				at++;
			ck_assert_msg(at < whole->depth, "%s", call->frames[i]);
		}
	}
}
END_TEST

START_TEST(frame_pointers_of_any_value_do_no_harm)
{
	static const char *const flags[] = {HAVE_POINTERS, HAVE_NONE};

	if (!have_variant("frame_pointers_of_any_value_do_no_harm", FP))
		return;
	for (int i = 0; i < 2; i++) {
		struct traced trace = trace_frame_pointers(flags[i], FP);
		size_t count = 0;

		for (size_t j = 0; j < trace.count; j++) {
			const struct traced_call *call = &trace.list[j];

			if (call->event.size < 21000 || call->event.size > 30000 || parse_is_free(call->event.call))
				continue;
			ck_assert_uint_ge(call->depth, 1);
			ck_assert_str_eq(traced_symbol(call->frames[0]), "malloc_with");
			count++;
		}
		ck_assert_uint_gt(count, 4096);
	}
}
END_TEST

START_TEST(the_default_depth_is_set_when_compiling)
{
	static const struct {
		const char *setting;
		size_t depth;
	} cases[] = {{"", 4}, {"LOG_MALLOC_BACKTRACE_DEPTH=7", 7}};

	if (!have_variant("the_default_depth_is_set_when_compiling", DWARF))
		return;
	for (size_t i = 0; i < 2; i++) {
		char command[PATH_MAX + 100];
		struct traced trace;

		snprintf(command, sizeof command,
		         "%s LD_PRELOAD=%s/dwarf/liblog-malloc2.so $B/tests/programs/unwinding", cases[i].setting,
		         built);
		trace = run_soundly(command);
		ck_assert_uint_eq(traced_find(&trace, "malloc", 10002)->depth, cases[i].depth);
	}
}
END_TEST

START_TEST(make_install_wrap_builds_the_archive_and_nothing_of_the_commands)
{
	struct run dry = run(MAKE "-n B=$PWD/b install-wrap");

	ck_assert_int_eq(dry.status, 0);
	ck_assert_ptr_nonnull(strstr(dry.out, "/liblog-malloc2-wrap.a"));
	ck_assert_ptr_nonnull(strstr(dry.out, "/pkgconfig/log-malloc2-wrap.pc"));
	ck_assert_ptr_null(strstr(dry.out, "src/tools"));
	ck_assert_ptr_null(strstr(dry.out, "src/reader"));
	ck_assert_ptr_null(strstr(dry.out, "src/preload"));
	ck_assert_ptr_null(strstr(dry.out, "-ldw"));
}
END_TEST

START_TEST(a_cross_compiler_is_named_by_what_its_tools_begin_with)
{
	struct run dry = run("unset CC CXX AR OBJCOPY; " MAKE "-n B=$PWD/b V=1 CROSS_COMPILE=one-two-three- wrap");

	ck_assert_int_eq(dry.status, 0);
	ck_assert_ptr_nonnull(strstr(dry.out, "\none-two-three-gcc "));
	ck_assert_ptr_nonnull(strstr(dry.out, "\none-two-three-objcopy "));
	ck_assert_ptr_nonnull(strstr(dry.out, "&& one-two-three-ar "));
	ck_assert_ptr_null(strstr(dry.out, "\ncc "));
	ck_assert_ptr_null(strstr(dry.out, "\nobjcopy "));
	/* A tool that is named itself is taken, by a variable of make or of the environment. */
	dry = run("unset CC CXX OBJCOPY; export AR=other-ar; " MAKE
	          "-n B=$PWD/b V=1 CROSS_COMPILE=one-two-three- CC=clang wrap");
	ck_assert_ptr_nonnull(strstr(dry.out, "\nclang "));
	ck_assert_ptr_nonnull(strstr(dry.out, "\none-two-three-objcopy "));
	ck_assert_ptr_nonnull(strstr(dry.out, "&& other-ar "));
	ck_assert_ptr_null(strstr(dry.out, "one-two-three-gcc"));
}
END_TEST

START_TEST(tables_are_asked_for_where_a_compiler_makes_none)
{
	static const struct {
		const char *compiler, *settings, *flags;
	} cases[] = {
		{"gcc", "", ""},
		{"clang", "", ""},
		{"clang --target=arm-linux-gnueabihf", "", "-funwind-tables"},
		{"clang --target=arm-linux-gnueabihf", "CFLAGS='-O2 -g -fasynchronous-unwind-tables -flto'",
	         "-funwind-tables"},
		{"clang --target=mips-linux-gnu", "CFLAGS=-g", "-funwind-tables"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char compiler[20];

		snprintf(compiler, sizeof compiler, "%.*s", (int)strcspn(cases[i].compiler, " "), cases[i].compiler);
		if (!can_run("tables_are_asked_for_where_a_compiler_makes_none", compiler))
			continue;
		/* Of gcc and clang, only those of a machine that has tables anyway are known. */
		if (!*cases[i].flags && run("case $(uname -m) in x86_64|aarch64) ;; *) false ;; esac").status != 0)
			continue;
		must(run(MAKE "B=$PWD/b%zu CC='%s' %s $PWD/b%zu/tables", i, cases[i].compiler, cases[i].settings, i));
		ck_assert_msg(run("[ \"$(cat b%zu/tables)\" = '%s' ]", i, cases[i].flags).status == 0, "%s %s",
		              cases[i].compiler, cases[i].settings);
	}
}
END_TEST

START_TEST(unknown_variants_are_errors_that_name_the_accepted_ones)
{
	static const struct {
		const char *setting, *message;
	} cases[] = {
		{"UNWIND=foo", "UNWIND=foo: it has to be one of: auto dwarf exidx fp gcc libunwind execinfo none."},
		{"UNWIND='dwarf none'",
	         "UNWIND=dwarf none: it has to be one of: auto dwarf exidx fp gcc libunwind execinfo none."},
		{"UNWIND=", "UNWIND=: it has to be one of: auto dwarf exidx fp gcc libunwind execinfo none."},
		{"SAN=foo", "SAN=foo: it has to be empty or one of: address undefined thread address,undefined."},
		{"SAN='address thread'",
	         "SAN=address thread: it has to be empty or one of: address undefined thread address,undefined."},
		{"V=2", "V=2: it has to be 0 or 1."},
		/* Make's lists can't hold such a name. */
		{"prefix='/a b'", "prefix=/a b: there can't be a space in it."},
		{"DESTDIR='/a b'", "DESTDIR=/a b: there can't be a space in it."},
		{"prefix=/a:b", "prefix=/a:b: there can't be a colon in it."},
		{"check SUITE=test_foo", "SUITE=test_foo: it has to be one or more of: test_allocators "},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct run made = run(MAKE "B=$PWD/b %s preload", cases[i].setting);

		ck_assert_int_eq(made.status, 2);
		ck_assert_msg(strstr(made.err, cases[i].message) != NULL, "%s: %.200s", cases[i].setting, made.err);
	}
	ck_assert_int_eq(run("[ -e b ]").status, 1);
}
END_TEST

/* ---- the compiler's unwinder -------------------------------------------------------- */

/* In a static program it has a lock, and a table that is sorted under it by the first call. */

/* The first call is the program's: libgcc allocates under its lock. It takes that if there can be threads. */
static const char first_c[] = "#include <execinfo.h>\n#include <pthread.h>\n#include <stdlib.h>\n#include <unistd.h>\n"
			      "int main(void)\n{\n"
			      "	void *frames[9];\n	pthread_key_t key;\n"
			      "	alarm(20);\n	pthread_key_create(&key, NULL);\n"
			      "	if (backtrace(frames, 9) < 2) return 1;\n"
			      "	free(malloc(3210));\n	return 0;\n}\n";

/*
 * The process forks while its threads are in libgcc, and the child goes there, too. Of each fork the threads make a
 * number of calls, not as many as a slow machine leaves time for: all of them are read afterwards.
 */
static const char forks_c[] = "#include <execinfo.h>\n#include <pthread.h>\n#include <stdlib.h>\n"
			      "#include <sys/wait.h>\n#include <unistd.h>\n"
			      "static volatile int over, left;\n"
			      "static void *allocate(void *p)\n{\n"
			      "	while (!over) {\n"
			      "		if (__atomic_fetch_sub(&left, 1, __ATOMIC_RELAXED) > 0) free(malloc(321));\n"
			      "		else usleep(20);\n"
			      "	}\n	return p;\n}\n"
			      "int main(void)\n{\n"
			      "	pthread_t threads[3];\n	void *frames[9];\n	int status = 0;\n"
			      "	free(malloc(3210));\n"
			      "	for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, allocate, NULL);\n"
			      "	for (int i = 0; i < 200 && !status; i++) {\n"
			      "		__atomic_store_n(&left, 300, __ATOMIC_RELAXED);\n"
			      "		pid_t child = fork();\n"
			      "		if (child == 0) { alarm(20); _exit(backtrace(frames, 9) < 2); }\n"
			      "		waitpid(child, &status, 0);\n	}\n"
			      "	over = 1;\n"
			      "	for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);\n"
			      "	return status != 0;\n}\n";

START_TEST(the_compilers_unwinder_makes_nobody_wait_for_ever)
{
	static const char *const sources[] = {first_c, forks_c};
	static const char *const flags[] = {"-static", "-static-pie -fPIE", ""};
	struct traced trace;

	write_file("waits.c", sources[_i], strlen(sources[_i]));
	for (size_t i = 0; i < 3; i++) {
		struct run linked = run("D=%s/gcc; ${CC:-cc} -g -fno-builtin %s -o waits waits.c $(" PKG_CONFIG
		                        "%s --cflags --libs log-malloc2-wrap)",
		                        built, flags[i], "$D", i < 2 ? "--static" : "");

		ck_assert_msg(linked.status == 0, "%s: %.400s", flags[i], linked.err);
		trace = run_traced("timeout 60 ./waits");
		calls_from(&trace, "malloc", 3210, "main");
	}
}
END_TEST

/* ---- other libcs and machines ------------------------------------------------------ */

START_TEST(programs_of_musl_are_traced)
{
	/* musl's realloc(p, 0) answers with a block; glibc's releases. */
	static const char zero_c[] = "#include <stdlib.h>\n"
				     "#include <string.h>\n"
				     "char *kept;\n"
				     "int main(void)\n"
				     "{\n"
				     "	void *volatile p = malloc(3333);\n"
				     "	p = realloc(p, 0);\n"
				     "	if (!p)\n"
				     "		return 1;\n"
				     "	free(p);\n"
				     "	kept = strdup(\"eleven and NUL\");\n"
				     "	return !kept;\n"
				     "}\n";
	const struct traced_call *call;
	struct traced trace;
	struct run compiled;

	if (!can_run("programs_of_musl_are_traced", "musl-gcc"))
		return;
	snprintf(built, sizeof built, "%s", scratch());
	build("musl", "wrap", "CC=musl-gcc");
	write_file("zero.c", zero_c, sizeof zero_c - 1);
	compiled = run("musl-gcc -g -static -o zero zero.c $(" PKG_CONFIG "--static --cflags --libs log-malloc2-wrap)",
	               "$PWD/musl");
	ck_assert_msg(compiled.status == 0, "%.400s", compiled.err);
	trace = run_soundly("./zero");
	calls_from(&trace, "malloc", 3333, "main");
	call = traced_find(&trace, "realloc", 0);
	ck_assert_uint_ne(call->event.pointer, 0);
	ck_assert_int_eq(call->event.change, -3333);
	/* Both releases are of blocks that the trace knows; strdup's own is left. */
	ck_assert_uint_eq(trace.heap.counts.foreign, 0);
	ck_assert_uint_eq(trace.heap.blocks, 1);
	ck_assert_uint_eq(trace.heap.bytes, 15);
	/* musl's own code has no tables. */
	call = traced_find(&trace, "malloc", 15);
	ck_assert_str_eq(traced_symbol(call->frames[0]), "strdup");
	ck_assert_uint_ge(call->depth, 2);
	ck_assert_str_eq(traced_symbol(call->frames[1]), "main");
	ck_assert_int_eq(run("grep -q '^# GUESSED 0x' trace").status, 0);
}
END_TEST

/* What is allocated at the end, too, and behind main(), where dietlibc's thread-local storage would be gone. */
START_TEST(programs_of_dietlibc_are_traced)
{
	static const char diet_c[] =
		"#include <stdlib.h>\n#include <string.h>\n"
		"char *kept;\nvoid *volatile v;\n"
		"void at_end(void) { v = malloc(1234); free(v); }\n"
		"__attribute__((noinline)) void leaky(size_t n) { v = malloc(n); v = NULL; }\n"
		"int main(int argc, char **argv)\n{\n"
		"	(void)argv;\n	atexit(at_end);\n	leaky(3333);\n"
		"	kept = strdup(\"eleven and NUL\");\n"
		"	for (int i = 0; i < 1000; i++) { v = malloc(100); v = realloc(v, 20000); free(v); }\n"
		"	return argc + 6;\n}\n";
	const struct traced_call *call;
	struct traced trace;
	struct run result;

	if (!can_run("programs_of_dietlibc_are_traced", "diet"))
		return;
	snprintf(built, sizeof built, "%s", scratch());
	build("diet", "wrap", "CC='diet gcc'");
	write_file("diet.c", diet_c, sizeof diet_c - 1);
	result = run("diet -Os gcc -g -fno-builtin -static -o diet.program diet.c "
	             "$(" PKG_CONFIG "--static --cflags --libs log-malloc2-wrap)",
	             "$PWD/diet");
	ck_assert_msg(result.status == 0, "%.400s", result.err);
	ck_assert_int_eq(run("./diet.program").status, 7);
	result = run("LOG_MALLOC_QUIET=1 ./diet.program 1022>trace");
	ck_assert_int_eq(result.status, 7);
	ck_assert_str_eq(result.err, "");
	trace = traced_read("trace", true);
	/* There are no usable sizes. */
	ck_assert_uint_eq(trace.malformed + trace.lost + trace.wrong_totals, 0);
	ck_assert_uint_eq(trace.finis, 1);
	ck_assert_int_eq(trace.fini.usable, 0);
	calls_from(&trace, "malloc", 3333, "leaky");
	calls_from(&trace, "malloc", 1234, "at_end");
	call = traced_find(&trace, "malloc", 15);
	ck_assert_str_eq(traced_symbol(call->frames[0]), "strdup");
	ck_assert_str_eq(traced_symbol(call->frames[1]), "main");
	ck_assert_uint_eq(trace.heap.blocks, 2);
	result = run("$B/log-malloc-findleak trace");
	ck_assert_msg(strstr(result.out, "\n       leaky ") && strstr(result.out, " diet.c:6 "), "%s", result.out);
	ck_assert_ptr_nonnull(strstr(result.out, "the trace is complete"));
}
END_TEST

static const struct machine {
	const char *triplet, *qemu, *settings;
	/* Of the program's own code alone; of it and of what libc's code without tables was called by; or of all code.
	 */
	enum { OWN_BACKTRACES, GUESSED_BACKTRACES, BACKTRACES } backtraces;
	/* The outermost frame, where our own unwinder knows the machine; or NULL. */
	const char *outermost;
	bool is_rare; /* only with "make check MACHINES=all" */
} machines[] = {
	{"aarch64-linux-gnu", "qemu-aarch64", "", BACKTRACES, "_start", false},
	/* What -funwind-tables makes of the program, is read: thumb code, whose return addresses have an odd bit. */
	{"arm-linux-gnueabihf", "qemu-arm", "", OWN_BACKTRACES, NULL, false},
	{"arm-linux-gnueabihf", "qemu-arm", "UNWIND=execinfo", OWN_BACKTRACES, NULL, true},
	/* There are no atomic exchanges of 16 bits. A frame pointer points behind what it leads to. */
	{"riscv64-linux-gnu", "qemu-riscv64", "", GUESSED_BACKTRACES, "_start", false},
	/* The highest byte comes first, in 64 bits. Registers are saved in the caller's frame. */
	{"s390x-linux-gnu", "qemu-s390x", "", BACKTRACES, "_start", false},
	/* Its code reads the pc by functions in COMDAT groups. */
	{"i686-linux-gnu", "qemu-i386", "", BACKTRACES, "_start", true},
	/* Calls of local functions differ from those of global ones, and there are no atomic operations of 64 bits. */
	{"mipsel-linux-gnu", "qemu-mipsel", "", GUESSED_BACKTRACES, "__start", true},
	/* The same, and the highest byte of a word comes first. */
	{"mips-linux-gnu", "qemu-mips", "", GUESSED_BACKTRACES, "__start", true},
	/* A function has two entries, and its return address is saved in its caller's frame. _start jumps. */
	{"powerpc64le-linux-gnu", "qemu-ppc64le", "", BACKTRACES, "__libc_start_main", true},
};

#define MACHINES ((int)(sizeof machines / sizeof machines[0]))

/* Nine builds take minutes. Those that are left out are skipped with words. MACHINES can be all, or a triplet. */
static bool is_chosen(const char *test, const struct machine *machine)
{
	const char *chosen = getenv("MACHINES");
	char name[200];

	if (chosen && *chosen ? strcmp(chosen, "all") == 0 || strcmp(chosen, machine->triplet) == 0 : !machine->is_rare)
		return true;
	snprintf(name, sizeof name, "%s: %s %s", test, machine->triplet, machine->settings);
	skip(name, "tried with MACHINES=all");
	return false;
}

/* Events of all packed kinds, many more than are written before there is a ring. */
static const char many_c[] = "#include <stdlib.h>\n"
			     "static void *volatile kept[10];\n"
			     "int main(void)\n"
			     "{\n"
			     "	for (int i = 0; i < 2000; i++) {\n"
			     "		void *volatile p = malloc(10 + i % 50), *volatile q = calloc(3, 7), *volatile "
			     "r = calloc(1, 40);\n"
			     "		p = realloc(p, 100 + i % 700);\n"
			     "		p = realloc(p, 101 + i % 700);\n"
			     "		free(q);\n"
			     "		free(i % 200 ? r : NULL);\n"
			     "		if (i % 200 == 0)\n"
			     "			kept[i / 200] = r;\n"
			     "		free(p);\n"
			     "	}\n"
			     "	return 0;\n"
			     "}\n";

/* A packed trace has the other machine's addresses and its order of bytes. Read here, it has to say what text says. */
static void is_the_same_packed(const struct machine *machine)
{
	struct run result =
		run("for f in full compact packed; do LOG_MALLOC_QUIET=1 LOG_MALLOC_STATM=never LOG_MALLOC_FORMAT=$f "
	            "LOG_MALLOC_OUTPUT=$f.trace %s ./many || exit; $B/log-malloc-cat $f.trace | grep '^+' | "
	            "sed 's/0x[0-9a-f]*/A/g' >$f.text; $B/log-malloc-findleak $f.trace | "
	            "sed 's/0x[0-9a-f]*/A/g; s/[0-9]* ms//g; s/lines [0-9]* to [0-9]*//; s/line: [0-9]*//; s/line "
	            "[0-9]*//; s/PROCESS "
	            "[0-9]*//' "
	            ">$f.leaks; done; "
	            "[ $(wc -l <full.text) -gt 13000 ] && cmp full.text compact.text && cmp full.text packed.text && "
	            "cmp full.leaks compact.leaks && cmp full.leaks packed.leaks && "
	            "[ $(stat -c %%s packed.trace) -lt $(($(stat -c %%s compact.trace) / 2)) ]",
	            machine->qemu);

	ck_assert_msg(result.status == 0, "%.400s %.400s", result.out, result.err);
}

/* libc's code has no tables there. The tracker's has, and none of its frames may stand for those that are missing. */
static void is_the_caller_alone(const struct machine *machine)
{
	char command[100];
	const struct traced_call *call;
	struct traced trace;

	snprintf(command, sizeof command, "%s ./strdup", machine->qemu);
	trace = run_soundly(command);
	call = traced_find(&trace, "malloc", STRDUP_SIZE);
	ck_assert_uint_eq(call->depth, 1);
	ck_assert_ptr_nonnull(strstr(traced_symbol(call->frames[0]), "strdup"));
}

/* With names that the tracker has inside, too. */
static const char own_c[] = "#include <stdlib.h>\n"
			    "int lm_hot = 1;\n"
			    "int lm_ring_flush(void) { return lm_hot; }\n"
			    "int main(void)\n"
			    "{\n"
			    "	void *volatile p = malloc(3333);\n"
			    "	free(p);\n"
			    "	return lm_ring_flush() != 1;\n"
			    "}\n";

/*
 * Frames of several kinds: without a frame pointer and with one, of a signal's handler, of a function that had called
 * nothing when the signal came, of code that an exception passes. Sizes tell the calls.
 */
static const char deep_cc[] =
	"#include <alloca.h>\n#include <signal.h>\n#include <stdlib.h>\n#include <string>\n#include <sys/mman.h>\n"
	"#define FRAME extern \"C\" __attribute__((noipa))\n"
	"#define STAY() __asm__ volatile(\"\" ::: \"memory\")\n"
	"void *volatile kept;\nstatic int *volatile page;\nenum { SIZE = 65536 };\n"
	"FRAME void innermost(size_t n) { kept = malloc(n); STAY(); if (n == 4003) throw std::string(\"thrown\"); }\n"
	"FRAME void with_room(size_t n)\n{\n"
	"	volatile char *room = (char *)alloca(n);\n	room[0] = 1;\n"
	"	innermost(n + 1);\n	room[1] = room[0];\n}\n"
	"FRAME void outer(size_t n) { std::string s(2 * n, 'x'); with_room(n); innermost(n + 2); STAY(); }\n"
	"FRAME void handler(int) { kept = malloc(5555); mprotect(page, SIZE, PROT_READ | PROT_WRITE); }\n"
	"FRAME void informed(int, siginfo_t *, void *) { kept = malloc(6666); mprotect(page, SIZE, PROT_READ | "
	"PROT_WRITE); }\n"
	"FRAME int leaf(int n) { *page = n; return n + *page; }\n"
	"FRAME int interrupted(int flags)\n{\n"
	"	struct sigaction action = {};\n"
	"	action.sa_handler = handler;\n"
	"	if (flags) action.sa_sigaction = informed;\n	action.sa_flags = flags;\n"
	"	sigaction(SIGSEGV, &action, NULL);\n"
	"	page = (int *)mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);\n"
	"	int n = leaf(3);\n	STAY();\n	return n;\n}\n"
	"int main()\n{\n"
	"	outer(1000);\n	interrupted(0);\n	interrupted(SA_SIGINFO);\n"
	"	try { outer(4001); } catch (const std::string &s) { innermost(s.size() + 7001); return 0; }\n"
	"	return 1;\n}\n";

/* Ends without an end: what it recorded is in the journal alone, but for the first 256 events. */
static const char killed_c[] =
	"#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\n"
	"int main(void)\n{\n"
	"	for (int i = 0; i < 1000; i++) {\n"
	"		void *volatile p = malloc(777);\n		if (!p) return 1;\n	}\n"
	"	return kill(getpid(), SIGKILL);\n}\n";

/* Copies of both files say the same. */
static void a_journal_is_read(const struct machine *machine)
{
	static const char *const forms[] = {"full", "compact", "packed"};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct run result =
			run("LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=%s %s ./killed 1022>trace; cp trace copy && "
		            "cp trace.journal copy.journal || exit 1; for t in trace copy; do "
		            "$B/log-malloc-cat $t | grep -c '^+ malloc 777 '; done; rm -f *.journal",
		            forms[i], machine->qemu);

		ck_assert_msg(result.status == 0, "%s, %s: %.400s", machine->triplet, forms[i], result.err);
		ck_assert_str_eq(result.out, "1000\n1000\n");
	}
}

/* The compiler and the libc's headers are packages of their own. */
static bool can_compile_for(const char *triplet)
{
	return run("echo '#include <stdlib.h>' | %s-gcc -E -", triplet).status == 0;
}

/*
 * Builds archive and library, with nothing but the cross compiler, installs what a program needs that links the
 * archive, and links programs with it. The builds stay where "make matrix" has its own: each takes a minute.
 */
static void build_for(const struct machine *machine)
{
	struct run made =
		run("unset CC CXX AR OBJCOPY; ln -s $B/for/%s%s cross; " MAKE
	            "-j2 B=$B/for/%s%s DESTDIR=$PWD/dest prefix=/usr CROSS_COMPILE=%s- %s preload install-wrap",
	            machine->triplet, machine->settings, machine->triplet, machine->settings, machine->triplet,
	            machine->settings);

	ck_assert_msg(made.status == 0 && !*made.err, "%s: %.800s", machine->triplet, made.err);
	write_programs();
	write_file("own.c", own_c, sizeof own_c - 1);
	write_file("many.c", many_c, sizeof many_c - 1);
	write_file("killed.c", killed_c, sizeof killed_c - 1);
	write_file("deep.cc", deep_cc, sizeof deep_cc - 1);
	made = run("export PKG_CONFIG_SYSROOT_DIR=$PWD/dest PKG_CONFIG_LIBDIR=$PWD/dest/usr/lib/pkgconfig\n"
	           "libs=$(${PKG_CONFIG:-pkg-config} --static --cflags --libs log-malloc2-wrap) || exit\n"
	           "for p in strdup own many killed; do\n"
	           "%s-gcc -O0 -g -static -o $p $p.c $libs || echo $p >>failed &\n"
	           "done\n"
	           "%s-gcc -g $(${PKG_CONFIG:-pkg-config} --cflags log-malloc2-wrap) -o dynamic strdup.c || "
	           "echo dynamic >>failed &\n"
	           "wait\n"
	           "%s-g++ -O1 -g -static -o deep deep.cc $libs &\n"
	           "%s-g++ -O1 -g $(${PKG_CONFIG:-pkg-config} --cflags log-malloc2-wrap) -o deeper deep.cc\n"
	           "wait; [ ! -e failed ]",
	           machine->triplet, machine->triplet, machine->triplet, machine->triplet);
	ck_assert_msg(made.status == 0, "%s: %.800s", machine->triplet, made.err);
}

/* With the library that was built for the machine. */
#define PRELOADED "-E LD_PRELOAD=$PWD/cross/liblog-malloc2.so"

/* The target's libc lies where its compiler finds it. */
static struct traced run_machine(const struct machine *machine, const char *options, const char *program)
{
	char command[300];

	snprintf(command, sizeof command, "%s -L $(dirname $(%s-gcc -print-file-name=libc.so.6))/.. %s ./%s",
	         machine->qemu, machine->triplet, options, program);
	return run_soundly(command);
}

/* The program that calls strdup alone: the first of its calls, and whether the trace has what the machine can tell. */
static void strdup_is_traced(const struct machine *machine, const char *options, const char *program)
{
	struct traced trace = run_machine(machine, options, program);
	const struct traced_call *call = traced_find(&trace, "malloc", STRDUP_SIZE);

	ck_assert_uint_ge(call->depth, 3);
	ck_assert_ptr_nonnull(strstr(traced_symbol(call->frames[0]), "strdup"));
	ck_assert_str_eq(traced_symbol(call->frames[1]), "main");
	ck_assert_str_eq(traced_symbol(call->frames[call->depth - 1]), machine->outermost);
	ck_assert_int_eq(
		run("grep -q \"^# GUESSED $(grep -om 1 '(main+.*' trace | sed 's/.*\\[//; s/\\].*//')$\" trace").status,
		machine->backtraces != GUESSED_BACKTRACES);
	if (machine->backtraces == GUESSED_BACKTRACES)
		return;
	for (size_t i = 0; i < trace.count; i++) {
		call = &trace.list[i];
		if (!parse_is_free(call->event.call))
			ck_assert_str_eq(traced_symbol(call->frames[call->depth - 1]), machine->outermost);
	}
}

/* ---- backtraces of 32-bit ARM ---- */

/* Each way to make a frame, exceptions, and handlers: without and with a siginfo, on another stack. */
static const char frames_cc[] =
	"#include <alloca.h>\n#include <csignal>\n#include <cstdarg>\n#include <cstdlib>\n#include <stdexcept>\n"
	"#include <sys/time.h>\n#define KEPT extern \"C\" __attribute__((noinline))\n"
	"static void *volatile kept;\nstatic volatile int end;\n"
	"KEPT void take(size_t n) { kept = malloc(n); end = 0; }\n"
	"KEPT void plain(size_t n) { take(n); end = 0; }\n"
	"KEPT void with_room(size_t n) { volatile char *p = (char *)alloca(n); p[0] = 1; take(n); p[1] = p[0]; }\n"
	"KEPT double with_doubles(size_t n, double a, double b)\n"
	"{ double c = a * b, d = a / b; take(n); return c * d + a + b; }\n"
	"KEPT void large(size_t n) { volatile char p[5000]; p[0] = 1; take(n); p[4999] = p[0]; }\n"
	"KEPT void variadic(size_t n, ...) { va_list l; va_start(l, n); plain(n + va_arg(l, int)); va_end(l); }\n"
	"KEPT void thrower(size_t n) { take(n); throw std::runtime_error(\"expected\"); }\n"
	"KEPT void catcher(size_t n)\n"
	"{ try { thrower(n); } catch (const std::exception &) { take(n + 1); } }\n"
	"KEPT void handler(int) { take(26008); end = 1; }\n"
	"KEPT void info_handler(int, siginfo_t *, void *) { take(26009); end = 1; }\n"
	"KEPT void interrupted(void)\n"
	"{ itimerval t = {{0, 0}, {0, 1000}}; end = 0; setitimer(ITIMER_REAL, &t, NULL); while (!end); }\n"
	"int main()\n{\n"
	"	stack_t stack = {};\n	struct sigaction action = {};\n"
	"	plain(26001); with_room(26002); with_doubles(26003, 1.5, 2.5); large(26004); variadic(26003, 2);\n"
	"	catcher(26006);\n"
	"	action.sa_handler = handler; sigaction(SIGALRM, &action, NULL); interrupted();\n"
	"	stack.ss_size = 65536; stack.ss_sp = malloc(65536); sigaltstack(&stack, NULL);\n"
	"	action.sa_sigaction = info_handler; action.sa_flags = SA_SIGINFO | SA_ONSTACK;\n"
	"	sigaction(SIGALRM, &action, NULL); interrupted();\n	return 0;\n}\n";

/* The frames from malloc to main; "" is one of any name, where a handler returns to. */
static const struct {
	uint64_t size;
	const char *frames[7];
} arm_frames[] = {
	{26001, {"take", "plain", "main"}},
	{26002, {"take", "with_room", "main"}},
	{26003, {"take", "with_doubles", "main"}},
	{26004, {"take", "large", "main"}},
	{26005, {"take", "plain", "variadic", "main"}},
	{26006, {"take", "thrower", "catcher", "main"}},
	{26007, {"take", "catcher", "main"}},
	{26008, {"take", "handler", "", "interrupted", "main"}},
	{26009, {"take", "info_handler", "", "interrupted", "main"}},
};

/* Both encodings, with and without frame pointers, linked and preloaded. */
static const struct {
	const char *flags;
	bool is_static;
} arm_codes[] = {
	{"-marm -O0", true},
	{"-mthumb -O2", true},
	{"-mthumb -O0", false},
	{"-marm -O2 -fomit-frame-pointer", false},
};

static void arm_frames_are_found(const struct traced *trace, const char *flags)
{
	for (size_t i = 0; i < sizeof arm_frames / sizeof *arm_frames; i++) {
		const struct traced_call *call = traced_find(trace, "malloc", arm_frames[i].size);

		for (size_t at = 0; arm_frames[i].frames[at]; at++) {
			const char *expected = arm_frames[i].frames[at];

			ck_assert_msg(at < call->depth &&
			                      (!*expected || strcmp(traced_symbol(call->frames[at]), expected) == 0),
			              "%s, %d: no frame %zu %s", flags, (int)arm_frames[i].size, at, expected);
		}
		ck_assert_str_eq(traced_symbol(call->frames[call->depth - 1]), "_start");
	}
}

static void arm_code_is_unwound(const struct machine *machine)
{
	char program[100];

	snprintf(program, sizeof program, "%s-g++", machine->triplet);
	if (!can_run("programs_of_other_machines_are_traced: C++ of 32-bit ARM", program))
		return;
	write_file("frames.cc", frames_cc, sizeof frames_cc - 1);
	for (size_t i = 0; i < sizeof arm_codes / sizeof *arm_codes; i++) {
		const char *flags = arm_codes[i].flags;
		struct traced trace;

		/* The flags that make tables are the .pc file's. */
		must(run("export PKG_CONFIG_SYSROOT_DIR=$PWD/dest PKG_CONFIG_LIBDIR=$PWD/dest/usr/lib/pkgconfig\n"
		         "%s -g %s%s -o frames frames.cc $(${PKG_CONFIG:-pkg-config} --static --cflags %s "
		         "log-malloc2-wrap)",
		         program, flags, arm_codes[i].is_static ? " -static" : "",
		         arm_codes[i].is_static ? "--libs" : ""));
		trace = run_machine(machine, arm_codes[i].is_static ? "" : PRELOADED, "frames");
		arm_frames_are_found(&trace, flags);
	}
	/* It takes the loader's lock. */
	ck_assert_int_ne(run("%s-nm -D cross/liblog-malloc2.so | grep dl_iterate_phdr", machine->triplet).status, 0);
}

/* The frames of CALL from INDEX on are NAMES, and somewhere behind them is the outermost one. */
static void has_frames(const struct machine *machine, const struct traced_call *call, size_t index,
                       const char *const *names)
{
	for (; *names; names++, index++) {
		ck_assert_msg(index < call->depth, "%s: no frame %s", machine->triplet, *names);
		ck_assert_str_eq(traced_symbol(call->frames[index]), *names);
	}
	ck_assert_str_eq(traced_symbol(call->frames[call->depth - 1]), machine->outermost);
}

static void has_deep_frames(const struct machine *machine, const char *command)
{
	static const char *const with_room[] = {"innermost", "with_room", "outer", "main", NULL};
	static const char *const plain[] = {"innermost", "outer", "main", NULL};
	static const char *const catching[] = {"innermost", "main", NULL};
	static const char *const from_signal[] = {"leaf", "interrupted", "main", NULL};
	static const struct {
		uint64_t size;
		const char *const *names;
	} calls[] = {{1001, with_room}, {1002, plain}, {4002, with_room}, {4003, plain}, {7007, catching}};
	struct traced trace = run_traced(command);
	const struct traced_call *call;

	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		has_frames(machine, traced_find(&trace, "malloc", calls[i].size), 0, calls[i].names);
	call = traced_find(&trace, "malloc", 5555);
	ck_assert_str_eq(traced_symbol(call->frames[0]), "handler");
	has_frames(machine, call, frame_of(call, "leaf"), from_signal);
	call = traced_find(&trace, "malloc", 6666);
	ck_assert_str_eq(traced_symbol(call->frames[0]), "informed");
	has_frames(machine, call, frame_of(call, "leaf"), from_signal);
}

/* Our own unwinder finds all frames of code that has tables. */
static void frames_are_found(const struct machine *machine, const char *preloading)
{
	char command[400];

	if (run("[ -x deep ] && [ -x deeper ]").status != 0) {
		snprintf(command, sizeof command, "%s-g++ or its library is not installed", machine->triplet);
		skip("programs_of_other_machines_are_traced: frames of several kinds", command);
		return;
	}
	snprintf(command, sizeof command, "%s ./deep", machine->qemu);
	has_deep_frames(machine, command);
	snprintf(command, sizeof command, "%s ./deeper", preloading);
	has_deep_frames(machine, command);
}

START_TEST(programs_of_other_machines_are_traced)
{
	const struct machine *machine = &machines[_i];
	const struct traced_call *call;
	struct traced trace;
	char why[100], preloading[300];

	if (!is_chosen("programs_of_other_machines_are_traced", machine))
		return;
	if (!can_compile_for(machine->triplet) || !have_command(machine->qemu)) {
		snprintf(why, sizeof why, "%s-gcc, its libc or %s is not installed", machine->triplet, machine->qemu);
		skip("programs_of_other_machines_are_traced", why);
		return;
	}
	build_for(machine);
	is_the_same_packed(machine);
	a_journal_is_read(machine);
	/* The target's libc lies where its compiler finds it. */
	snprintf(preloading, sizeof preloading,
	         "%s -L $(dirname $(%s-gcc -print-file-name=libc.so.6))/.. -E LD_PRELOAD=$PWD/cross/liblog-malloc2.so",
	         machine->qemu, machine->triplet);
	if (machine->outermost)
		frames_are_found(machine, preloading);
	if (machine->backtraces == OWN_BACKTRACES) {
		trace = run_machine(machine, "", "own");
		calls_from(&trace, "malloc", 3333, "main");
		call = traced_find(&trace, "malloc", 3333);
		ck_assert_uint_ge(call->depth, 2);
		ck_assert_ptr_null(strstr(traced_symbol(call->frames[1]), "lm_"));
		is_the_caller_alone(machine);
		if (strncmp(machine->triplet, "arm", 3) == 0 && !*machine->settings)
			arm_code_is_unwound(machine);
		return;
	}
	strdup_is_traced(machine, "", "strdup");
	strdup_is_traced(machine, PRELOADED, "dynamic");
}
END_TEST

/* Writes the places of a ring in each of their states to standard output. */
static const char places_c[] =
	"#include <stdio.h>\n#include <string.h>\n#include \"place.h\"\n"
	"int main(void)\n{\n"
	"	static _Alignas(8) unsigned char bytes[512];\n"
	"	static const unsigned char closing[] = {LM_JOURNAL_CLOSING};\n"
	"	static const char text[] = \"+ malloc 1 0x10 [1:1]   \\n\";\n"
	"	const struct iovec part = {(void *)text, sizeof text - 1};\n"
	"	struct lm_journal_header header = {LM_JOURNAL_MAGIC, 1, 2, 3, 4, 5, 6, 1};\n"
	"	uint64_t word = lm_packed_first(LM_PACKED_FREE, 5, 0x12345678);\n"
	"	lm_place_open(bytes, 0x10203);\n"
	"	lm_place_record(bytes + 32, &part, 1, sizeof text - 1, 0);\n"
	"	lm_place_void(bytes + 64, 21, 0);\n"
	"	memcpy(bytes + 96, closing, 1);\n	lm_place_void(bytes + 96, 21, 0);\n"
	"	lm_place_open_words(bytes + 128, 0x10200);\n"
	"	lm_place_record(bytes + 160, &part, 1, sizeof text - 1, 1);\n"
	"	lm_place_put_words(bytes + 192, &word, 1);\n"
	"	lm_place_void(bytes + 224, 16, 1);\n"
	"	lm_journal_header_turn(&header);\n	memcpy(bytes + 256, &header, sizeof header);\n"
	"	return fwrite(bytes, sizeof bytes, 1, stdout) != 1;\n}\n";

START_TEST(a_ring_has_the_same_bytes_on_every_machine)
{
	const char *triplet = machines[_i].triplet, *qemu = machines[_i].qemu;
	char text[100];
	struct run result;

	if (!is_chosen("a_ring_has_the_same_bytes_on_every_machine", &machines[_i]))
		return;
	snprintf(text, sizeof text, "%s-gcc", triplet);
	if (!can_run("a_ring_has_the_same_bytes_on_every_machine", text) ||
	    !can_run("a_ring_has_the_same_bytes_on_every_machine", qemu))
		return;
	write_file("places.c", places_c, sizeof places_c - 1);
	result = run(
		"for c in %s-gcc ${CC:-cc}; do $c -static -D_GNU_SOURCE -iquote $S/src/format -iquote $S/src/core/port "
		"-iquote $S/src/core/out -o places.$c places.c $S/src/core/out/place.c || exit; done; "
		"%s ./places.%s-gcc >theirs && ./places.${CC:-cc} >ours && cmp ours theirs && "
		"head -c 5 ours | od -An -tx1; tail -c +257 ours | head -c 8",
		triplet, qemu, triplet);
	ck_assert_msg(result.status == 0, "%s: %.400s %.400s", triplet, result.out, result.err);
	/* PENDING and the length, lowest byte first. */
	ck_assert_str_eq(result.out, " 01 03 02 01 00\n\nLMJRNL4");
}
END_TEST

static TCase *group(Suite *suite, const char *name, SFun fixture)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 180);
	if (fixture)
		tcase_add_unchecked_fixture(tcase, fixture, NULL);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("linking");
	TCase *tcase = group(suite, "linkers", NULL);

	tcase_add_loop_test(tcase, programs_link_through_pkg_config_and_are_traced, 0, TOOLCHAINS * WAYS);
	tcase_add_loop_test(tcase, a_program_with_a_malloc_of_its_own_links_and_is_traced, 0, 6);
	tcase_add_test(tcase, the_library_exports_the_family_and_the_api);
	tcase_add_test(tcase, the_archive_defines_what_the_linker_wraps_and_the_api);
	tcase_add_test(tcase, where_both_are_in_one_process_the_preloaded_one_writes_the_trace);

	tcase = group(suite, "left out", NULL);
	tcase_add_loop_test(tcase, a_leak_is_found_whatever_the_linker_was_told_to_leave_out, 0, LEAKY_LINKERS);

	tcase = group(suite, "installed", install);
	tcase_add_loop_test(tcase, the_installed_library_is_found_by_pkg_config, 0, FINDERS);
	tcase_add_test(tcase, pkg_config_names_what_to_preload);
	tcase_add_test(tcase, the_installed_launcher_finds_the_installed_library);
	tcase_add_test(tcase, the_installed_tree_can_move_to_a_path_with_a_space);
	tcase_add_test(tcase, everything_is_installed_and_uninstalled);
	tcase_add_test(tcase, what_links_the_archive_can_be_installed_alone);
	tcase_add_test(tcase, the_installed_commands_are_completed);
	tcase_add_test(tcase, each_directory_is_where_it_was_told_to_be);
	tcase_add_test(tcase, the_launcher_finds_a_library_directory_of_another_name);

	tcase = group(suite, "variants", build_variants);
	tcase_add_loop_test(tcase, each_unwinder_tells_the_caller, 0, VARIANTS);
	tcase_add_loop_test(tcase, each_unwinder_is_invisible_to_the_program, 0, VARIANTS);
	tcase_add_loop_test(tcase, each_unwinder_works_linked_into_the_program, 0, VARIANTS);
	tcase_add_loop_test(tcase, the_compilers_unwinder_makes_nobody_wait_for_ever, 0, 2);
	tcase_add_test(tcase, frame_pointers_lead_to_the_callers);
	tcase_add_test(tcase, frame_pointers_lead_to_no_frame_that_the_tables_do_not_know);
	tcase_add_test(tcase, frame_pointers_of_any_value_do_no_harm);
	tcase_add_test(tcase, the_default_depth_is_set_when_compiling);
	tcase_add_test(tcase, make_install_wrap_builds_the_archive_and_nothing_of_the_commands);
	tcase_add_test(tcase, a_cross_compiler_is_named_by_what_its_tools_begin_with);
	tcase_add_test(tcase, tables_are_asked_for_where_a_compiler_makes_none);
	tcase_add_test(tcase, unknown_variants_are_errors_that_name_the_accepted_ones);

	tcase = group(suite, "others", NULL);
	tcase_add_test(tcase, programs_of_musl_are_traced);
	tcase_add_test(tcase, programs_of_dietlibc_are_traced);
	tcase_add_loop_test(tcase, programs_of_other_machines_are_traced, 0, MACHINES);
	tcase_add_loop_test(tcase, a_ring_has_the_same_bytes_on_every_machine, 0, MACHINES);
	return run_suite(suite);
}
