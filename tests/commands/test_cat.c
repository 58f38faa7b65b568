/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log-malloc-cat: any trace as text. What it writes is a trace that says the same, and
 * a part of one has what a reader needs.
 */
#include "flavours.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAT "$B/log-malloc-cat "

/* Frees have no backtrace; a reallocated block has two addresses; the line without '+' is the program's own. */
static const char small[] = "# PID 7\n"
			    "# PROCESS 1f\n"
			    "# EXE /opt/one\n"
			    "# CWD /opt\n"
			    "# FORMAT full\n"
			    "+ INIT [0:0] malloc=0 calloc=0\n"
			    "# MODULE 1000-3000 0 - /opt/one\n"
			    "# TIME 0\n"
			    "+ malloc 100 0x5000 [100:104] #1 2 3 4 5 6 7\n"
			    "/opt/one(_ZL4growv+0x12)[0x1012]\n"
			    "/opt/one(main+0x40)[0x1140]\n"
			    "+ malloc 0 0x6000 [100:128]\n"
			    "/opt/one(main+0x50)[0x1150]\n"
			    "# TIME 100\n"
			    "+ realloc 100 0x5000 0x7000 (100 200) [200:232] #1 2 3 4 5 6 7\n"
			    "/opt/one(_ZL4growv+0x22)[0x1022]\n"
			    "/opt/one(main+0x60)[0x1160]\n"
			    "# a word of the program\n"
			    "+ free 0 0x6000 [200:208]\n"
			    "# TIME 200\n"
			    "+ free -200 0x7000 [0:0] later=1 #1 2 3 4 5 6 7\n"
			    "# CALLING realloc 0 0x9 (nil) (0 5) [0:0]\n"
			    "/opt/one(main+0x70)[0x1170]\n"
			    "# LOST 3\n"
			    "+ malloc 0 (nil) (9) [0:0] !e12\n"
			    "/opt/one(main+0x50)[0x1150]\n"
			    "+ FINI [0:0] malloc=3 calloc=0\n"
			    "# FILE /proc/self/maps\n"
			    "00001000-00003000 r-xp 00000000 00:00 0 /opt/one\n";

static const char small_compact[] = "# PID 7\n"
				    "# PROCESS 1f\n"
				    "# EXE /opt/one\n"
				    "# CWD /opt\n"
				    "# FORMAT compact\n"
				    "+ INIT [0:0] malloc=0 calloc=0\n"
				    "# MODULE 1000-3000 0 - /opt/one\n"
				    "# BACKTRACE 1\n"
				    "/opt/one(_ZL4growv+0x12)[0x1012]\n"
				    "/opt/one(main+0x40)[0x1140]\n"
				    "# TIME 0\n"
				    "+ malloc 100 0x5000 [100:104] bt=1 #1 2 3 4 5 6 7\n"
				    "# BACKTRACE 2\n"
				    "/opt/one(main+0x50)[0x1150]\n"
				    "+ malloc 0 0x6000 [100:128] bt=2\n"
				    "# BACKTRACE 3\n"
				    "/opt/one(_ZL4growv+0x22)[0x1022]\n"
				    "/opt/one(main+0x60)[0x1160]\n"
				    "# TIME 100\n"
				    "+ realloc 100 0x5000 0x7000 (100 200) [200:232] bt=3 #1 2 3 4 5 6 7\n"
				    "# a word of the program\n"
				    "+ free 0 0x6000 [200:208]\n"
				    "# TIME 200\n"
				    "+ free -200 0x7000 [0:0] later=1 #1 2 3 4 5 6 7\n"
				    "# BACKTRACE 4\n"
				    "/opt/one(main+0x70)[0x1170]\n"
				    "# CALLING realloc 0 0x9 (nil) (0 5) [0:0] bt=4\n"
				    "# LOST 3\n"
				    "+ malloc 0 (nil) (9) [0:0] !e12 bt=2\n"
				    "+ FINI [0:0] malloc=3 calloc=0\n"
				    "# FILE /proc/self/maps\n"
				    "00001000-00003000 r-xp 00000000 00:00 0 /opt/one\n";

/* "cat OPTIONS" prints EXPECTED and no message. */
static void writes(const char *options, const char *expected)
{
	struct run r = run(CAT "%s", options);

	ck_assert_msg(r.status == 0 && !r.err_len, "%s: %d: %s", options, r.status, r.err);
	ck_assert_msg(strcmp(r.out, expected) == 0, "%s:\n%s", options, r.out);
}

static void write_small(void)
{
	write_file("small", small, strlen(small));
	write_file("compact", small_compact, strlen(small_compact));
}

/* ---- whole traces --------------------------------------------------------- */

START_TEST(a_trace_in_its_own_format_is_itself)
{
	static const char *const golden[] = {"full", "exec", "part"};

	write_small();
	writes("small", small);
	writes("--compact compact", small_compact);
	for (size_t i = 0; i < sizeof golden / sizeof *golden; i++)
		must(run(CAT "$S/tests/golden/%s.trace | cmp - $S/tests/golden/%s.trace", golden[i], golden[i]));
}
END_TEST

START_TEST(full_becomes_compact_and_compact_becomes_full)
{
	write_small();
	writes("--compact small", small_compact);
	writes("compact", small);
	writes("--compact --full compact", small);
}
END_TEST

/* Words of all kinds, two threads, text records with and without sizes of their own, and FILE at the end. */
START_TEST(a_packed_trace_becomes_text)
{
	must(run("cd $S/tests/golden && " CAT "packed.trace | cmp - packed.full"));
	must(run("cd $S/tests/golden && " CAT "--compact packed.trace | cmp - packed.compact"));
	must(run("cd $S/tests/golden && " CAT "packed.compact | cmp - packed.full"));
	must(run("cat $S/tests/golden/packed.trace | " CAT "| cmp - $S/tests/golden/packed.full"));
	/* A piece of it is a piece of text, which says so where the packed records begin. */
	must(run("cd $S/tests/golden && tail -c +$(($(grep -abo '# MODULE' packed.trace | cut -d: -f1) + 1)) "
	         "packed.trace |" CAT
	         ">$OLDPWD/piece; sed -n '/^# MODULE/,$p' packed.full | sed '1a # FORMAT full' | cmp - $OLDPWD/piece"));
	/* Chosen events have the totals of the whole trace. */
	must(run("cd $S/tests/golden && " CAT "--call free packed.trace | grep '^+ free' >$OLDPWD/free; "
	         "grep '^+ free' packed.full | cmp - $OLDPWD/free"));
	must(run("cd $S/tests/golden && " CAT "--address 0x7113 packed.trace | grep -c '^+ calloc 20 ' | grep -qx 1"));
}
END_TEST

START_TEST(any_source_is_written)
{
	write_small();
	must(run("gzip -k compact && zstd -q compact"));
	writes("compact.gz", small);
	writes("compact.zst", small);
	writes("- <compact", small);
	writes("<compact.zst", small);
	writes("<(cat compact)", small);
}
END_TEST

START_TEST(numbers_of_backtraces_are_those_of_the_trace)
{
	/* 7 gets another backtrace; the frames of 8 are missing. */
	static const char odd[] = "# FORMAT compact\n"
				  "# BACKTRACE 7\n"
				  "/x(f+0x1)[0x1]\n"
				  "+ malloc 1 0x10 [1:24] bt=7\n"
				  "# BACKTRACE 7\n"
				  "/x(g+0x1)[0x2]\n"
				  "+ malloc 2 0x20 [3:48] bt=7 thread=2\n"
				  "+ malloc 3 0x30 [6:72] bt=8\n"
				  "+ FINI [6:72] malloc=3\n";

	write_file("odd", odd, strlen(odd));
	writes("--compact odd", odd);
	writes("--compact --call malloc odd", odd);
	writes("odd", "# FORMAT full\n"
	              "+ malloc 1 0x10 [1:24]\n"
	              "/x(f+0x1)[0x1]\n"
	              "+ malloc 2 0x20 [3:48] thread=2\n"
	              "/x(g+0x1)[0x2]\n"
	              "+ malloc 3 0x30 [6:72]\n"
	              "+ FINI [6:72] malloc=3\n");
	writes("--full odd | " CAT "--compact", "# FORMAT compact\n"
	                                        "# BACKTRACE 1\n"
	                                        "/x(f+0x1)[0x1]\n"
	                                        "+ malloc 1 0x10 [1:24] bt=1\n"
	                                        "# BACKTRACE 2\n"
	                                        "/x(g+0x1)[0x2]\n"
	                                        "+ malloc 2 0x20 [3:48] bt=2 thread=2\n"
	                                        "+ malloc 3 0x30 [6:72]\n"
	                                        "+ FINI [6:72] malloc=3\n");
}
END_TEST

/* What differs from run to run, or with the format. */
#define NORMAL                                                                                                         \
	"sed -E '/^# FILE/,/^[+#]/{/^[^+#]/d}; /^# (TIME|BEGAN|PID|PROCESS|FORMAT) /d; s/ #[0-9 ]+$//; "               \
	"s/0x[0-9a-f]{5,}/A/g;"                                                                                        \
	"s/^(# MODULE )[0-9a-f]+-[0-9a-f]+/\\1/; s/^(# THREAD [0-9]+) [0-9]+/\\1/'"

/* In front of the second image, the reader looks ahead, and what it has read moves in its buffer. */
START_TEST(a_packed_trace_of_two_images_comes_in_pieces)
{
	must(run(LM " -q --packed -o t " PROGRAMS "processes exec 2 >/dev/null; " CAT "t >whole"));
	ck_assert_str_eq(must(run("grep -c '^+ INIT' whole")).out, "3\n");
	/* Behind its PID line. */
	must(run("found=$(grep -abo '# PID [0-9]*' t | sed -n 2p); at=${found%%%%:*}; at=$((at + ${#found} - ${#at}));"
	         "for cut in $at $((at + 3)) $((at + 9)); do"
	         "  (head -c $cut t; sleep 0.2; tail -c +$((cut + 1)) t) | " CAT " | cmp - whole || exit 1; done"));
}
END_TEST

static const char *const formats[] = {"full", "compact", "packed"};

enum { FORMATS = sizeof formats / sizeof *formats };

/* PROGRAM's traces of all formats are the same text, whether full or compact. */
static void are_the_same(int flavour, const char *program, const char *arguments)
{
	for (size_t i = 0; i < FORMATS; i++) {
		const char *format = formats[i];
		char settings[64];

		snprintf(settings, sizeof settings, "LOG_MALLOC_FORMAT=%s setarch -R", format);
		must(run_traced(flavour, settings, program, arguments));
		must(run("mv trace %s.trace && for f in full compact; do " CAT "--$f %s.trace | " NORMAL " >%s.$f &&"
		         "diff full.$f %s.$f || exit 1; done",
		         format, format, format, format));
	}
	must(run(CAT "full.trace | cmp - full.trace && " CAT "--compact compact.trace | cmp - compact.trace"));
}

START_TEST(traces_of_all_formats_are_the_same_text)
{
	are_the_same(_i, "semantics", ">/dev/null");
	must(run("grep -q posix_memalign packed.full && grep -q '!e12' packed.full && grep -q ' bt=' packed.compact"));
	must(run("[ $(stat -c %%s packed.trace) -lt $(stat -c %%s compact.trace) ]"));
	are_the_same(_i, "naming", "row 1");
	must(run("grep -q '^+ malloc 100000 .* thread=2$' packed.full && grep -q '^# THREAD 2 t0' packed.full"));
}
END_TEST

/* The totals of a packed trace are exact also where it does not have the blocks that are released. */
START_TEST(blocks_of_the_parent_leave_a_child_s_totals_exact)
{
	const struct flavour *flavour = &flavours[_i];

	must(run("for f in full compact packed; do %s LOG_MALLOC_QUIET=1 LOG_MALLOC_STATM=never "
	         "LOG_MALLOC_FOLLOW=1 LOG_MALLOC_FORMAT=$f LOG_MALLOC_OUTPUT=$f " PROGRAMS
	         "inheriting%s && for t in $f $f.*; do [ ! -e $t ] || " CAT "--full $t | " NORMAL
	         " | grep -v '^# FORKED' >>of_$f; done; done; "
	         "[ $(grep -c '^+ free' of_full) -gt 2600 ] && grep -q '^+ free -20971520' of_full && "
	         "diff of_full of_compact && diff of_full of_packed",
	         flavour->environment, flavour->suffix));
}
END_TEST

START_TEST(every_command_says_the_same_of_what_is_written)
{
	static const char *const commands[] = {
		"findleak -n",         "findleak --format json -n", "report -n",  "report --format json --top 0 -n",
		"report --tree -n",    "report --by temporary -n",  "trackusage", "trackusage -u --format csv",
		"diff -n empty.trace", "report --format massif -n"};

	must(run("for f in full compact packed; do " LM " -q --$f -o $f.trace " PROGRAMS
	         "threads 1 3000 >/dev/null; done"));
	must(run("printf '# PID 7\\n+ INIT [0:0] malloc=0\\n+ FINI [0:0] malloc=0\\n' >empty.trace;"
	         "for t in full compact packed; do for f in full compact; do "
	         "mkdir -p $t $f.of.$t && cp $t.trace $t/t && " CAT "--$f $t.trace >$f.of.$t/t; done; done"));
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		must(run("for d in full compact packed *.of.*; do cd $d; cp ../empty.trace .; $B/log-malloc-%s t 2>&1 |"
		         "sed -E 's/lines?:? [0-9]+( to [0-9]+)?|\"[a-z_]*lines?\":[0-9]+//g' "
		         ">said; cd ..; done; for t in full compact packed; do [ -s $t/said ] || exit 3;"
		         "for f in full compact; do diff $t/said $f.of.$t/said || exit 1; done; done",
		         commands[i]));
}
END_TEST

/* The memory in KiB that log-malloc-cat takes for the trace NAME from a pipe: the pages of a mapped one would count. */
static long memory_for(const char *name)
{
	return atol(must(run("cat %s | python3 -c 'import resource, subprocess, sys\n"
	                     "subprocess.run([\"'$B/log-malloc-cat'\"], stdout=subprocess.DEVNULL, check=True)\n"
	                     "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)'",
	                     name))
	                    .out);
}

START_TEST(memory_does_not_grow_with_the_trace)
{
	long few, many;

	if (run("grep -aqE '__(asan|tsan)_init' $B/log-malloc-cat").status == 0) {
		skip("memory_does_not_grow_with_the_trace", "a sanitizer takes memory of its own");
		return;
	}
	must(run(LM " -q --packed -o few " PROGRAMS "threads 1 20000 >/dev/null"));
	must(run(LM " -q --packed -o many " PROGRAMS "threads 1 1000000 >/dev/null"));
	must(run("[ $(stat -c %%s many) -gt $((20 * $(stat -c %%s few))) ]"));
	few = memory_for("few");
	many = memory_for("many");
	ck_assert_msg(many <= few + 2048, "%ld KiB for few events, %ld KiB for many", few, many);
}
END_TEST

/* ---- what is chosen ------------------------------------------------------- */

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
	writes("--from 0 small", small);
	writes("--to 99 small", HEAD MALLOC EMPTY LOST "# TIME 200\n" TAIL);
	writes("--from 100 --to 150 small", HEAD REALLOC WORD "+ free 0 0x6000 [200:208]\n" LOST "# TIME 200\n" TAIL);
	writes("--from 101 small", HEAD LAST CALLING LOST FAILED TAIL);
	writes("--from 201 small", HEAD LOST "# TIME 200\n" TAIL);
}
END_TEST

START_TEST(events_are_chosen_by_address)
{
	write_small();
	/* All that happened to the block, of which the address is one. */
	writes("--address 0x5063 small", HEAD MALLOC REALLOC WORD LOST "# TIME 200\n" TAIL);
	writes("--address 0x70C7 small", HEAD REALLOC WORD LAST LOST TAIL);
	writes("--address 0x70c8 small", HEAD WORD LOST "# TIME 200\n" TAIL);
	/* A block of no bytes; decimal. */
	writes("--address 24576 small",
	       HEAD "# TIME 0\n" EMPTY WORD "# TIME 100\n+ free 0 0x6000 [200:208]\n" LOST "# TIME 200\n" TAIL);
	writes("--address 0x9 small", HEAD WORD "# TIME 200\n" CALLING LOST TAIL);
}
END_TEST

START_TEST(events_are_chosen_by_call)
{
	write_small();
	writes("--call malloc small", HEAD MALLOC EMPTY WORD LOST "# TIME 200\n" FAILED TAIL);
	writes("--call realloc,free --call calloc small",
	       HEAD REALLOC WORD "+ free 0 0x6000 [200:208]\n" LAST CALLING LOST TAIL);
}
END_TEST

START_TEST(events_are_chosen_by_function)
{
	write_small();
	writes("-n --grep 'grow()' small", HEAD MALLOC REALLOC WORD LOST "# TIME 200\n" TAIL);
	writes("-n --grep ^main$ small", HEAD MALLOC EMPTY REALLOC WORD "# TIME 200\n" CALLING LOST FAILED TAIL);
	writes("-n --grep nothing --grep '^g*w' small", HEAD MALLOC REALLOC WORD LOST "# TIME 200\n" TAIL);
	writes("-n --grep ^rowv small", HEAD WORD LOST "# TIME 200\n" TAIL);
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
	writes("t", whole);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *const *events = cases[i].events;
		bool is_first = events[0] == first;
		char options[64];

		ck_assert_int_gt(asprintf(&expected, "%s%s%s%s%s%s%s%s", head, is_first ? first : "", second,
		                          is_first ? "" : events[0], events[1], third, events[2], tail),
		                 0);
		snprintf(options, sizeof options, "%s t", cases[i].options);
		writes(options, expected);
		free(expected);
	}
	free(whole);
}
END_TEST

START_TEST(conditions_of_several_kinds_all_have_to_be_met)
{
	write_small();
	writes("-n --grep grow --call malloc,free --to 100 --address 0x5000 small",
	       HEAD MALLOC WORD LOST "# TIME 200\n" TAIL);
	writes("-n --grep grow --from 1 --call malloc small", HEAD WORD LOST "# TIME 200\n" TAIL);
}
END_TEST

START_TEST(a_part_has_the_backtraces_of_its_events_alone)
{
	write_small();
	writes("--compact --call realloc small | grep -v '^# [^B]'", "+ INIT [0:0] malloc=0 calloc=0\n"
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
	writes("--compact --call realloc compact | grep BACKT", "# BACKTRACE 3\n# BACKTRACE 4\n");
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

/* ---- damage, and where the output goes ------------------------------------ */

START_TEST(what_cannot_be_read_is_told_and_left_out)
{
	struct run r = run("cd $S/tests/golden && " CAT "malformed.trace 2>&1 >/dev/null | sed 's/-cat:/-findleak:/' |"
	                   "cmp - malformed.messages");

	ck_assert_msg(r.status == 0, "%s%s", r.out, r.err);
	must(run(CAT "$S/tests/golden/malformed.trace 2>/dev/null >t && " CAT
	             "t 2>messages | cmp - t && [ ! -s messages ]"));
}
END_TEST

START_TEST(a_trace_that_ends_early_is_told)
{
	static const char *const names[] = {"truncated", "nul"};

	struct run r;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		r = must(run(CAT "$S/tests/golden/%s.trace >t", names[i]));

		ck_assert_msg(strcmp(strrchr(r.err, ':'), ": the trace ends early\n") == 0, "%s", r.err);
		r = must(run("head -c $(stat -c %%s t) $S/tests/golden/%s.trace | cmp - t", names[i]));
	}
	must(run("zstd -q $S/tests/golden/full.trace -o z && cat z z | head -c $(($(stat -c %%s z) + 100)) >cut"));
	r = must(run(CAT "cut | cmp - $S/tests/golden/full.trace"));
	ck_assert_ptr_nonnull(strstr(r.err, ": the compressed data end in the middle\n"));
	ck_assert_ptr_nonnull(strstr(r.err, "cut: the trace ends early\n"));
}
END_TEST

START_TEST(a_killed_trace_is_written_with_its_journal)
{
	/* The launcher would merge the journal. */
	run("LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_FORMAT=%s LOG_MALLOC_OUTPUT=t " PROGRAMS
	    "counting counts 60000 kill",
	    formats[_i]);
	must(run("[ -s t.journal ] && " CAT "t >whole 2>messages && [ $(wc -l <messages) = 1 ] &&"
	         "grep -q 'ends early' messages"));
	/* The text of a packed trace is nowhere else. */
	if (strcmp(formats[_i], "full") == 0)
		must(run("[ $(stat -c %%s whole) -gt $(stat -c %%s t) ] && cmp -n $(stat -c %%s t) t whole"));
	must(run("$B/log-malloc-trackusage t >a; $B/log-malloc-trackusage whole >b; cmp a b"));
}
END_TEST

START_TEST(a_note_of_lost_events_becomes_a_line)
{
	write_small();
	if (run("python3 -c 'import os; os.setxattr(\"small\", \"user.log-malloc2.lost\", b\"5 28\")'").status != 0) {
		skip("a_note_of_lost_events_becomes_a_line", "files have no attributes here");
		return;
	}
	ck_assert_str_eq(must(run(CAT "small | tail -1")).out, "# LOST 5\n");
}
END_TEST

START_TEST(a_reader_that_goes_away_is_no_trouble)
{
	struct run r;

	must(run("yes '+ free -1 0x10 [0:0]' | head -n 2000000 >t"));
	r = run(CAT "t | head -n 1");
	ck_assert_str_eq(r.out, "+ free -1 0x10 [0:0]\n");
	ck_assert_str_eq(r.err, "");
	/* Without the signal, too. */
	r = run("trap '' PIPE; (" CAT "t; echo $? >status) | head -n 1; cat status");
	ck_assert_str_eq(r.out, "+ free -1 0x10 [0:0]\n0\n");
	ck_assert_str_eq(r.err, "");
}
END_TEST

START_TEST(control_characters_are_not_shown_on_a_terminal)
{
	static const char wild[] = "# EXE /x\033[31m\n+ malloc 5 0x10 [5:24]\n/\302\233x(\303\266+0x1)[0x1]\n";

	write_file("wild", wild, sizeof wild - 1);
	must(run(CAT "wild 2>messages | cmp - wild"));
	ck_assert_str_eq(must(run("script -qec '" CAT "wild' script.log </dev/null 2>&1 | tr -d '\r' | head -3")).out,
	                 "# EXE /x\\033[31m\n+ malloc 5 0x10 [5:24]\n/\\302\\233x(\303\266+0x1)[0x1]\n");
}
END_TEST

START_TEST(a_full_disk_is_told)
{
	struct run r = run(CAT "$S/tests/golden/full.trace >/dev/full");

	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.err, "log-malloc-cat: cannot write standard output: No space left on device\n");
}
END_TEST

START_TEST(wrong_usage_is_refused)
{
	static const char *const wrong[] = {"--from x t",
	                                    "--from 5 --to 4 t",
	                                    "--address here t",
	                                    "--address 0x t",
	                                    "--call mall t",
	                                    "--call '' t",
	                                    "--grep",
	                                    "t t",
	                                    "--nothing t",
	                                    "nonexistent",
	                                    "--sysroot nonexistent t"};

	write_file("t", small, strlen(small));
	are_refused("log-malloc-cat", wrong, sizeof wrong / sizeof *wrong);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cat");

	ONCE(a_trace_in_its_own_format_is_itself);
	ONCE(full_becomes_compact_and_compact_becomes_full);
	ONCE(a_packed_trace_becomes_text);
	ONCE(any_source_is_written);
	ONCE(a_packed_trace_of_two_images_comes_in_pieces);
	ONCE(numbers_of_backtraces_are_those_of_the_trace);
	EACH(traces_of_all_formats_are_the_same_text);
	EACH(blocks_of_the_parent_leave_a_child_s_totals_exact);
	ONCE(every_command_says_the_same_of_what_is_written);
	ONCE(memory_does_not_grow_with_the_trace);
	ONCE(events_are_chosen_by_time);
	ONCE(events_are_chosen_by_address);
	ONCE(events_are_chosen_by_call);
	ONCE(events_are_chosen_by_function);
	ONCE(events_are_chosen_by_thread);
	ONCE(conditions_of_several_kinds_all_have_to_be_met);
	ONCE(a_part_has_the_backtraces_of_its_events_alone);
	ONCE(functions_are_found_as_other_commands_name_them);
	ONCE(a_trace_without_times_is_one_moment);
	ONCE(what_cannot_be_read_is_told_and_left_out);
	ONCE(a_trace_that_ends_early_is_told);
	TIMES(a_killed_trace_is_written_with_its_journal, FORMATS);
	ONCE(a_note_of_lost_events_becomes_a_line);
	ONCE(a_reader_that_goes_away_is_no_trouble);
	ONCE(control_characters_are_not_shown_on_a_terminal);
	ONCE(a_full_disk_is_told);
	ONCE(wrong_usage_is_refused);
	return run_suite(suite);
}
