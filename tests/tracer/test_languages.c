/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs of other languages than C: the examples of examples/languages, preloaded and
 * linked through pkg-config, as their comments and docs/languages.md say. The report has to
 * name the function, the file and the line of the leak, and nothing that the language's
 * runtime keeps.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* The flags of the .pc file, and how compilers that are no drivers for C pass one on to the linker. */
#define LIBS              "pkg-config --libs log-malloc2-wrap"
#define STATIC            "pkg-config --static --libs log-malloc2-wrap"
#define EACH_WITH(option) " | xargs -n 1 printf ' " option "%s'"
#define FROM              "$S/examples/languages/leak."

/* cgo's own line in the source. $1 is the package's name, and what stands in front of it. */
#define CGO                                                                                                            \
	"sed 's|^/\\*$|// #cgo pkg-config: '\"$1\"'\\n/*|' " FROM "go >leak.go; export GOCACHE=$B/tests/scratch/go; "

static const struct program {
	const char *name, *compiler, *build; /* makes the program "leak" */
	bool preloaded;
	const char *source, *function; /* the suffix of the source's name; where it leaks */
	unsigned blocks;
} programs[] = {
	{"Rust", "rustc", "rustc -g -O " FROM "rs", true, "rs", "<leak::Node>::new|leak::Node::new", 2},
	{"Rust, static", "rustc",
         "rustc -g -C target-feature=+crt-static " FROM "rs $(" STATIC EACH_WITH("-C link-arg=") ")", false, "rs",
         "<leak::Node>::new|leak::Node::new", 2},
	{"Go", "go", "GOCACHE=$B/tests/scratch/go go build -o leak " FROM "go", true, "go", "grown", 3},
	{"Go, linked", "go", "set -- log-malloc2-wrap; " CGO "go build -o leak leak.go", false, "go", "grown", 3},
	{"Go, static", "go",
         "set -- '--static log-malloc2-wrap'; " CGO "CGO_LDFLAGS_ALLOW='-Wl,--(eh-frame-hdr|undefined=.*)' "
         "go build -ldflags '-linkmode external -extldflags -static' -o leak leak.go",
         false, "go", "grown", 3},
	{"Ada", "gnatmake", "gnatmake -q -g " FROM "adb", true, "adb", "leak.notes.remember", 3},
	{"Ada, static", "gnatmake", "gnatmake -q -g " FROM "adb -bargs -static -largs -static $(" STATIC ")", false,
         "adb", "leak.notes.remember", 3},
	{"Fortran", "gfortran", "gfortran -g -o leak " FROM "f90", true, "f90", "resize", 3},
	{"Fortran, static", "gfortran", "gfortran -g -static -o leak " FROM "f90 $(" STATIC ")", false, "f90", "resize",
         3},
	{"Pascal", "fpc", "fpc -gw -FE. " FROM "pas >messages", true, "pas", "REMEMBER", 3},
	{"Pascal, linked", "fpc", "fpc -gw -FE. " FROM "pas $(" LIBS " | sed 's/-Wl,//g'" EACH_WITH("-k") ") >messages",
         false, "pas", "REMEMBER", 3},
	{"D, gdc", "gdc", "gdc -g -o leak " FROM "d", true, "d", "leak.Words.remember(immutable(char)[])", 3},
	{"D, ldc", "ldc2", "ldc2 -g -of=leak " FROM "d", true, "d", "leak.Words.remember(immutable(char)[])", 3},
	{"D, ldc, linked", "ldc2", "ldc2 -g -of=leak " FROM "d $(" LIBS EACH_WITH("-Xcc=") ")", false, "d",
         "leak.Words.remember(immutable(char)[])", 3},
};

/* The one that is preloaded. */
#define GO             2
#define PROGRAMS_COUNT ((int)(sizeof programs / sizeof *programs))

/* Skips, with the reason, what is not installed here. */
static bool can_build(const char *test, const struct program *program)
{
	char name[200];

	snprintf(name, sizeof name, "%s: %s", test, program->name);
	return can_run(name, program->compiler) && can_run(name, "jq");
}

static void build_and_trace(const struct program *program)
{
	/* What a user's environment asks for is not what is tried here. */
	must(run("unset GOFLAGS CGO_LDFLAGS RUSTFLAGS; export PKG_CONFIG_PATH=$B/pkgconfig; %s", program->build));
	must(run("%s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=trace ./leak",
	         program->preloaded ? "LD_PRELOAD=$B/liblog-malloc2.so" : ""));
}

/* The blocks in all; then, of each leak, the innermost function in the source and whether its line is the one that
 * leaks. */
static const char where[] =
	"[.leaks[].count] as $counts | ($counts | add), (.rest.count), "
	"(.leaks[] | [.backtrace[] | select(.file // \"\" | endswith(\"/leak.\" + $suffix))][0] | .function, .line == "
	"$line)";

/* Where Go calls C, it changes to another stack. The functions of Go stand behind that. */
static void go_stands_behind_c(void)
{
	json_is("log-malloc-findleak", "trace",
	        ".leaks[0].backtrace | map(.function) | (index(\"runtime.asmcgocall\") // 99) as $c | "
	        "[index(\"grown\") < "
	        "$c, $c < index(\"main.remember\"), index(\"main.remember\") < index(\"main.main\")]",
	        "[true,true,true]\n");
}

START_TEST(the_leak_is_named_and_nothing_of_the_runtime)
{
	const struct program *program = &programs[_i];
	struct run found;
	char expected[200];
	const char *rest;

	if (!can_build("the_leak_is_named_and_nothing_of_the_runtime", program))
		return;
	build_and_trace(program);
	found = must(
		run("line=$(grep -nE '(//|--|!|\\{) +leaks( \\})?$' " FROM "%s | cut -d: -f1)\n"
	            "[ -f leak.go ] && line=$((line + 1))\n"
	            "$B/log-malloc-findleak --format=json trace | jq -r --arg suffix %s --argjson line \"$line\" '%s'",
	            program->source, program->source, where));
	snprintf(expected, sizeof expected, "%u\n0\n", program->blocks);
	ck_assert_msg(strncmp(found.out, expected, strlen(expected)) == 0, "%s: %s", program->name, found.out);
	/* Each leak has two lines. */
	for (rest = found.out + strlen(expected); *rest;) {
		size_t length = strcspn(rest, "\n");
		const char *name = strstr(program->function, "|"), *first = program->function;
		size_t first_length = name ? (size_t)(name - first) : strlen(first);
		bool is_right = (length == first_length && memcmp(rest, first, length) == 0) ||
		                (name && strlen(name + 1) == length && memcmp(rest, name + 1, length) == 0);

		ck_assert_msg(is_right && strncmp(rest + length, "\ntrue\n", strlen("\ntrue\n")) == 0, "%s: %s",
		              program->name, found.out);
		rest += length + strlen("\ntrue\n");
	}
	if (strcmp(program->source, "go") == 0)
		go_stands_behind_c();
}
END_TEST

/* Neither CMEM nor what calls it has tables, or frame pointers of its own. */
START_TEST(pascals_callers_are_not_skipped)
{
	static const char test[] = "pascals_callers_are_not_skipped";

	if (strcmp(run("uname -m").out, "x86_64\n") != 0) {
		skip(test, "callers without frame pointers are found on x86-64 alone");
		return;
	}
	if (!can_run(test, "fpc") || !can_run(test, "jq"))
		return;
	must(run("fpc -gw -FE. " FROM "pas >messages; LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=trace "
	         "LD_PRELOAD=$B/liblog-malloc2.so ./leak"));
	json_is("log-malloc-findleak", "trace",
	        ".leaks[0].backtrace | map(.function)[:4] | map(sub(\"\\\\$\\\\$_CGETMEM.*\"; \"\"))",
	        "[\"CMEM_\",\"fpc_getmem\",\"REMEMBER\",\"main\"]\n");
}
END_TEST

/* A function of assembly without tables, whose caller has a frame pointer: the chain of them passes over that caller.
 */
START_TEST(the_caller_of_a_function_without_tables_is_not_skipped)
{
	static const char test[] = "the_caller_of_a_function_without_tables_is_not_skipped";
	static const char get[] = "	.globl get\n"
				  "	.type get,@function\n"
				  "get:	sub $8,%rsp\n"
				  "	call malloc@plt\n"
				  "	add $8,%rsp\n"
				  "	ret\n"
				  "	.size get,.-get\n"
				  "	.section .note.GNU-stack,\"\",@progbits\n";
	static const char keep[] = "#include <stdlib.h>\n"
				   "void *get(size_t n);\n"
				   "__attribute__((noinline)) void *keep(size_t n)\n"
				   "{\n"
				   "	void *volatile p = get(n);\n"
				   "	return p;\n"
				   "}\n"
				   "__attribute__((noinline)) void *outer(size_t n)\n"
				   "{\n"
				   "	void *volatile p = keep(n);\n"
				   "	return p;\n"
				   "}\n"
				   "int main(void) { return !outer(1234); }\n";
	static const char *const flags[] = {"", "-shared -fPIC"};

	if (strcmp(run("uname -m").out, "x86_64\n") != 0) {
		skip(test, "callers without frame pointers are found on x86-64 alone");
		return;
	}
	if (!can_run(test, "jq"))
		return;
	write_file("get.S", get, sizeof get - 1);
	write_file("keep.c", keep, sizeof keep - 1);
	write_file("main.c", "int keep_main(void);\nint main(void) { return keep_main(); }\n", 60);
	/* In the program, and in a library, whose calls go through its linkage table. */
	for (int i = 0; i < 2; i++) {
		must(run(i ? "${CC:-cc} -g -O1 -fno-omit-frame-pointer %s -Dmain=keep_main -o libkeep.so keep.c get.S "
		             "&& "
		             "${CC:-cc} -g -o leak main.c -L. -lkeep -Wl,-rpath,$PWD"
		           : "${CC:-cc} -g -O1 -fno-omit-frame-pointer %s -o leak keep.c get.S",
		         flags[i]));
		must(run("LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=trace LD_PRELOAD=$B/liblog-malloc2.so ./leak"));
		json_is("log-malloc-findleak", "trace",
		        ".leaks[] | select(.bytes == 1234) | .backtrace | map(.function)[:3]",
		        "[\"get\",\"keep\",\"outer\"]\n");
	}
}
END_TEST

/* ---- names ------------------------------------------------------------------------ */

/* The linker's name; the source's; and that in a column of the report. */
static const struct name {
	const char *mangled, *plain, *shown;
} names[] = {
	{"_D4leak5Words8rememberMFAyaZv", "leak.Words.remember(immutable(char)[])",
         "leak.Words.remember(immutable(char)[])"},
	{"_Dmain", "D main", "D main"},
	{"_D2rt6dmain212_d_run_main2UAAamPUQgZiZ6runAllMFZv",
         "rt.dmain2._d_run_main2(char[][], ulong, extern(C) int(char[][]) function).runAll()",
         "rt.dmain2._d_run_main2().runAll()"},
	/* thunks, by gdc and by ldc */
	{"_DTi16_D4core8internal2gc4impl5proto2gc7ProtoGC5queryMFZv", "core.internal.gc.impl.proto.gc.ProtoGC.query()",
         NULL},
	{"_DThn16_4core8internal2gc4impl5proto2gc7ProtoGC5queryMFZv", "core.internal.gc.impl.proto.gc.ProtoGC.query()",
         NULL},
	/* none of them */
	{"_DYNAMIC", "_DYNAMIC", "_DYNAMIC"},
	{"_Destroy", "_Destroy", "_Destroy"},
	{"_DT16", "_DT16", "_DT16"},
	/* Only a function of Ada has a name of Ada. */
	{"parser__read__2", "parser__read__2", "parser__read__2"},
	{"_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar", "mycrate::foo::bar"},
	{"_ZN74_$LT$mycrate..parser..Parser$LT$T$GT$$u20$as$u20$core..ops..drop..Drop$GT$4drop17h0123456789abcdefE",
         "<mycrate::parser::Parser<T> as core::ops::drop::Drop>::drop", "<Parser>::drop"},
};

#define NAMES_COUNT (sizeof names / sizeof *names)

START_TEST(names_are_those_of_the_source)
{
	static const char test[] = "names_are_those_of_the_source";

	if (!can_run(test, "jq"))
		return;
	for (size_t i = 0; i < NAMES_COUNT; i++) {
		char trace[400], expected[200];

		snprintf(trace, sizeof trace,
		         "+ malloc 10 0x5500000000%02zx [10:24]\n/nowhere/program(%s+0x1b)[0x55cc00001149]\n", 16 * i,
		         names[i].mangled);
		write_file("trace", trace, strlen(trace));
		snprintf(expected, sizeof expected, "\"%s\"\n", names[i].plain);
		json_is("log-malloc-findleak", "trace", ".leaks[0].backtrace[0].function", expected);
		if (!names[i].shown)
			continue;
		snprintf(expected, sizeof expected, "       %s ", names[i].shown);
		ck_assert_msg(strstr(run("$B/log-malloc-findleak trace").out, expected), "%s: %s", expected,
		              run("$B/log-malloc-findleak trace").out);
	}
}
END_TEST

/* Without debug information, what says that a program is one of Ada is its start. Names of C stay what they are. */
START_TEST(names_of_ada_are_known_without_debug_information)
{
	static const char test[] = "names_of_ada_are_known_without_debug_information";
	static const char like_ada[] = "#include <stdlib.h>\n"
				       "void *notes__remember__2(void) { return malloc(100); }\n"
				       "void *notes__Oadd(void) { return malloc(101); }\n"
				       "#ifdef ADA\n"
				       "void adainit(void) {}\n"
				       "#endif\n"
				       "int main(void) { return !notes__remember__2() || !notes__Oadd(); }\n";

	if (!can_run(test, "jq"))
		return;
	write_file("ada.c", like_ada, sizeof like_ada - 1);
	for (int i = 0; i < 3; i++) {
		/* The last one has debug information, which says that it is C. */
		must(run("${CC:-cc} -fno-builtin %s -o ada ada.c && LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=trace "
		         "LD_PRELOAD=$B/liblog-malloc2.so ./ada",
		         i == 0   ? "-DADA"
		         : i == 2 ? "-DADA -g"
		                  : ""));
		json_is("log-malloc-findleak", "trace", "[.leaks[].backtrace[0].function] | sort",
		        i == 0 ? "[\"notes.\\\"+\\\"\",\"notes.remember\"]\n"
		               : "[\"notes__Oadd\",\"notes__remember__2\"]\n");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("languages");

	TIMES(the_leak_is_named_and_nothing_of_the_runtime, PROGRAMS_COUNT);
	ONCE(pascals_callers_are_not_skipped);
	ONCE(the_caller_of_a_function_without_tables_is_not_skipped);
	ONCE(names_are_those_of_the_source);
	ONCE(names_of_ada_are_known_without_debug_information);
	return run_suite(suite);
}
