/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-trackusage in its formats. Its default is tested with the other commands' basics. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two images; more requested bytes at first, more usable ones later. */
static const char small[] = "# PID 7\n"
			    "# EXE /opt/one\n"
			    "+ INIT [0:0] malloc=0\n"
			    "# TIME 0\n"
			    "+ malloc 100 0x10 [100:104] #10 20 3 4 0 5 0\n"
			    "/x(main+0x1)[0x1005]\n"
			    "+ malloc 900 0x20 [1000:1016]\n"
			    "# TIME 12\n"
			    "+ free -900 0x20 [100:104]\n"
			    "# TIME 31\n"
			    "+ malloc 800 0x20 [900:2000] #10 30 3 4 0 5 0\n"
			    "# TIME 39\n"
			    "+ free -800 0x20 [100:104]\n"
			    "# PID 7\n"
			    "# EXE /opt/two\n"
			    "+ INIT [0:0] malloc=0\n"
			    "+ malloc 5 0x10 [5:24]\n"
			    "+ FINI [5:24] malloc=1\n";

static void says(const char *options, const char *expected)
{
	struct run r;

	write_file("small", small, strlen(small));
	r = run("p=$(getconf PAGESIZE); $B/log-malloc-trackusage %s small | sed \"s/$((20 * p))/A/; s/$((30 * p))/B/\"",
	        options);
	ck_assert_msg(strcmp(r.out, expected) == 0, "%s: %s%s", options, r.out, r.err);
}

START_TEST(csv_has_what_is_known_after_each_event)
{
	says("--format=csv", "time,requested,usable,resident,image\n"
	                     ",0,0,,1\n"
	                     "0,100,104,A,1\n"
	                     "0,1000,1016,A,1\n"
	                     "12,100,104,A,1\n"
	                     "31,900,2000,B,1\n"
	                     "39,100,104,B,1\n"
	                     ",0,0,,2\n"
	                     ",5,24,,2\n"
	                     ",5,24,,2\n");
}
END_TEST

/* A process never had just a part of them in use. */
START_TEST(blocks_that_were_live_when_the_file_began_are_one_moment)
{
	static const char newer[] = "# SAMPLE 1\n+ INIT [0:0] malloc=2\n# LIVE 3\n+ malloc 100 0x10 [100:100]\n"
				    "+ malloc 200 0x20 [300:300]\n+ malloc 300 0x30 [600:600]\n"
				    "+ free -200 0x20 [400:400]\n";

	write_file("t", newer, strlen(newer));
	ck_assert_str_eq(run("$B/log-malloc-trackusage t").out, "~600\n~400\n");
}
END_TEST

START_TEST(an_interval_has_its_last_event_or_its_peak)
{
	says("--every 10 --format csv 2>/dev/null", "time,requested,usable,resident,image\n"
	                                            "0,1000,1016,A,1\n"
	                                            "12,100,104,A,1\n"
	                                            "39,100,104,B,1\n"
	                                            ",5,24,,2\n");
	says("--every 10 --peak 2>/dev/null", "1000\n100\n900\n5\n");
	says("--every 20 2>/dev/null", "100\n100\n5\n");
}
END_TEST

START_TEST(the_peak_is_of_what_is_shown)
{
	says("--peak", "1000\n5\n");
	says("--peak -u", "2000\n24\n");
	says("--peak --usable-size --format csv", "time,requested,usable,resident,image\n31,900,2000,B,1\n,5,24,,2\n");
}
END_TEST

START_TEST(json_is_an_object_for_each_program)
{
	struct run r;

	write_file("small", small, strlen(small));
	r = run("$B/log-malloc-trackusage --format=json small | jq -c "
	        "'[.program,.pid,.complete,(.usage|length),.usage[1]]'");
	ck_assert_msg(
		strstr(r.out, "[\"/opt/one\",7,true,6,{\"time\":0,\"requested\":100,\"usable\":104,\"resident\":") &&
			strstr(r.out, "[\"/opt/two\",7,true,3,"
	                              "{\"time\":null,\"requested\":5,\"usable\":24,\"resident\":null}]\n"),
		"%s%s", r.out, r.err);
	r = run("printf '# PID 3\\n' | $B/log-malloc-trackusage --format=json - | jq -c '[.usage,.pid]'");
	ck_assert_str_eq(r.out, "[[],3]\n");
}
END_TEST

START_TEST(a_trace_without_times_is_one_interval)
{
	struct run r = run("$B/log-malloc-trackusage --every 5 $S/tests/golden/seed.trace");

	ck_assert_str_eq(r.out, "3736\n");
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.err, "the trace has no times"));
}
END_TEST

START_TEST(the_program_s_own_count_is_what_is_shown)
{
	static const char program[] = "#include <stdio.h>\n"
				      "#include <stdlib.h>\n"
				      "int main(void)\n"
				      "{\n"
				      "	long now = 0, most = 0;\n"
				      "	void *blocks[50];\n"
				      "	for (int i = 0; i < 50; i++) {\n"
				      "		blocks[i] = malloc(i * 10);\n"
				      "		now += i * 10;\n"
				      "		most = now > most ? now : most;\n"
				      "		if (i % 7 == 3) {\n"
				      "			free(blocks[i - 1]);\n"
				      "			now -= (i - 1) * 10;\n"
				      "		}\n"
				      "	}\n"
				      "	fprintf(stderr, \"%ld\\n%ld\\n\", most, now);\n"
				      "	return 0;\n"
				      "}\n";
	struct run r;

	write_file("program.c", program, strlen(program));
	r = run("${CC:-cc} -O1 -fno-builtin -o program program.c && $B/log-malloc -q -o t ./program 2>theirs;"
	        "$B/log-malloc-trackusage --peak t >ours; $B/log-malloc-trackusage t | tail -n 1 >>ours; diff theirs "
	        "ours");
	ck_assert_msg(r.status == 0, "%s%s", r.out, r.err);
}
END_TEST

START_TEST(wrong_usage_is_refused)
{
	static const char *const wrong[] = {"--format xml", "--every 0", "--every x", "--every",
	                                    "--format csv >/dev/full"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_msg(run("$B/log-malloc-trackusage $S/tests/golden/full.trace %s", wrong[i]).status == 2, "%s",
		              wrong[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("usage");
	TCase *usage = tcase_create("usage");

	tcase_set_timeout(usage, 60);
	tcase_add_test(usage, csv_has_what_is_known_after_each_event);
	tcase_add_test(usage, blocks_that_were_live_when_the_file_began_are_one_moment);
	tcase_add_test(usage, an_interval_has_its_last_event_or_its_peak);
	tcase_add_test(usage, the_peak_is_of_what_is_shown);
	tcase_add_test(usage, json_is_an_object_for_each_program);
	tcase_add_test(usage, a_trace_without_times_is_one_interval);
	tcase_add_test(usage, the_program_s_own_count_is_what_is_shown);
	tcase_add_test(usage, wrong_usage_is_refused);
	suite_add_tcase(suite, usage);
	return run_suite(suite);
}
