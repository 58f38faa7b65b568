/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log-malloc-findleak against those who know: valgrind and LeakSanitizer for
 * what leaks and what a suppression matches, jq and xmllint for what is written.
 */
#include "support.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Loses everything that it allocates in work(), and overwrites what is left of the pointers. */
static const char leaker_c[] = "#include <stdlib.h>\n"
			       "#include <string.h>\n"
			       "struct node { struct node *next; char rest[40]; };\n"
			       "static __attribute__((noinline)) void *make(size_t n)\n"
			       "{\n"
			       "	return malloc(n);\n"
			       "}\n"
			       "static __attribute__((noinline)) struct node *chain(int n)\n"
			       "{\n"
			       "	struct node *node = NULL;\n"
			       "	while (n--) {\n"
			       "		struct node *more = calloc(1, sizeof *more);\n" /* line 12 */
			       "		more->next = node;\n"
			       "		node = more;\n"
			       "	}\n"
			       "	return node;\n"
			       "}\n"
			       "static __attribute__((noinline)) void work(void)\n"
			       "{\n"
			       "	void *volatile p;\n"
			       "	for (volatile int i = 0; i < 3; i++)\n"
			       "		p = make(100);\n"
			       "	free(make(7));\n"
			       "	p = strdup(\"eleven and NUL\");\n"
			       "	p = chain(5);\n"
			       "	p = malloc(50);\n"
			       "	p = realloc(p, 5000);\n"
			       "	p = aligned_alloc(64, 128);\n"
			       "}\n"
			       "static __attribute__((noinline)) void forget(void)\n"
			       "{\n"
			       "	volatile char stack[4096];\n"
			       "	memset((char *)stack, 0, sizeof stack);\n"
			       "}\n"
			       "int main(void)\n"
			       "{\n"
			       "	work();\n"
			       "	forget();\n"
			       "	return 0;\n"
			       "}\n";
enum { LEAKER_BLOCKS = 11, LEAKER_BYTES = 5683 };

static const char leaker_cc[] = "#include <cstring>\n"
				"#include <map>\n"
				"#include <stdexcept>\n"
				"#include <string>\n"
				"#include <vector>\n"
				"struct shape { virtual ~shape() {} std::vector<int> points; };\n"
				"struct circle : shape { circle() { points.resize(100); } };\n"
				"namespace work {\n"
				"__attribute__((noinline)) void draw()\n"
				"{\n"
				"	shape *volatile lost = new circle;\n"
				"	std::string *volatile text = new std::string(200, 'x');\n"
				"	int *volatile numbers = new int[1000];\n"
				"	std::map<int, std::string> kept;\n"
				"	kept[1] = std::string(300, 'y');\n"
				"	try { throw std::runtime_error(\"caught\"); } catch (...) { }\n"
				"	(void)lost; (void)text; (void)numbers;\n"
				"}\n"
				"}\n"
				"__attribute__((noinline)) void forget()\n"
				"{\n"
				"	volatile char stack[4096];\n"
				"	std::memset((char *)stack, 0, sizeof stack);\n"
				"}\n"
				"int main()\n"
				"{\n"
				"	work::draw();\n"
				"	forget();\n"
				"}\n";

struct sum {
	uint64_t blocks, bytes;
};

/* Builds ./leaker, and a trace of it in ./t. */
static void trace_c(const char *flags)
{
	write_file("leaker.c", leaker_c, strlen(leaker_c));
	must(run("${CC:-cc} -g -O1 -fno-builtin %s -o leaker leaker.c &&"
	         "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./leaker",
	         flags));
}

static void trace_cxx(void)
{
	write_file("leaker.cc", leaker_cc, strlen(leaker_cc));
	must(run("${CXX:-c++} -g -O1 -o leaker leaker.cc &&"
	         "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./leaker"));
}

/* What jq says about the report of ./t, without its last newline. */
static char *ask(const char *options, const char *filter)
{
	struct run r = run("$B/log-malloc-findleak --format=json %s t >json; [ $? -le 1 ] && jq -r '%s' json", options,
	                   filter);

	must(r);
	if (r.out_len)
		r.out[r.out_len - 1] = '\0';
	return r.out;
}

static struct sum leaks_of(const char *options)
{
	struct sum sum;

	ck_assert_int_eq(sscanf(ask(options, "\"\\(.total.count) \\(.total.bytes)\""), "%" SCNu64 " %" SCNu64,
	                        &sum.blocks, &sum.bytes),
	                 2);
	return sum;
}

/* A number of valgrind's, "5,683", from the line that has NAME. */
static void valgrind_number(const char *report, const char *name, struct sum *sum)
{
	struct run r;

	write_file("valgrind", report, strlen(report));
	r = run("grep -F '%s' valgrind | tr -d , | sed 's/.*: *\\([0-9]*\\) bytes in \\([0-9]*\\) blocks.*/\\1 \\2/'",
	        name);
	ck_assert_int_eq(sscanf(r.out, "%" SCNu64 " %" SCNu64, &sum->bytes, &sum->blocks), 2);
}

static struct sum valgrind_sum(void)
{
	struct sum direct, indirect;
	struct run r = run("valgrind ./leaker");

	must(r);
	valgrind_number(r.err, "definitely lost:", &direct);
	valgrind_number(r.err, "indirectly lost:", &indirect);
	return (struct sum){direct.blocks + indirect.blocks, direct.bytes + indirect.bytes};
}

static void same_sum(struct sum ours, struct sum theirs)
{
	ck_assert_uint_eq(ours.blocks, theirs.blocks);
	ck_assert_uint_eq(ours.bytes, theirs.bytes);
	ck_assert_uint_ne(theirs.blocks, 0);
}

START_TEST(leaks_in_c_are_those_that_valgrind_finds)
{
	if (!can_run("leaks_in_c_are_those_that_valgrind_finds", "valgrind"))
		return;
	if (!can_run("leaks_in_c_are_those_that_valgrind_finds", "jq"))
		return;
	trace_c("");
	same_sum(leaks_of(""), (struct sum){LEAKER_BLOCKS, LEAKER_BYTES});
	same_sum(leaks_of(""), valgrind_sum());
}
END_TEST

START_TEST(leaks_in_cxx_are_those_that_valgrind_finds)
{
	if (!can_run("leaks_in_cxx_are_those_that_valgrind_finds", "valgrind"))
		return;
	if (!can_run("leaks_in_cxx_are_those_that_valgrind_finds", "jq"))
		return;
	trace_cxx();
	same_sum(leaks_of(""), valgrind_sum());
}
END_TEST

/* Builds lsan/leaker, a file of the same name; false where LeakSanitizer is missing or may not look at processes. */
static bool build_for_lsan(const char *test, const char *compiler, const char *source)
{
	struct run r = run(
		"mkdir -p lsan && %s -g -O1 -fno-builtin -fno-omit-frame-pointer -fsanitize=leak -o lsan/leaker %s &&"
		"lsan/leaker",
		compiler, source);

	if (r.status != 0 && strstr(r.err, "SUMMARY: LeakSanitizer: "))
		return true;
	skip(test, "LeakSanitizer does not work here");
	return false;
}

static struct sum lsan_sum(void)
{
	struct run r = run("LSAN_OPTIONS=fast_unwind_on_malloc=0 lsan/leaker");
	const char *summary = strstr(r.err, "SUMMARY: LeakSanitizer: ");
	struct sum sum;

	ck_assert_ptr_nonnull(summary);
	ck_assert_int_eq(sscanf(summary,
	                        "SUMMARY: LeakSanitizer: %" SCNu64 " byte(s) leaked in %" SCNu64 " allocation(s).",
	                        &sum.bytes, &sum.blocks),
	                 2);
	return sum;
}

START_TEST(leaks_are_those_that_leaksanitizer_finds)
{
	if (!can_run("leaks_are_those_that_leaksanitizer_finds", "jq"))
		return;
	trace_c("");
	if (!build_for_lsan("leaks_are_those_that_leaksanitizer_finds", "${CC:-cc}", "leaker.c"))
		return;
	same_sum(leaks_of(""), lsan_sum());
	trace_cxx();
	build_for_lsan("leaks_are_those_that_leaksanitizer_finds", "${CXX:-c++}", "leaker.cc");
	same_sum(leaks_of(""), lsan_sum());
}
END_TEST

/* Patterns with all that the syntax has; each is asked on its own, and all of them at once. */
static const char *const patterns[] = {
	"^make$",  "make",     "^ake",     "mak$",       "*make*",  "m*ke",    "^m*e$",  "ma*x",
	"main$",   "^main",    "leaker.c", "/leaker.c$", "^leaker", "chain$*", "ch*i*n", "wor^k",
	"^",       "$",        "*",        "**k$",       "work*",   "^work*$", "a*a",    "chain$in",
	"strdup$", "libc.so*", "_start",   "nothing",    "^^make",  "make$$",  "*$",     "make ",
};

/* What LeakSanitizer prints of the suppressions in ./s: "count bytes pattern" lines, sorted. */
static char *lsan_used(void)
{
	return run("LSAN_OPTIONS=suppressions=s:print_suppressions=1:fast_unwind_on_malloc=0 lsan/leaker 2>&1 |"
	           "sed '1,/^  count  *bytes template/d; /^---/,$d' | sed 's/^ *//; s/  */ /; s/  *$//' | sort")
	        .out;
}

static char *our_used(void)
{
	return run("$B/log-malloc-findleak --no-default-suppressions -s s t |"
	           "sed '1,/^  count  *bytes  pattern/d; /^$/,$d' | sed 's/^ *//; s/  */ /; s/  */ /2; s/  *$//' | "
	           "sort")
	        .out;
}

START_TEST(suppressions_match_as_in_leaksanitizer)
{
	trace_c("");
	if (!build_for_lsan("suppressions_match_as_in_leaksanitizer", "${CC:-cc}", "leaker.c"))
		return;
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		char line[64], *theirs, *ours;

		snprintf(line, sizeof line, "leak:%s\n", patterns[i]);
		write_file("s", line, strlen(line));
		theirs = lsan_used();
		ours = our_used();
		ck_assert_msg(strcmp(theirs, ours) == 0, "%s: theirs '%s', ours '%s'", patterns[i], theirs, ours);
	}
	must(run("printf '# all\\n\\n  leak:^make\\nleak:^chain \\n#leak:main\\n\\tleak:^work$' >s"));
	ck_assert_str_eq(lsan_used(), our_used());
	ck_assert_ptr_nonnull(strstr(our_used(), "5 240 ^chain"));
	/* Of one frame, its module is asked first, then function and file of each place: not pattern by pattern. */
	must(run("printf 'leak:leaker.c\\nleak:^make\\nleak:^chain\\n' >s"));
	ck_assert_str_eq(lsan_used(), our_used());
	ck_assert_ptr_nonnull(strstr(our_used(), "3 300 ^make"));
	must(run("printf 'leak:^make\\nleak:^chain\\nleak:test_findleak\\n' >s"));
	ck_assert_str_eq(lsan_used(), our_used());
	ck_assert_str_eq(our_used(), "11 5683 test_findleak\n");
}
END_TEST

/* ---- what is shown ---------------------------------------------------------- */

START_TEST(json_says_what_the_text_says)
{
	char *answer;

	if (!can_run("json_says_what_the_text_says", "jq"))
		return;
	trace_c("");
	answer = ask("", "[.complete, .foreign, .double, .unknown, .lost, .malformed, (.leaks | length),"
	                 " ([.leaks[].bytes] | add), ([.leaks[].count] | add), .rest.count] | @json");
	ck_assert_str_eq(answer, "[true,0,0,0,0,0,5,5683,11,0]");
	answer = ask("", ".leaks[] | select(.call == \"calloc\") | [.count, .bytes, .backtrace[0].function, "
	                 "(.backtrace[0].file | split(\"/\") | last), .backtrace[0].line, .backtrace[0].inlined, "
	                 "(.backtrace[0].module | split(\"/\") | last)] | @json");
	ck_assert_str_eq(answer, "[5,240,\"chain\",\"leaker.c\",12,false,\"leaker\"]");
	/* Sorted, and each frame has its fields. */
	ck_assert_str_eq(ask("", "[.leaks[].bytes] | . == (sort | reverse)"), "true");
	ck_assert_str_eq(ask("", "[.leaks[].backtrace[] | keys | join(\" \")] | unique | join(\",\")"),
	                 "address file function inlined line module offset");
	ck_assert_str_eq(ask("", "[.leaks[].backtrace[] | .address, .offset | test(\"^0x[0-9a-f]+$\")] | all"), "true");
	must(run("test \"$(jq .pid json)\" = \"$(sed -n 's/^# PID //p' t)\" &&"
	         "test \"$(jq -r .program json)\" = \"$(sed -n 's/^# EXE //p' t)\""));
}
END_TEST

START_TEST(an_offset_is_what_addr2line_wants)
{
	if (!can_run("an_offset_is_what_addr2line_wants", "jq") ||
	    !can_run("an_offset_is_what_addr2line_wants", "addr2line"))
		return;
	for (int i = 0; i < 2; i++) {
		trace_c(i ? "-no-pie" : "-pie -fPIE");
		ask("", ".");
		must(run("at=$(jq -r '.leaks[] | select(.call == \"calloc\").backtrace[0].offset' json);"
		         "addr2line -fe leaker $(printf '0x%%x' $((at - 1))) | grep -A1 '^chain$' | grep "
		         "'leaker.c:12'"));
	}
}
END_TEST

START_TEST(the_first_leaks_are_shown_and_the_rest_is_summed_up)
{
	struct run r;

	trace_c("");
	r = run("$B/log-malloc-findleak --top 2 t");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(strstr(r.out, "SUSPECTED 11 LEAKS:\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "\n ... and 7 blocks with 383 bytes (0.37 KiB) of 3 other leaks\n"));
	ck_assert_str_eq(run("$B/log-malloc-findleak -t2 t | grep -c ' leaked '").out, "2\n");
	ck_assert_str_eq(run("$B/log-malloc-findleak -t0 t | grep -c ' leaked '").out, "5\n");
	ck_assert_str_eq(run("$B/log-malloc-findleak --min-bytes 200 t | grep -c ' leaked '").out, "3\n");
	ck_assert_str_eq(run("$B/log-malloc-findleak --min-bytes 1K t | grep -c ' leaked '").out, "1\n");
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-findleak --min-bytes 1M t").out, "of 5 other leaks\n"));
	/* Whatever is shown, the last line is about all. */
	r = run("for o in -t1 --min-bytes=200 -a -t0; do $B/log-malloc-findleak $o t | tail -n 1; done | uniq |"
	        "sed 's/[0-9]* backtraces/N/' | uniq");
	ck_assert_str_eq(r.out, "Total: 11 blocks, 5683 bytes (5.55 KiB), N; 0 foreign frees; the trace is complete\n");
}
END_TEST

START_TEST(twenty_leaks_are_shown_by_default)
{
	struct run r = run("{ echo '+ INIT [0:0] malloc=0'; for i in $(seq 30); do printf '+ malloc %%d 0x%%d0 [1:1]\\n"
	                   "[0x%%d]\\n' $i $i $i; done; } >t; $B/log-malloc-findleak t");

	ck_assert_ptr_nonnull(strstr(r.out, " ... and 10 blocks with 55 bytes (0.05 KiB) of 10 other leaks\n"));
	if (can_run("twenty_leaks_are_shown_by_default", "jq"))
		ck_assert_str_eq(ask("", ".leaks | length"), "30");
	if (have_command("jq"))
		ck_assert_str_eq(ask("--top=4", "[(.leaks | length), .rest.count, .rest.bytes, .total.bytes] | @json"),
		                 "[4,26,351,465]");
}
END_TEST

START_TEST(each_block_can_be_shown_on_its_own)
{
	struct run r;

	trace_c("");
	r = run("$B/log-malloc-findleak --by-address t | grep -c '^ 0x[0-9a-f]* leaked '");
	ck_assert_str_eq(r.out, "11\n");
	r = run("$B/log-malloc-findleak -na t | sed -n 's/^ \\(0x[0-9a-f]*\\) leaked.*/\\1/p' | sort -u | wc -l");
	ck_assert_str_eq(r.out, "11\n");
}
END_TEST

static const char timed[] = "+ INIT [0:0] malloc=0\n# TIME 0\n+ malloc 1 0x10 [1:24]\n# TIME 1000\n"
			    "+ malloc 2 0x20 [3:48]\n# TIME 5000\n+ malloc 4 0x40 [7:96]\n# TIME 60000\n"
			    "+ malloc 8 0x80 [15:1]\n# TIME 61000\n";

START_TEST(young_blocks_are_no_leaks)
{
	static const struct {
		const char *age;
		int bytes;
	} cases[] = {{"0", 15},      {"0ms", 15}, {"1ms", 15},    {"1000ms", 15}, {"1001ms", 7}, {"2", 7}, {"56s", 7},
	             {"56001ms", 3}, {"1m", 3},   {"60001ms", 1}, {"61s", 1},     {"62s", 0},    {"1h", 0}};

	write_file("t", timed, strlen(timed));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run r = run("$B/log-malloc-findleak --older-than %s t | tail -n 1", cases[i].age);
		int bytes = -1;

		sscanf(r.out, "Total: %*d %*[^ ] %d byte", &bytes);
		ck_assert_msg(bytes == cases[i].bytes, "%s: %s", cases[i].age, r.out);
	}
	if (have_command("jq"))
		ck_assert_str_eq(ask("-a --older-than=1001ms", "[.young.bytes, .leaks[].time] | @json"),
		                 "[8,5000,1000,0]");
	/* Without times nothing is known to be young, and that is said. */
	run("grep -v TIME t >u");
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-findleak --older-than 1s u").err, "u: the trace has no times"));
}
END_TEST

START_TEST(a_budget_decides_on_the_status)
{
	trace_c("");
	ck_assert_int_eq(run("$B/log-malloc-findleak --max-bytes 5683 t").status, 0);
	ck_assert_int_eq(run("$B/log-malloc-findleak --max-bytes 5682 t").status, 1);
	ck_assert_int_eq(run("$B/log-malloc-findleak --max-bytes 6K t").status, 0);
	ck_assert_int_eq(run("$B/log-malloc-findleak --max-bytes 0 t").status, 1);
	ck_assert_ptr_nonnull(
		strstr(run("$B/log-malloc-findleak --max-bytes 10K t").out, "; within the budget of 10240 bytes\n"));
	ck_assert_ptr_nonnull(
		strstr(run("$B/log-malloc-findleak --max-bytes 10 t").out, "; OVER the budget of 10 bytes\n"));
}
END_TEST

START_TEST(junit_reports_are_valid)
{
	if (!can_run("junit_reports_are_valid", "xmllint"))
		return;
	trace_c("");
	ck_assert_int_eq(junit_has("t", 5).status, 1);
	ck_assert_int_eq(junit_has("--top 2 t", 3).status, 1);
	ck_assert_int_eq(junit_has("--max-bytes 10000 t", 0).status, 0);
	ck_assert_int_eq(junit_has("--max-bytes 10000 t t", 0).status, 0);
	ck_assert_int_eq(junit_has("-n t t", 10).status, 1);
	must(run("printf '+ INIT [0:0] malloc=0\\n+ FINI [0:0] malloc=0\\n' >none"));
	ck_assert_int_eq(junit_has("none", 0).status, 0);
	ck_assert_int_eq(junit_has("none t none", 5).status, 1);
	ck_assert_int_eq(junit_has("t /nonexistent", 5).status, 2);
	ck_assert_str_eq(run("xmllint --xpath 'count(//error)' junit").out, "1\n");
	/* Names with everything that is none of XML's. */
	must(run("printf '# EXE /<a>&\"b\\001\\377\\n+ INIT [0:0] malloc=0\\n+ malloc 5 0x10 [5:24]\\n"
	         "/x<\\033>&(a<b>\"\\007\\302\\303\\244\\355\\240\\200\\357\\277\\277+0x1)[0x1]\\n' >odd"));
	ck_assert_int_eq(junit_has("odd", 1).status, 1);
	ck_assert_str_eq(run("xmllint --xpath 'string(//testcase/@classname)' junit").out, "/<a>&\"b\\001\\377\n");
}
END_TEST

START_TEST(names_that_are_no_utf_8_make_valid_json)
{
	if (!can_run("names_that_are_no_utf_8_make_valid_json", "jq"))
		return;
	must(run("printf '# EXE /a\\377\\303\\244\\342\\202\\n+ INIT [0:0] malloc=0\\n+ malloc 5 0x10 [5:24]\\n"
	         "/x(\\200\\001\"\\\\+0x1)[0x1]\\n' >t"));
	ck_assert_str_eq(ask("", ".program"), "/a\\377\303\244\\342\\202");
	ck_assert_str_eq(ask("", ".leaks[0].backtrace[0].function | @json"), "\"\\\\200\\u0001\\\"\\\\\"");
	ck_assert_str_eq(ask("", ".pid"), "null");
	/* Numbers beyond what JSON's readers take. */
	must(run("printf '+ INIT [0:0] malloc=0\\n+ malloc 18446744073709551615 0x10 [5:24]\\n' >t"));
	ask("", ".leaks[0].bytes");
	must(run("grep '\"bytes\":9223372036854775807' json || ! grep '\"bytes\":-' json"));
}
END_TEST

/* ---- suppressions ------------------------------------------------------------ */

START_TEST(suppressions_say_what_they_did)
{
	struct run r;

	trace_c("");
	must(run("printf '# known\\nleak:^make$\\nleak:nowhere\\nleak:chain' >s"));
	r = run("$B/log-malloc-findleak -s s t");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(strstr(r.out, "\nSuppressions used:\n  count      bytes  pattern\n"
	                                    "      3        300  ^make$\n      5        240  chain\n"
	                                    "\nSuppressions that matched nothing:\n  nowhere\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "; 8 blocks, 540 bytes suppressed; the trace is complete\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "SUSPECTED 3 LEAKS:\n"));
	/* All of them: nothing is left to find. */
	ck_assert_int_eq(run("echo leak:work >all; $B/log-malloc-findleak -s s --suppressions=all t").status, 0);
	if (!have_command("jq"))
		return;
	ck_assert_str_eq(ask("-s s", "[.suppressed.count, .suppressed.bytes, (.suppressed.suppressions[] |"
	                             " .pattern, .count, .builtin)] | @json"),
	                 "[8,540,\"^make$\",3,false,\"nowhere\",0,false,\"chain\",5,false]");
}
END_TEST

START_TEST(what_is_no_suppression_is_trouble)
{
	struct run r;

	trace_c("");
	r = run("printf 'leak:a\\nleaks:b\\n\\n# c\\nrace:d\\n' >s; $B/log-malloc-findleak -s s t");
	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.out, "");
	ck_assert_ptr_nonnull(strstr(r.err, "log-malloc-findleak: s:2: this is not a suppression"));
	ck_assert_ptr_nonnull(strstr(r.err, "log-malloc-findleak: s:5: this is not a suppression"));
	ck_assert_ptr_null(strstr(r.err, "s:4:"));
	ck_assert_int_eq(run("$B/log-malloc-findleak -s /nonexistent t").status, 2);
	ck_assert_int_eq(run("$B/log-malloc-findleak -s . t").status, 2);
}
END_TEST

/* Keeps much of libc's own, and leaks one block of 77 bytes. */
static const char keeper_c[] = "#include <dlfcn.h>\n#include <locale.h>\n#include <pthread.h>\n#include <pwd.h>\n"
			       "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <time.h>\n"
			       "static void *thread(void *p) { free(malloc(3)); return p; }\n"
			       "void *lost;\n"
			       "int main(void)\n"
			       "{\n"
			       "	pthread_t id;\n"
			       "	time_t now = time(NULL);\n"
			       "	puts(\"hello\");\n"
			       "	setlocale(LC_ALL, \"C.UTF-8\");\n"
			       "	pthread_create(&id, NULL, thread, NULL);\n"
			       "	pthread_join(id, NULL);\n"
			       "	localtime(&now);\n"
			       "	getpwuid(0);\n"
			       "	strsignal(99);\n"
			       "	setenv(\"KEPT\", \"yes\", 1);\n"
			       "#ifdef DYNAMIC\n"
			       "	dlopen(\"/nonexistent.so\", RTLD_NOW);\n"
			       "	dlsym(NULL, \"nothing\");\n"
			       "#endif\n"
			       "	lost = malloc(77);\n"
			       "	return 0;\n"
			       "}\n";

static const char keeper_cc[] = "#include <iostream>\n#include <stdexcept>\n#include <thread>\n"
				"void *lost;\n"
				"int main()\n"
				"{\n"
				"	std::cout << \"hello\" << std::endl;\n"
				"	try { throw std::runtime_error(\"caught\"); } catch (...) { }\n"
				"	std::thread([] { std::cout << std::string(100, 'x'); }).join();\n"
				"	lost = operator new(77);\n"
				"}\n";

/* Only the program's own block is a leak; and the other ones are there, if they are asked for. */
static void finds_one_leak(void)
{
	struct run r = run("$B/log-malloc-findleak t");

	ck_assert_msg(strstr(r.out, "SUSPECTED 1 LEAKS:\n"), "%.3000s", r.out);
	ck_assert_ptr_nonnull(strstr(r.out, " leaked 77 bytes "));
	ck_assert_ptr_null(strstr(r.out, "Suppressions"));
	ck_assert_ptr_nonnull(strstr(r.out, " bytes suppressed; the trace is complete\n"));
	r = run("$B/log-malloc-findleak --no-default-suppressions t");
	ck_assert_ptr_null(strstr(r.out, "suppressed"));
	ck_assert_ptr_null(strstr(r.out, "SUSPECTED 1 LEAKS:\n"));
}

START_TEST(what_libc_and_the_cxx_runtime_keep_is_no_leak)
{
	static const char link[] =
		"$(PKG_CONFIG_PATH=$B/pkgconfig pkg-config --static --cflags --libs log-malloc2-wrap)";

	write_file("keeper.c", keeper_c, strlen(keeper_c));
	write_file("keeper.cc", keeper_cc, strlen(keeper_cc));
	must(run("${CC:-cc} -g -DDYNAMIC -pthread -o keeper keeper.c -ldl &&"
	         "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./keeper"));
	finds_one_leak();
	must(run("${CXX:-c++} -g -pthread -o keeper keeper.cc &&"
	         "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./keeper"));
	finds_one_leak();
	must(run("${CC:-cc} -g -static -o keeper keeper.c %s && LOG_MALLOC_OUTPUT=$PWD/t ./keeper", link));
	finds_one_leak();
	must(run("${CXX:-c++} -g -static -o keeper keeper.cc %s && LOG_MALLOC_OUTPUT=$PWD/t ./keeper", link));
	finds_one_leak();
}
END_TEST

START_TEST(leaks_of_constructors_are_not_the_loaders)
{
	/* A plugin's constructor runs inside dlopen(): what it loses is its own. */
	static const char plugin[] = "#include <stdlib.h>\nvoid *lost;\n"
				     "__attribute__((constructor)) static void begin(void) { lost = malloc(555); }\n";
	static const char host[] =
		"#include <dlfcn.h>\nint main(void) { return !dlopen(\"./plugin.so\", RTLD_NOW); }\n";
	struct run r;

	write_file("plugin.c", plugin, strlen(plugin));
	write_file("host.c", host, strlen(host));
	must(run("${CC:-cc} -g -shared -fPIC -o plugin.so plugin.c && ${CC:-cc} -g -o host host.c -ldl &&"
	         "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./host"));
	r = run("$B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, "SUSPECTED 1 LEAKS:\n") && strstr(r.out, " leaked 555 bytes "), "%.3000s", r.out);
}
END_TEST

START_TEST(a_call_through_the_loader_is_not_the_loaders)
{
	/* Each backtrace as a list of frames, innermost first: l is the loader, c libc, s libstdc++, p the program; a
	 * is the loader of 32-bit ARM, which has no unwind tables, n libstdc++'s operator new. */
	static const struct {
		const char *frames;
		bool leak;
	} cases[] = {
		{"l", true},   {"l p p", true},    {"l c p", true},    {"s l p", true},  {"l s l p", true},
		{"s p", true}, {"l l p l", false}, {"l l c p", false}, {"s l l", false}, {"l s l l", false},
		{"d", true},   {"c k p", false},   {"l c k p", false}, {"a", false},     {"a p", true},
		{"s", false},  {"n", true},
	};
	static const char script[] =
		"{ printf '# PID 7\n# EXE /x/p\n# CWD /\n# FORMAT full\n+ INIT [0:0] malloc=0 calloc=0 realloc=0 "
		"memalign=0/0 valloc=0 free=0\n+ malloc 100 0x1000 [100:104]\n'; n=1; for f in %s; do case $f in "
		"l) o=/x/ld-linux-x86-64.so.2'(+0x';; a) o=/x/ld-linux-armhf.so.3'(+0x';; n) "
		"o=/x/libstdc++.so.6'(_Znwj+0x';; c) o=/x/libc.so.6'(+0x';; s) o=/x/libstdc++.so.6'(+0x';; "
		"d) o=/x/p'(_dl_runtime_resolve+0x';; k) o=/x/libc.so.6'(dlsym+0x';; *) o=/x/p'(work+0x';; esac; "
		"echo \"$o$n)[0x$n]\"; n=$((n + 1)); done; echo '+ FINI [100:104]'; } >t; $B/log-malloc-findleak t";

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run r = run(script, cases[i].frames);

		ck_assert_msg(r.status == cases[i].leak, "%s: %s%s", cases[i].frames, r.out, r.err);
		ck_assert_ptr_nonnull(
			strstr(r.out, cases[i].leak ? "Total: 1 block, 100 bytes" : "; 1 block, 100 bytes suppressed"));
	}
}
END_TEST

START_TEST(what_is_allocated_inside_the_tracker_is_no_leak)
{
	struct run r;

	must(run("printf '# PID 7\\n# EXE /x/p\\n# CWD /\\n# FORMAT full\\n+ INIT [0:0] malloc=0 calloc=0 realloc=0 "
	         "memalign=0/0 valloc=0 free=0\\n+ malloc 5160 0x1000 [5160:5168]!\\n' >inside && "
	         "{ cat inside; printf '+ FINI [5160:5168]\\n'; } >t && "
	         "{ cat inside; printf '+ malloc 77 0x5000 [5237:5248]\\n+ FINI [5237:5248]\\n'; } >both"));
	r = run("$B/log-malloc-findleak t");
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.out, "; 1 block, 5160 bytes suppressed"));
	/* The program's own block without a backtrace is a leak. */
	r = run("$B/log-malloc-findleak both");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(strstr(r.out, "SUSPECTED 1 LEAKS:\n 0x5000 leaked 77 bytes"));
	ck_assert_int_eq(run("$B/log-malloc-findleak --max-bytes=77 both").status, 0);
	r = run("$B/log-malloc-findleak --no-default-suppressions both");
	ck_assert_ptr_nonnull(strstr(r.out, "SUSPECTED 2 LEAKS:\n 0x1000 leaked 5160 bytes"));
}
END_TEST

START_TEST(many_suppressions_cost_no_more_than_their_number)
{
	/* Each pattern against each frame would be 40 million comparisons of names, more than two seconds. */
	must(run(
		"for i in {1..20000}; do echo \"leak:name_$i*of*nothing_$i\"; done >s; echo 'leak:name_7*n_7$' >>s;"
		"{ printf '# PID 7\\n# FORMAT full\\n+ INIT [0:0] malloc=0 calloc=0 realloc=0 memalign=0/0 valloc=0 "
		"free=0\\n'; for i in {1..2000}; do printf '+ malloc 10 0x%%x "
		"[%%d:%%d]\\n/x/p(name_%%d_of_function_%%d+0x1)"
		"[0x%%x]\\n' $((4096 * i)) $((10 * i)) $((10 * i)) $i $i $i; done; echo '+ FINI [20000:20000]'; } >t"));
	ck_assert_ptr_nonnull(strstr(run("ulimit -t 1; $B/log-malloc-findleak -n -s s t | tail -n 1").out,
	                             "Total: 1999 blocks, 19990 bytes"));
}
END_TEST

/* ---- wrong frees --------------------------------------------------------------- */

START_TEST(a_double_free_is_named_with_its_first_release)
{
	static const char program[] = "#include <stdlib.h>\n"
				      "static __attribute__((noinline)) void drop(void *p) { free(p); }\n"
				      "int main(void)\n"
				      "{\n"
				      "	void *volatile p = malloc(100);\n" /* line 5 */
				      "	free(malloc(3000));\n"
				      "	drop(p);\n"
				      "	drop(p);\n" /* line 8 */
				      "	return 0;\n"
				      "}\n";
	struct run r;

	write_file("twice.c", program, strlen(program));
	r = run("${CC:-cc} -g -O0 -o twice twice.c && LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./twice;"
	        "$B/log-malloc-findleak t");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(strstr(r.out, "\n1 FREE OF BLOCKS THAT WERE NOT IN USE:\n 0x"));
	ck_assert_ptr_nonnull(strstr(r.out, ": free of a block that had been released before (line: "));
	ck_assert_msg(strstr(r.out, " twice.c:8 ") && strstr(r.out, " twice.c:5 "), "%s", r.out);
	ck_assert_ptr_nonnull(strstr(r.out, "; 0 foreign frees; 1 double free; the trace ends early\n"));
	if (have_command("jq"))
		ck_assert_str_eq(ask("", "[.double, .foreign, .frees[0].kind, .frees[0].before.call,"
		                         " .frees[0].before.backtrace[0].line] | @json"),
		                 "[1,0,\"double\",\"malloc\",5]");
	if (have_command("xmllint"))
		ck_assert_int_eq(junit_has("t", 1).status, 1);
	/* A stream is not read twice: then it is a foreign one, which is true as well. */
	r = run("$B/log-malloc-findleak - <t");
	ck_assert_ptr_nonnull(strstr(r.out, "; 1 foreign free; "));
	ck_assert_int_eq(r.status, 0);
}
END_TEST

START_TEST(an_address_that_unseen_code_used_again_is_not_called_a_double_free)
{
	static const char trace[] = "+ INIT [0:0] malloc=0\n+ malloc 10 0x100 [10:24]\n+ free -10 0x100 [0:0]\n"
				    "+ free -24 0x100 [0:0] !f\n[0x1]\n+ free -24 0x900 [0:0] !f\n[0x1]\n";
	struct run r;

	write_file("t", trace, strlen(trace));
	r = run("$B/log-malloc-findleak t");
	ck_assert_ptr_nonnull(strstr(r.out, " 2 times free of a block that the tracker did not see allocated (first: "
	                                    "0x100, line: 4)\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "released before in line 3, allocated by malloc in line 2:\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "; 2 foreign frees; "));
	ck_assert_ptr_null(strstr(r.out, "double"));
}
END_TEST

START_TEST(nothing_is_known_to_be_within_a_budget_where_something_is_missing)
{
	static const char *const missing[] = {"# LOST 1\n",
	                                      "+ malloc 9 0x100 [0:0] unkept=1\n+ free -24 0x100 [0:0] !f\n"};
	static const char *const formats[] = {"text", "json", "junit"};

	for (size_t i = 0; i < 6; i++) {
		char trace[256];
		int len = snprintf(trace, sizeof trace, "+ INIT [0:0] malloc=0\n%s+ FINI [0:0] malloc=1 free=1\n",
		                   missing[i / 3]);
		struct run r;

		write_file("t", trace, (size_t)len);
		r = run("$B/log-malloc-findleak --max-bytes=1M --format=%s t", formats[i % 3]);
		ck_assert_str_eq(r.err, "");
		ck_assert_msg(r.status == 1, "%s: %d", formats[i % 3], r.status);
		ck_assert_int_eq(run("$B/log-malloc-findleak --format=%s t", formats[i % 3]).status, 1);
		ck_assert_ptr_null(strstr(r.out, "trace is complete"));
		ck_assert_int_eq(run("$B/log-malloc-diff --max-growth=1M t t").status, 1);
		ck_assert_int_eq(run("$B/log-malloc-diff t t").status, 0);
	}
}
END_TEST

/* Its only block is allocated inside libc. */
static void trace_duplicator(const char *flags, const char *link)
{
	static const char duplicator[] = "#include <string.h>\nint main(void)\n{\n"
					 "	char *volatile p = strdup(\"eleven and NUL\");\n"
					 "	return !p;\n}\n";

	write_file("dup.c", duplicator, strlen(duplicator));
	must(run("${CC:-cc} -g -O0 %s -o dup dup.c $(PKG_CONFIG_PATH=$B/pkgconfig pkg-config %s --cflags --libs "
	         "log-malloc2-wrap) && rm -f t && LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=$PWD/t ./dup",
	         flags, link));
}

START_TEST(where_libraries_are_not_seen_nothing_is_known_to_be_within_a_budget)
{
	static const char *const budgets[] = {"", "--max-bytes=1M"}, *const formats[] = {"text", "json", "junit"};
	struct run r;

	trace_duplicator("", "");
	for (int i = 0; i < 6; i++) {
		r = run("$B/log-malloc-findleak %s --format=%s t", budgets[i / 3], formats[i % 3]);
		ck_assert_str_eq(r.err, "");
		ck_assert_msg(r.status == 1, "%s: %d, %s", formats[i % 3], r.status, r.out);
		ck_assert_ptr_null(strstr(r.out, "trace is complete"));
		ck_assert_ptr_nonnull(strstr(r.out, "calls from inside libraries"));
		ck_assert_ptr_nonnull(strstr(
			r.out, "set LD_PRELOAD to liblog-malloc2.so when it runs, or link the program statically"));
		r = run("$B/log-malloc-findleak %s --accept-own-calls --format=%s t", budgets[i / 3], formats[i % 3]);
		ck_assert_str_eq(r.err, "");
		ck_assert_msg(r.status == 0, "%s: %d, %s", formats[i % 3], r.status, r.out);
		ck_assert_ptr_null(strstr(r.out, "trace is complete"));
		ck_assert_ptr_nonnull(strstr(r.out, "calls from inside libraries"));
	}
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-findleak --max-bytes=1M t").out,
	                             "; NOT KNOWN to be within the budget of 1048576 bytes\n"));
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-findleak --max-bytes=1M --accept-own-calls t").out,
	                             "; within the budget of 1048576 bytes\n"));
	ck_assert_int_eq(run("$B/log-malloc-diff --max-growth=1M t t").status, 1);
	ck_assert_int_eq(run("$B/log-malloc-diff --max-growth=1M --accept-own-calls t t").status, 0);
	ck_assert_int_eq(run("$B/log-malloc-diff t t").status, 0);
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-diff --max-growth=1M t t").out, "; NOT KNOWN to be not more "));
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-report t").out, "; calls from inside libraries are not seen"));
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-report --format=folded t").err, "calls from inside libraries"));
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-trackusage t").err, "calls from inside libraries"));
	if (!can_run("where_libraries_are_not_seen_nothing_is_known_to_be_within_a_budget", "jq"))
		return;
	json_is("log-malloc-report", "t", "[.flavour,.complete,.unseen[:27]]",
	        "[\"wrap-dynamic\",false,\"calls from inside libraries\"]\n");
	ck_assert_str_eq(ask("--accept-own-calls", "[.flavour, .complete, .advice[:14]] | @json"),
	                 "[\"wrap-dynamic\",false,\"set LD_PRELOAD\"]");
}
END_TEST

/* The other flavours see the same program's block. */
START_TEST(where_libraries_are_seen_their_blocks_are_known)
{
	struct run r;

	trace_duplicator("", "");
	for (int i = 0; i < 2; i++) {
		if (i)
			trace_duplicator("-static", "--static");
		else
			must(run("rm t; LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./dup"));
		r = run("$B/log-malloc-findleak t");
		ck_assert_int_eq(r.status, 1);
		ck_assert_msg(strstr(r.out, "Total: 1 block, 15 bytes") && strstr(r.out, "; the trace is complete"),
		              "%s", r.out);
		if (can_run("where_libraries_are_seen_their_blocks_are_known", "jq"))
			ck_assert_str_eq(ask("", "[.flavour, .complete, .unseen] | @json"),
			                 i ? "[\"wrap-static\",true,null]" : "[\"preload\",true,null]");
	}
	write_file("t", "+ INIT [0:0] malloc=0\n+ FINI [0:0] malloc=0\n", 44);
	ck_assert_int_eq(run("$B/log-malloc-findleak t").status, 0);
	if (can_run("where_libraries_are_seen_their_blocks_are_known", "jq"))
		ck_assert_str_eq(ask("", "[.flavour, .complete] | @json"), "[null,true]");
}
END_TEST

START_TEST(what_was_lost_is_told_and_nothing_is_concluded_from_it)
{
	/* 0x100 was allocated again, 0x200 released, 0x300 allocated; of 0x500, everything is known. */
	static const char trace[] = "+ INIT [0:0] malloc=0\n+ malloc 10 0x100 [10:24]\n+ free -10 0x100 [0:0]\n"
				    "+ malloc 20 0x200 [20:24]\n[0x1]\n# LOST 3\n+ free -10 0x100 [40:48]\n"
				    "+ malloc 30 0x200 [60:48]\n[0x2]\n+ free -40 0x300 [20:24]\n"
				    "+ malloc 5 0x500 [35:48]\n+ free -5 0x500 [30:24]\n+ free -24 0x500 [30:24] !f\n"
				    "[0x3]\n+ FINI [30:24] malloc=6 calloc=0 realloc=0 memalign=0/0 valloc=0 free=6\n";
	struct run r;

	write_file("t", trace, strlen(trace));
	r = run("$B/log-malloc-findleak -n t");
	ck_assert_str_eq(r.err, "");
	ck_assert_msg(strstr(r.out, "Total: 1 block, 30 bytes (0.03 KiB), 1 backtrace; 0 foreign frees; 1 double free; "
	                            "2 frees of unknown blocks; 3 events lost\n"),
	              "%s", r.out);
	ck_assert_ptr_nonnull(strstr(r.out, "0x500: free of a block that had been released before (line: 13)\n"));
	r = run("$B/log-malloc-findleak --format=junit t");
	ck_assert_msg(strstr(r.out, "; 3 events lost; the trace is not complete<"), "%s", r.out);
	if (can_run("what_was_lost_is_told_and_nothing_is_concluded_from_it", "jq"))
		ck_assert_str_eq(ask("", "[.complete, .double, .unknown, .lost, .malformed] | @json"),
		                 "[false,1,2,3,0]");
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-report t").out, "; 3 events lost)"));
	r = run("$B/log-malloc-trackusage t | tr '\\n' ' '");
	ck_assert_str_eq(r.err, "");
	ck_assert_str_eq(r.out, "0 10 0 20 40 60 20 35 30 30 30 ");
}
END_TEST

/* A child goes on with its parent's blocks, which its own trace does not show. */
START_TEST(what_a_forked_child_inherited_is_no_wrong_free)
{
	static const char forked[] = "# PID 20\n# FORKED 10\n+ INIT [64:96] malloc=2\n"
				     "+ free -24 0x100 [40:72]\n+ realloc 8 0x200 0x300 (40 48) [48:80]\n"
				     "+ free -24 0x900 [48:80] !f\n+ FINI [48:80] malloc=2\n";
	struct run r;

	write_file("t", forked, strlen(forked));
	r = run("$B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, "1 FREE OF BLOCKS THAT WERE NOT IN USE:") &&
	                      strstr(r.out, "; 1 foreign free; 2 frees of blocks from before a fork; the trace is"),
	              "%s", r.out);
	if (can_run("what_a_forked_child_inherited_is_no_wrong_free", "jq"))
		ck_assert_str_eq(ask("", "[.pid, .parent, .inherited, .foreign, .unknown, .double, (.frees | length)]"
		                         " | @json"),
		                 "[20,10,2,1,0,0,1]");
	r = run("$B/log-malloc-findleak --format junit t");
	ck_assert_msg(strstr(r.out, "; 1 foreign free; 2 frees of blocks from before a fork; 0 frees of unknown"), "%s",
	              r.out);
}
END_TEST

START_TEST(reallocs_of_released_blocks_are_double_frees)
{
	static const char trace[] = "+ INIT [0:0] malloc=0\n+ malloc 10 0x100 [10:24]\n[0x5]\n+ free -10 0x100 [0:0]\n"
				    "+ realloc 20 0x100 0x200 (0 20) [20:24] !f\n[0x1]\n+ free -20 0x200 [0:0]\n"
				    "+ free -24 0x200 [0:0] !f\n[0x2]\n+ free -24 0x200 [0:0] !f\n[0x2]\n";
	struct run r;

	write_file("t", trace, strlen(trace));
	r = run("$B/log-malloc-findleak -n t");
	ck_assert_int_eq(r.status, 1);
	ck_assert_msg(strstr(r.out, "3 FREES OF") && strstr(r.out, "; 3 double frees; "), "%s", r.out);
	ck_assert_ptr_nonnull(strstr(r.out, " 2 times free of a block that had been released before (first: 0x200, "));
	ck_assert_ptr_nonnull(strstr(r.out, " 0x100: realloc of a block that had been released before (line: 5)\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "released before in line 4, allocated by malloc in line 2:\n"));
}
END_TEST

START_TEST(many_foreign_frees_take_bounded_memory)
{
	struct run r;

	/* More than are looked into, two backtraces, and one that is looked into at the end. */
	must(run(
		"awk 'BEGIN { print \"+ INIT [0:0] malloc=0\"; for (i = 1; i <= 100000; i++) printf(\"+ free -24 0x%%x "
		"[0:0] !f\\n[0x%%d]\\n\", i * 16, i %% 2 + 1); }' >t"));
	r = run("$B/log-malloc-findleak -n t");
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.out, "\n100000 FREES OF"));
	ck_assert_ptr_nonnull(strstr(r.out,
	                             " 50000 times free of a block that the tracker did not see allocated (first: "
	                             "0x10, line: 2)\n"));
}
END_TEST

/* ---- several images, several files --------------------------------------------- */

START_TEST(each_image_and_each_file_is_reported_by_its_program)
{
	struct run r;

	trace_c("");
	must(run("cp leaker other && LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/u ./other"));
	r = run("$B/log-malloc-findleak -n t u");
	ck_assert_int_eq(r.status, 1);
	must(run("pid=$(sed -n 's/^# PID //p' u); $B/log-malloc-findleak -n t u |"
	         "grep \"^u: IMAGE 1: process $pid $PWD/other (lines 1 to \""));
	ck_assert_ptr_nonnull(strstr(r.out, "t: IMAGE 1: process "));
	ck_assert_ptr_nonnull(strstr(r.out, "\nTotal: 22 blocks, 11366 bytes "));
	if (can_run("each_image_and_each_file_is_reported_by_its_program", "jq")) {
		must(run("$B/log-malloc-findleak --format json t u | jq -rs 'length, .[].program' | sed 's,.*/,,' |"
		         "tr '\\n' ' ' | grep '^2 leaker other $'"));
	}
	r = run("pid=$(sed -n 's/^# PID //p' u); $B/log-malloc-findleak -n -p $pid t u");
	ck_assert_ptr_nonnull(strstr(r.out, "\nTotal: 11 blocks, "));
	ck_assert_int_eq(r.status, 1);
	ck_assert_int_eq(run("$B/log-malloc-findleak -n -p 2147483647 t u").status, 2);
	/* One that cannot be read does not keep the others from being reported. */
	r = run("$B/log-malloc-findleak t /nonexistent u");
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.out, "\nTotal: 22 blocks, 11366 bytes "));
	ck_assert_ptr_nonnull(strstr(r.err, "/nonexistent: No such file"));
}
END_TEST

START_TEST(traces_in_one_file_that_are_of_several_processes_are_told_apart)
{
	static const char both[] = "# PID 5\n+ INIT [0:0] malloc=0\n+ malloc 1 0x10 [1:24]\n"
				   "# PID 6\n+ INIT [0:0] malloc=0\n+ FINI [0:0] malloc=0\n";
	struct run r;

	write_file("t", both, strlen(both));
	r = run("$B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, "IMAGE 1: process 5 (lines 1 to 3, ends early)\n") &&
	                      strstr(r.out, "IMAGE 2: process 6 (lines 4 to 6)\n") &&
	                      strstr(r.out, "; the trace ends early\n"),
	              "%s", r.out);
}
END_TEST

START_TEST(programs_that_exec_are_told_apart)
{
	struct run r;

	trace_c("");
	must(run("LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t /bin/bash -c 'exec ./leaker'"));
	r = run("$B/log-malloc-findleak t");
	ck_assert_ptr_nonnull(strstr(r.out, "IMAGE 1: process "));
	ck_assert_ptr_nonnull(strstr(r.out, ", then another program in its place)\n"));
	must(run("$B/log-malloc-findleak t | grep \"^IMAGE 2: process [0-9]* $PWD/leaker (lines \""));
	if (can_run("programs_that_exec_are_told_apart", "jq"))
		must(run("$B/log-malloc-findleak --format json t | jq -s '.[1] | .total.bytes == 5683 and .complete' |"
		         "grep true"));
}
END_TEST

START_TEST(a_killed_program_is_reported_all_the_same)
{
	static const char program[] = "#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\n"
				      "void *lost;\n"
				      "int main(void) { lost = malloc(123); return kill(getpid(), SIGKILL); }\n";
	struct run r;

	write_file("killed.c", program, strlen(program));
	r = run("${CC:-cc} -g -o killed killed.c; LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./killed;"
	        "$B/log-malloc-findleak t");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(strstr(r.out, " leaked 123 bytes "));
	ck_assert_ptr_nonnull(strstr(r.out, " killed.c:5 "));
	ck_assert_ptr_nonnull(strstr(r.out, "; the trace ends early\n"));
	r = run("$B/log-malloc-findleak t t");
	ck_assert_ptr_nonnull(strstr(r.out, ", ends early)\n"));
	if (can_run("a_killed_program_is_reported_all_the_same", "jq"))
		ck_assert_str_eq(ask("", "[.complete, .begun, .ended, .total.bytes] | @json"),
		                 "[false,true,false,123]");
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused)
{
	static const char *const options[] = {"--top x",
	                                      "--top -1",
	                                      "--min-bytes",
	                                      "--min-bytes 5X",
	                                      "--older-than 5d",
	                                      "--older-than",
	                                      "--max-bytes ''",
	                                      "--format xml",
	                                      "--format",
	                                      "--older-than -1",
	                                      "--min-bytes 99999999999999999999",
	                                      "--max-bytes 99999999999999G",
	                                      "--sysroot /nonexistent"};

	write_file("t", timed, strlen(timed));
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		struct run r = run("$B/log-malloc-findleak t %s", options[i]);

		ck_assert_msg(r.status == 2, "%s: %d", options[i], r.status);
		ck_assert_msg(!r.out_len && r.err_len, "%s: %s", options[i], r.out);
	}
	ck_assert_int_eq(run("$B/log-malloc-findleak --format json t >/dev/full").status, 2);
	ck_assert_int_eq(run("$B/log-malloc-findleak --format junit t >/dev/full").status, 2);
}
END_TEST

/* ---- code without unwind tables ---- */

/* A call by a pointer does not say whom it calls. Else, the tracker would find the caller all the same. */
static const char untabled_c[] = "#include <stdlib.h>\nvoid *volatile kept;\nvoid by_assembly(void);\n"
				 "__attribute__((noinline)) void leaky(size_t n)\n"
				 "{ volatile char x[32]; x[0] = 1; kept = malloc(n); kept = NULL; x[1] = x[0]; }\n"
				 "void (*volatile leak)(size_t) = leaky, (*volatile other)(void) = by_assembly;\n"
				 "int main(void) { leak(77); leak(78); other(); return 0; }\n";

/* By a frame pointer, the tracker would find the caller all the same. */
static const char assembly_s[] = "	.globl by_assembly\n	.type by_assembly, %function\nby_assembly:\n"
				 "#ifdef __x86_64__\n	pushq %rbp\n	xorl %ebp, %ebp\n	movl $79, %edi\n"
				 "	call malloc@PLT\n	popq %rbp\n	ret\n"
				 "#else\n	stp x29, x30, [sp, #-16]!\n	mov x29, #0\n	mov x0, #79\n"
				 "	bl malloc\n	ldp x29, x30, [sp], #16\n	ret\n#endif\n"
				 "	.section .note.GNU-stack,\"\",%progbits\n";

/* What the report says of the program when it was compiled with FLAGS. */
static struct run untabled_report(const char *flags, const char *options)
{
	must(run("${CC:-cc} -O1 -g -fomit-frame-pointer -fno-asynchronous-unwind-tables %s -o untabled untabled.c "
	         "assembly.S && "
	         "LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=trace LD_PRELOAD=$B/liblog-malloc2.so ./untabled",
	         flags));
	return run("$B/log-malloc-findleak %s trace", options);
}

START_TEST(code_without_unwind_tables_is_told_with_the_flag_that_cures_it)
{
	static const char test[] = "code_without_unwind_tables_is_told_with_the_flag_that_cures_it";
	struct run report;

	if (run("case $(uname -m) in x86_64|aarch64) ;; *) false ;; esac").status != 0) {
		skip(test, "the assembly is of x86-64 and aarch64");
		return;
	}
	write_file("untabled.c", untabled_c, sizeof untabled_c - 1);
	write_file("assembly.S", assembly_s, sizeof assembly_s - 1);
	report = untabled_report("", "");
	ck_assert_ptr_nonnull(strstr(report.out, "\nNO CALLERS: code without unwind tables is where backtraces end:\n"
	                                         " 1 backtrace in "));
	ck_assert_ptr_nonnull(strstr(report.out, "/untabled, as at leaky\n"
	                                         "To see the callers, compile it with -funwind-tables.\n\nTotal: 3 "));
	json_is("log-malloc-findleak", "trace", ".untabled | map([.function, .backtraces])", "[[\"leaky\",1]]\n");
	/* A stripped program's functions have no names. */
	report = untabled_report("-s", "");
	ck_assert_ptr_nonnull(strstr(report.out, "/untabled\nTo see the callers"));
	/* A backtrace that ends at assembly, and one that ends where the program begins, are not told. */
	report = untabled_report("-funwind-tables", "");
	ck_assert_ptr_null(strstr(report.out, "NO CALLERS"));
	json_is("log-malloc-findleak", "trace", ".untabled", "[]\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("findleak");
	TCase *oracles = tcase_create("oracles"), *shown = tcase_create("shown");
	TCase *suppressed = tcase_create("suppressed"), *frees = tcase_create("frees"),
	      *images = tcase_create("images");

	tcase_set_timeout(oracles, 240);
	tcase_add_test(oracles, leaks_in_c_are_those_that_valgrind_finds);
	tcase_add_test(oracles, leaks_in_cxx_are_those_that_valgrind_finds);
	tcase_add_test(oracles, leaks_are_those_that_leaksanitizer_finds);
	tcase_add_test(oracles, suppressions_match_as_in_leaksanitizer);
	suite_add_tcase(suite, oracles);
	tcase_set_timeout(shown, 120);
	tcase_add_test(shown, json_says_what_the_text_says);
	tcase_add_test(shown, an_offset_is_what_addr2line_wants);
	tcase_add_test(shown, the_first_leaks_are_shown_and_the_rest_is_summed_up);
	tcase_add_test(shown, twenty_leaks_are_shown_by_default);
	tcase_add_test(shown, each_block_can_be_shown_on_its_own);
	tcase_add_test(shown, young_blocks_are_no_leaks);
	tcase_add_test(shown, a_budget_decides_on_the_status);
	tcase_add_test(shown, junit_reports_are_valid);
	tcase_add_test(shown, names_that_are_no_utf_8_make_valid_json);
	tcase_add_test(shown, options_that_make_no_sense_are_refused);
	tcase_add_test(shown, code_without_unwind_tables_is_told_with_the_flag_that_cures_it);
	suite_add_tcase(suite, shown);
	tcase_set_timeout(suppressed, 240);
	tcase_add_test(suppressed, suppressions_say_what_they_did);
	tcase_add_test(suppressed, what_is_no_suppression_is_trouble);
	tcase_add_test(suppressed, what_libc_and_the_cxx_runtime_keep_is_no_leak);
	tcase_add_test(suppressed, leaks_of_constructors_are_not_the_loaders);
	tcase_add_test(suppressed, a_call_through_the_loader_is_not_the_loaders);
	tcase_add_test(suppressed, what_is_allocated_inside_the_tracker_is_no_leak);
	tcase_add_test(suppressed, many_suppressions_cost_no_more_than_their_number);
	suite_add_tcase(suite, suppressed);
	tcase_set_timeout(frees, 120);
	tcase_add_test(frees, a_double_free_is_named_with_its_first_release);
	tcase_add_test(frees, an_address_that_unseen_code_used_again_is_not_called_a_double_free);
	tcase_add_test(frees, nothing_is_known_to_be_within_a_budget_where_something_is_missing);
	tcase_add_test(frees, where_libraries_are_not_seen_nothing_is_known_to_be_within_a_budget);
	tcase_add_test(frees, where_libraries_are_seen_their_blocks_are_known);
	tcase_add_test(frees, what_was_lost_is_told_and_nothing_is_concluded_from_it);
	tcase_add_test(frees, what_a_forked_child_inherited_is_no_wrong_free);
	tcase_add_test(frees, reallocs_of_released_blocks_are_double_frees);
	tcase_add_test(frees, many_foreign_frees_take_bounded_memory);
	suite_add_tcase(suite, frees);
	tcase_set_timeout(images, 120);
	tcase_add_test(images, each_image_and_each_file_is_reported_by_its_program);
	tcase_add_test(images, programs_that_exec_are_told_apart);
	tcase_add_test(images, traces_in_one_file_that_are_of_several_processes_are_told_apart);
	tcase_add_test(images, a_killed_program_is_reported_all_the_same);
	suite_add_tcase(suite, images);
	return run_suite(suite);
}
