/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library and the archive with each unwinder, and with the flags of distributions. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linked.h"
#include "support.h"
#include "traced.h"

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
	/* Each is a build of both flavours. These are no machine's default. */
	if ((variant == LIBUNWIND || variant == EXECINFO || variant == NONE) && !getenv("VARIANTS"))
		return "tried with VARIANTS=all";
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
	trace = run_linked(command);
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
		trace = run_linked("timeout 60 ./waits");
		calls_from(&trace, "malloc", 3210, "main");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("variants");
	TCase *tcase = group(suite, "variants", build_variants);

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
	return run_suite(suite);
}
