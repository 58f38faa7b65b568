/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log-malloc-findleak against those who know: valgrind and LeakSanitizer for
 * what leaks and what a suppression matches.
 */
#include "leaker.h"
#include "support.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct sum {
	uint64_t blocks, bytes;
};

static struct sum leaks_of(const char *options)
{
	struct sum sum;

	ck_assert_int_eq(sscanf(leaker_ask(options, "\"\\(.total.count) \\(.total.bytes)\""), "%" SCNu64 " %" SCNu64,
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
	leaker_trace_c("");
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
	leaker_trace_cxx();
	same_sum(leaks_of(""), valgrind_sum());
}
END_TEST

/*
 * Builds 0/leaker, a file of the same name, in a directory whose name no pattern below can tell; false where
 * LeakSanitizer is missing or may not look at processes.
 */
static bool build_for_lsan(const char *test, const char *compiler, const char *source)
{
	struct run r =
		run("mkdir -p 0 && %s -g -O1 -fno-builtin -fno-omit-frame-pointer -fsanitize=leak -o 0/leaker %s &&"
	            "0/leaker",
	            compiler, source);

	if (r.status != 0 && strstr(r.err, "SUMMARY: LeakSanitizer: "))
		return true;
	skip(test, "LeakSanitizer does not work here");
	return false;
}

static struct sum lsan_sum(void)
{
	struct run r = run("LSAN_OPTIONS=fast_unwind_on_malloc=0 0/leaker");
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
	leaker_trace_c("");
	if (!build_for_lsan("leaks_are_those_that_leaksanitizer_finds", "${CC:-cc}", "leaker.c"))
		return;
	same_sum(leaks_of(""), lsan_sum());
	leaker_trace_cxx();
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
	return run("LSAN_OPTIONS=suppressions=s:print_suppressions=1:fast_unwind_on_malloc=0 0/leaker 2>&1 |"
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
	leaker_trace_c("");
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
	must(run("printf 'leak:^make\\nleak:^chain\\nleak:test_oracles\\n' >s"));
	ck_assert_str_eq(lsan_used(), our_used());
	ck_assert_str_eq(our_used(), "11 5683 test_oracles\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("oracles");
	TCase *oracles = tcase_create("oracles");

	tcase_set_timeout(oracles, 240);
	tcase_add_test(oracles, leaks_in_c_are_those_that_valgrind_finds);
	tcase_add_test(oracles, leaks_in_cxx_are_those_that_valgrind_finds);
	tcase_add_test(oracles, leaks_are_those_that_leaksanitizer_finds);
	tcase_add_test(oracles, suppressions_match_as_in_leaksanitizer);
	suite_add_tcase(suite, oracles);
	return run_suite(suite);
}
