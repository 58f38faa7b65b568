/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How what is leaked grew over time: which leak comes first, and what is said of it. */
#include <stdio.h>
#include <string.h>

#include "support.h"

/*
 * A server of MINUTES: a table that stands from the start, a cache of 320 KB that is full soon and goes on replacing
 * its blocks, storms, data of clients who come for more than half of the time, and one leak in a thousand requests.
 */
static const char server_awk[] =
	"function at(t) { if (t - told >= 10) { printf \"# TIME %d\\n\", t; told = t } }\n"
	"function get(n, f, a) { a = sprintf(\"0x%x\", next_ += 4096); at(t)\n"
	"	printf \"+ malloc %d %s [0:0]\\n/x/p(%s+0x1)[0x%x]\\n\", n, a, f, index(all, f)\n"
	"	size[a] = n; return a }\n"
	"function put(a) { at(t); printf \"+ free -%d %s [0:0]\\n\", size[a], a; delete size[a] }\n"
	"BEGIN {\n"
	"	srand(seed); told = -10; all = \"table cache request leak storm client\"; N = 20000\n"
	"	print \"# PID 7\\n# EXE /x/p\\n# CWD /\\n# FORMAT full\\n+ INIT [0:0] malloc=0\"\n"
	"	for (i = 0; i < 500; i++) get(4096, \"table\")\n"
	"	for (i = 0; i < N; i++) {\n"
	"		t = int(minutes * 60000 * i / N)\n"
	"		slot = i < 2000 ? i : int(rand() * 2000)\n"
	"		if (i >= 2000) put(cache[slot])\n"
	"		cache[slot] = get(160, \"cache\")\n"
	"		put(get(100, \"request\"))\n"
	"		if (rand() < 0.001) get(48, \"leak\")\n"
	"		if (i % 2500 < 60) storm[++storms] = get(1000, \"storm\")\n"
	"		else if (storms) put(storm[storms--])\n"
	"		if (i < N * 0.6 && rand() < 0.02) client[++clients] = get(2000, \"client\")\n"
	"		if (i > N * 0.3 && clients && rand() < 0.005) put(client[clients--])\n"
	"	}\n"
	"	print \"+ FINI [0:0] malloc=0\"\n"
	"}\n";

static void serve(int seed, const char *minutes)
{
	write_file("server.awk", server_awk, sizeof server_awk - 1);
	must(run("awk -v seed=%d -v minutes=%s -f server.awk >t", seed, minutes));
}

/* The functions that leaked, in the order of the report, with their trends. */
#define TRENDS "jq -c '[.leaks[] | [.backtrace[0].function, .growth.kind]]'"

START_TEST(what_grows_steadily_comes_before_what_stood_from_the_start)
{
	serve(_i, "4");
	ck_assert_str_eq(run("$B/log-malloc-findleak -n --format json t | jq -c '.leaks[0].backtrace[0].function'").out,
	                 "\"leak\"\n");
	ck_assert_str_eq(
		run("$B/log-malloc-findleak -n --format json t | " TRENDS " | jq -c sort").out,
		"[[\"cache\",\"stopped\"],[\"client\",\"varies\"],[\"leak\",\"steady\"],[\"table\",\"stopped\"]]\n");
	/* It is two thousandth of the bytes. */
	ck_assert_str_eq(run("$B/log-malloc-findleak -n --format json --sort bytes t | "
	                     "jq -c '[.leaks[].backtrace[0].function] | .[0], .[-1]'")
	                         .out,
	                 "\"table\"\n\"leak\"\n");
}
END_TEST

START_TEST(an_entry_says_when_its_blocks_came_and_how_they_grew)
{
	serve(2, "4");
	ck_assert_int_eq(run("$B/log-malloc-findleak -n t | grep ' 500 blocks leaked' | "
	                     "grep -q '); first after 0.00 s, last after 0.00 s; no growth since 0.00 s$'")
	                         .status,
	                 0);
	must(run("$B/log-malloc-findleak -n t | sed -n 2p | grep -qE '\\); first after [0-9.]+ s, last after 3 min "
	         "[0-9]+ s; [3-7] blocks a minute, steadily, for 3 min [0-9]+ s$'"));
	must(run("$B/log-malloc-findleak -n --format json t | "
	         "jq -e '.leaks[0] | .growth.bytes_per_second > 2 and .growth.bytes_per_second < 8 and "
	         ".growth.steady_blocks_per_second * 48 == .growth.steady_bytes_per_second and "
	         ".growth.since < 30000 and .time < .last_time'"));
	/* Of a second, there is less to say, and of its tenth nothing. */
	serve(2, "0.001");
	ck_assert_str_eq(run("$B/log-malloc-findleak -n --format json t | jq -c '[.leaks[].growth] | unique'").out,
	                 "[null]\n");
	must(run("$B/log-malloc-findleak -n t | sed -n 2p | grep -q ')$'"));
}
END_TEST

/* Blocks of A: 1, 2, 3... each second; B: all in the first; C: in the last; D: one that realloc makes larger. */
START_TEST(each_order_has_its_own_first)
{
	static const struct {
		const char *order, *found;
	} orders[] = {
		{"trend", "[\"A\",\"D\",\"B\",\"C\"]\n"},  {"growth", "[\"C\",\"A\",\"D\",\"B\"]\n"},
		{"blocks", "[\"B\",\"A\",\"C\",\"D\"]\n"}, {"bytes", "[\"B\",\"C\",\"A\",\"D\"]\n"},
		{"age", "[\"B\",\"A\",\"C\",\"D\"]\n"},
	};

	must(run(
		"awk 'BEGIN { print \"+ INIT [0:0] malloc=0\"; d = \"(nil)\"\n"
		"for (t = 0; t < 60; t++) { print \"# TIME \" t * 1000\n"
		"	for (i = 0; t == 0 && i < 100; i++) get(200, \"B\")\n"
		"	get(100, \"A\"); if (t >= 57) get(5000, \"C\")\n"
		"	printf \"+ realloc 30 %%s 0x1 (%%d %%d) [0:0]\\n/x/p(D+0x1)[0x9]\\n\", d, t * 30, t * 30 + 30; "
		"d = \"0x1\" } }\n"
		"function get(n, f) { printf \"+ malloc %%d 0x%%x [0:0]\\n/x/p(%%s+0x1)[0x%%x]\\n\", n, a += 65536, f, "
		"index(\"ABC\", f) }' >t"));
	for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
		struct run r = run("$B/log-malloc-findleak -n --format json --sort %s t | "
		                   "jq -c '[.leaks[].backtrace[0].function]'",
		                   orders[i].order);

		ck_assert_msg(strcmp(r.out, orders[i].found) == 0, "%s: %s%s", orders[i].order, r.out, r.err);
	}
	/* One block, and its bytes. */
	must(run("$B/log-malloc-findleak -n t | grep ' 1800 bytes' | grep -q '; 3[01] bytes a second, steadily, for "
	         "5[0-9]'"));
	/* What is left out for its size is left out wherever it would stand. */
	ck_assert_str_eq(run("$B/log-malloc-findleak -n --format json --min-bytes 6000 --sort age t | "
	                     "jq -c '[.leaks[].backtrace[0].function]'")
	                         .out,
	                 "[\"B\",\"A\",\"C\"]\n");
	ck_assert_int_eq(run("$B/log-malloc-findleak --sort size t").status, 2);
}
END_TEST

/* They came before all times of the file. What grows further is told from what stood there. */
START_TEST(what_was_live_when_the_file_began_has_its_trend)
{
	must(run(
		"awk 'BEGIN { print \"# SAMPLE 1\\n+ INIT [0:0] malloc=0\\n# LIVE 30\"\n"
		"for (i = 0; i < 30; i++) get(300, i < 20 ? \"A\" : \"B\")\n"
		"for (t = 0; t < 60; t++) { print \"# TIME \" t * 1000; get(300, \"A\"); get(300, \"A\") } }\n"
		"function get(n, f) { printf \"+ malloc %%d 0x%%x [0:0]\\n/x/p(%%s+0x1)[0x%%x]\\n\", n, a += 65536, f, "
		"index(\"AB\", f) }' >t"));
	must(run("$B/log-malloc-findleak -n t | grep '^ ~140 blocks' | "
	         "grep '); first before 0.00 s, last after 59.00 s; ~2 blocks a second, steadily, for 59.00 s$'"));
	must(run("$B/log-malloc-findleak -n t | grep '^ ~10 blocks' | "
	         "grep '); first before 0.00 s, last before 0.00 s; no growth since 0.00 s$'"));
	must(run("$B/log-malloc-findleak -n -a -t 0 t | grep -c 'leaked ~300 bytes.*); before 0.00 s$' | grep -x 30"));
}
END_TEST

/* The second half of a part, and not that of the trace. */
START_TEST(a_part_has_its_own_trends)
{
	serve(3, "4");
	ck_assert_str_eq(run("$B/log-malloc-findleak -n --format json --until 2m t | " TRENDS " | jq -c '.[0]'").out,
	                 "[\"client\",\"steady\"]\n");
	ck_assert_str_eq(run("$B/log-malloc-findleak -n --format json --since 150s t | " TRENDS " | jq -c '.[0]'").out,
	                 "[\"leak\",\"steady\"]\n");
}
END_TEST

/* The same by the tracker's own times. */
START_TEST(the_leak_of_a_daemon_comes_first)
{
	must(run("timeout 60 $B/log-malloc -q -o t --packed $B/tests/programs/daemon 4"));
	ck_assert_str_eq(
		run("$B/log-malloc-findleak --format json t | jq -r '[.leaks[0].backtrace[].function] | .[0:2][]'").out,
		"leak\nserve\n");
	ck_assert_str_eq(run("$B/log-malloc-findleak --sort bytes --format json t | "
	                     "jq -r '.leaks[0].backtrace[].function' | grep -x -e fill -e leak | head -n 1")
	                         .out,
	                 "fill\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("growth");

	TIMES(what_grows_steadily_comes_before_what_stood_from_the_start, 3);
	ONCE(an_entry_says_when_its_blocks_came_and_how_they_grew);
	ONCE(each_order_has_its_own_first);
	ONCE(what_was_live_when_the_file_began_has_its_trend);
	ONCE(a_part_has_its_own_trends);
	ONCE(the_leak_of_a_daemon_comes_first);
	return run_suite(suite);
}
