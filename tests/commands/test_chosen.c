/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-cat: the part of a trace that the user chooses. */
#include "small_trace.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD                                                                                                           \
	"# PID 7\n"                                                                                                    \
	"# PROCESS 1f\n"                                                                                               \
	"# EXE /opt/one\n"                                                                                             \
	"# CWD /opt\n"                                                                                                 \
	"# FORMAT full\n"                                                                                              \
	"+ INIT [0:0] malloc=0 calloc=0\n"                                                                             \
	"# MODULE 1000-3000 0 - /opt/one\n"
#define MALLOC                                                                                                         \
	"# TIME 0\n"                                                                                                   \
	"+ malloc 100 0x5000 [100:104] #1 2 3 4 5 6 7\n"                                                               \
	"/opt/one(_ZL4growv+0x12)[0x1012]\n"                                                                           \
	"/opt/one(main+0x40)[0x1140]\n"
#define EMPTY                                                                                                          \
	"+ malloc 0 0x6000 [100:128]\n"                                                                                \
	"/opt/one(main+0x50)[0x1150]\n"
#define REALLOC                                                                                                        \
	"# TIME 100\n"                                                                                                 \
	"+ realloc 100 0x5000 0x7000 (100 200) [200:232] #1 2 3 4 5 6 7\n"                                             \
	"/opt/one(_ZL4growv+0x22)[0x1022]\n"                                                                           \
	"/opt/one(main+0x60)[0x1160]\n"
#define WORD "# a word of the program\n"
#define LAST                                                                                                           \
	"# TIME 200\n"                                                                                                 \
	"+ free -200 0x7000 [0:0] later=1 #1 2 3 4 5 6 7\n"
#define CALLING                                                                                                        \
	"# CALLING realloc 0 0x9 (nil) (0 5) [0:0]\n"                                                                  \
	"/opt/one(main+0x70)[0x1170]\n"
#define LOST "# LOST 3\n"
#define FAILED                                                                                                         \
	"+ malloc 0 (nil) (9) [0:0] !e12\n"                                                                            \
	"/opt/one(main+0x50)[0x1150]\n"
#define TAIL                                                                                                           \
	"+ FINI [0:0] malloc=3 calloc=0\n"                                                                             \
	"# FILE /proc/self/maps\n"                                                                                     \
	"00001000-00003000 r-xp 00000000 00:00 0 /opt/one\n"

START_TEST(events_are_chosen_by_time)
{
	write_small();
	cat_writes("--from 0 small", small_trace);
	cat_writes("--to 99 small", HEAD MALLOC EMPTY LOST "# TIME 200\n" TAIL);
	cat_writes("--from 100 --to 150 small",
	           HEAD REALLOC WORD "+ free 0 0x6000 [200:208]\n" LOST "# TIME 200\n" TAIL);
	cat_writes("--from 101 small", HEAD LAST CALLING LOST FAILED TAIL);
	cat_writes("--from 201 small", HEAD LOST "# TIME 200\n" TAIL);
}
END_TEST

START_TEST(events_are_chosen_by_address)
{
	write_small();
	/* All that happened to the block, of which the address is one. */
	cat_writes("--address 0x5063 small", HEAD MALLOC REALLOC WORD LOST "# TIME 200\n" TAIL);
	cat_writes("--address 0x70C7 small", HEAD REALLOC WORD LAST LOST TAIL);
	cat_writes("--address 0x70c8 small", HEAD WORD LOST "# TIME 200\n" TAIL);
	/* A block of no bytes; decimal. */
	cat_writes("--address 24576 small",
	           HEAD "# TIME 0\n" EMPTY WORD "# TIME 100\n+ free 0 0x6000 [200:208]\n" LOST "# TIME 200\n" TAIL);
	cat_writes("--address 0x9 small", HEAD WORD "# TIME 200\n" CALLING LOST TAIL);
}
END_TEST

START_TEST(events_are_chosen_by_call)
{
	write_small();
	cat_writes("--call malloc small", HEAD MALLOC EMPTY WORD LOST "# TIME 200\n" FAILED TAIL);
	cat_writes("--call realloc,free --call calloc small",
	           HEAD REALLOC WORD "+ free 0 0x6000 [200:208]\n" LAST CALLING LOST TAIL);
}
END_TEST

START_TEST(events_are_chosen_by_function)
{
	write_small();
	cat_writes("-n --grep 'grow()' small", HEAD MALLOC REALLOC WORD LOST "# TIME 200\n" TAIL);
	cat_writes("-n --grep ^main$ small", HEAD MALLOC EMPTY REALLOC WORD "# TIME 200\n" CALLING LOST FAILED TAIL);
	cat_writes("-n --grep nothing --grep '^g*w' small", HEAD MALLOC REALLOC WORD LOST "# TIME 200\n" TAIL);
	cat_writes("-n --grep ^rowv small", HEAD WORD LOST "# TIME 200\n" TAIL);
}
END_TEST

START_TEST(events_are_chosen_by_thread)
{
	/* Before a second thread makes events, no line names one. Number 2 goes from one thread to another. */
	static const char head[] = "# FORMAT full\n# THREAD 1 700 one\n+ INIT [0:0] malloc=0\n";
	static const char first[] = "+ malloc 1 0x10 [1:24]\n";
	static const char second[] = "# THREAD 2 701 a\\040b\n";
	static const char others[] = "+ malloc 2 0x20 [3:48] thread=2\n";
	static const char again[] = "+ free -1 0x10 [2:24] thread=1\n";
	static const char unknown[] = "+ free -1 0x90 [2:24] !f thread=0\n";
	static const char third[] = "# THREAD 2 702 two\n";
	static const char last[] = "+ free -2 0x20 [0:0] thread=2\n";
	static const char tail[] = "+ FINI [0:0] malloc=2\n";
	static const struct {
		const char *options, *events[3];
	} cases[] = {
		{"--thread 1", {first, again, ""}},   {"--thread one", {first, again, ""}},
		{"--thread 700", {first, again, ""}}, {"--thread 2", {others, "", last}},
		{"--thread 'a b'", {others, "", ""}}, {"--thread 702", {"", "", last}},
		{"--thread 0", {"", unknown, ""}},    {"--thread two --thread 701", {others, "", last}},
		{"--thread three", {"", "", ""}},     {"--thread 2 --call free", {"", "", last}},
	};
	char *whole, *expected;

	ck_assert_int_gt(
		asprintf(&whole, "%s%s%s%s%s%s%s%s%s", head, first, second, others, again, unknown, third, last, tail),
		0);
	write_file("t", whole, strlen(whole));
	cat_writes("t", whole);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *const *events = cases[i].events;
		bool is_first = events[0] == first;
		char options[64];

		ck_assert_int_gt(asprintf(&expected, "%s%s%s%s%s%s%s%s", head, is_first ? first : "", second,
		                          is_first ? "" : events[0], events[1], third, events[2], tail),
		                 0);
		snprintf(options, sizeof options, "%s t", cases[i].options);
		cat_writes(options, expected);
		free(expected);
	}
	free(whole);
}
END_TEST

START_TEST(conditions_of_several_kinds_all_have_to_be_met)
{
	write_small();
	cat_writes("-n --grep grow --call malloc,free --to 100 --address 0x5000 small",
	           HEAD MALLOC WORD LOST "# TIME 200\n" TAIL);
	cat_writes("-n --grep grow --from 1 --call malloc small", HEAD WORD LOST "# TIME 200\n" TAIL);
}
END_TEST

START_TEST(a_part_has_the_backtraces_of_its_events_alone)
{
	write_small();
	cat_writes("--compact --call realloc small | grep -v '^# [^B]'",
	           "+ INIT [0:0] malloc=0 calloc=0\n"
	           "# BACKTRACE 1\n"
	           "/opt/one(_ZL4growv+0x22)[0x1022]\n"
	           "/opt/one(main+0x60)[0x1160]\n"
	           "+ realloc 100 0x5000 0x7000 (100 200) [200:232] "
	           "bt=1 #1 2 3 4 5 6 7\n"
	           "# BACKTRACE 2\n"
	           "/opt/one(main+0x70)[0x1170]\n"
	           "+ FINI [0:0] malloc=3 calloc=0\n"
	           "00001000-00003000 r-xp 00000000 00:00 0 "
	           "/opt/one\n");
	cat_writes("--compact --call realloc compact | grep BACKT", "# BACKTRACE 3\n# BACKTRACE 4\n");
}
END_TEST

START_TEST(functions_are_found_as_other_commands_name_them)
{
	/* The function is inlined or not, as the compiler likes: the debug information tells. */
	must(run(LM " -q -o t $B/examples/leak-02 >/dev/null"));
	ck_assert_str_eq(must(run(CAT "--grep '^copy$' t | grep -c '^+ malloc'")).out, "8\n");
	ck_assert_str_eq(must(run(CAT "--grep '^copy$' t | grep -c '^+ calloc'; true")).out, "0\n");
	ck_assert_str_eq(must(run(CAT "--grep '^add$' t | grep -c '^+ [mc]'")).out, "12\n");
	ck_assert_str_eq(must(run(CAT "--grep '^copy$' t | $B/log-malloc-findleak - | tail -1 | cut -d, -f1")).out,
	                 must(run("$B/log-malloc-findleak t | tail -1 | cut -d, -f1")).out);
}
END_TEST

START_TEST(a_trace_without_times_is_one_moment)
{
	struct run r = must(run(CAT "--from 1 $S/tests/golden/seed.trace | grep -c '^+ malloc'; true"));

	ck_assert_str_eq(r.out, "0\n");
	ck_assert_ptr_nonnull(strstr(r.err, "the trace has no times: all of it is taken for one moment"));
	must(run(CAT "--to 0 $S/tests/golden/seed.trace 2>/dev/null >part && " CAT
	             "$S/tests/golden/seed.trace | cmp - part"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("chosen");

	ONCE(events_are_chosen_by_time);
	ONCE(events_are_chosen_by_address);
	ONCE(events_are_chosen_by_call);
	ONCE(events_are_chosen_by_function);
	ONCE(events_are_chosen_by_thread);
	ONCE(conditions_of_several_kinds_all_have_to_be_met);
	ONCE(a_part_has_the_backtraces_of_its_events_alone);
	ONCE(functions_are_found_as_other_commands_name_them);
	ONCE(a_trace_without_times_is_one_moment);
	return run_suite(suite);
}
