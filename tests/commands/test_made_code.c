/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of code that was made at run time. */
#include "support.h"

#include <string.h>

/* Writes ./t, the trace of a process that allocated in code of no file, and that process's /tmp/perf-PID.map. */
#define MADE_PID "$((1000000000 + $$))"
#define MADE     "/tmp/perf-$pid.map"
#define WRITE_MADE                                                                                                     \
	"pid=" MADE_PID "; trap 'rm -rf " MADE "' EXIT; rm -rf t " MADE "; umask 022;"                                 \
	"printf '# PID %%d\n# EXE /opt/one\n+ INIT [0:0] malloc=0\n+ malloc 100 0x10 "                                 \
	"[100:104]\n[0x500010]\n[0x500011]\n"                                                                          \
	"[0x500030]\n+ FINI [100:104] malloc=1\n' $pid >t;"                                                            \
	"printf '500000 20 first one\n500010 8 second\\302\\233\\033[m\nnothing\n5 0 none\n"                           \
	"0x500020 0x10 third\r\n' >" MADE ";"

START_TEST(code_that_was_made_at_run_time_has_the_names_that_its_process_gave)
{
	struct run r = run(WRITE_MADE "$B/log-malloc-findleak t; $B/log-malloc-report --format=folded t;"
	                              "$B/log-malloc-findleak -n t >n; $B/log-malloc-findleak --sysroot=. t >s 2>e;"
	                              "printf 'leak:second*\n' >known; $B/log-malloc-findleak -s known t >k");

	ck_assert_str_eq(r.err, "");
	ck_assert_msg(strstr(r.out, "\n       first one "), "%s", r.out);
	ck_assert_msg(strstr(r.out, "\n       second\\302\\233\\033[m "), "%s", r.out);
	ck_assert_msg(strstr(r.out, "\n       third "), "%s", r.out);
	ck_assert_ptr_null(strchr(r.out, '\033'));
	ck_assert_ptr_nonnull(strstr(r.out, "third;second"));
	ck_assert_int_eq(run("grep -q third n || grep -q third s").status, 1);
	must(run("grep -q '; 1 block, 100 bytes suppressed' k"));
}
END_TEST

START_TEST(names_that_somebody_else_may_have_given_are_not_used)
{
	static const struct {
		const char *change, *message;
	} cases[] = {
		{"chmod o+w " MADE, "no regular file"},
		{"mv " MADE " u; ln -s $PWD/u " MADE, "not used"},
		{"ln " MADE " hard || cp -l " MADE " /tmp/perf-$pid.map2; trap 'rm -rf /tmp/perf-'$pid.* EXIT",
	         "no regular file"},
		{"rm " MADE "; mkfifo " MADE, "no regular file"},
		{"rm " MADE "; mkdir " MADE, "no regular file"},
		{"touch -d '1 hour ago' " MADE, "older than the trace"},
		{"touch -d '1 hour' " MADE, "newer than the trace"},
	};
	struct run r;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		r = run(WRITE_MADE "%s; $B/log-malloc-findleak t", cases[i].change);
		ck_assert_msg(!strstr(r.out, "first one"), "%s", cases[i].change);
		ck_assert_msg(strstr(r.err, cases[i].message), "%s: %s", cases[i].change, r.err);
		ck_assert_int_eq(r.status, 1);
	}
	/* It belongs to somebody else. */
	if (run("[ $(id -u) = 0 ]").status == 0) {
		r = run(WRITE_MADE "chown 12345 " MADE "; $B/log-malloc-findleak t");
		ck_assert_msg(!strstr(r.out, "first one") && strstr(r.err, "another user"), "%s", r.err);
		r = run(WRITE_MADE "chown 12345 " MADE "; cat t | $B/log-malloc-findleak -");
		ck_assert_msg(!strstr(r.out, "first one") && strstr(r.err, "another user"), "%s", r.err);
	}
	/* A process that still runs can write to it later; a pipe has no age. */
	r = run(WRITE_MADE "sed -i /FINI/d t; touch -d '1 hour' " MADE "; $B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, "first one"), "%s%s", r.out, r.err);
	r = run(WRITE_MADE "cat t | $B/log-malloc-findleak -");
	ck_assert_msg(strstr(r.out, "first one"), "%s%s", r.out, r.err);
	/* It is as old as what the trace covers, which was copied. */
	r = run(WRITE_MADE "sed -i 's/^+ FINI/# TIME 7200000\\n&/' t; touch -d '1 hour ago' " MADE
	                   "; $B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, "first one"), "%s%s", r.out, r.err);
}
END_TEST

START_TEST(names_of_code_that_was_made_are_kept_beside_the_trace)
{
	struct run r;

	/* The launcher copies them, for each process that it traces. */
	must(run("umask 022; " LM " -f -q -o t sh -c 'echo 500000 20 name $$ >/tmp/perf-$$.map; echo $$ >one; "
	         "sh -c \"echo 500000 20 name \\$\\$ >/tmp/perf-\\$\\$.map; echo \\$\\$ >two; true\"; true';"
	         "trap 'rm -f /tmp/perf-'$(cat one).map' /tmp/perf-'$(cat two).map EXIT;"
	         "cmp t.perf-$(cat one).map /tmp/perf-$(cat one).map && "
	         "cmp t.$(cat two).perf-$(cat two).map /tmp/perf-$(cat two).map"));
	/* They are read there when /tmp has none or another process's, and on another machine. */
	r = run(WRITE_MADE "mv " MADE
	                   " t.perf-$pid.map; $B/log-malloc-findleak t; $B/log-malloc-findleak --sysroot=. t; "
	                   "touch -d '1 hour ago' t.perf-$pid.map; $B/log-malloc-findleak t");
	ck_assert_str_eq(r.err, "");
	ck_assert_ptr_nonnull(strstr(strstr(strstr(r.out, "first one") + 1, "first one") + 1, "first one"));
	r = run(WRITE_MADE "echo 500000 20 kept >t.perf-$pid.map; $B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, "\n       kept ") && !strstr(r.out, "first one"), "%s", r.out);
	r = run(WRITE_MADE "mv " MADE " u; ln -s u t.perf-$pid.map; $B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.err, "t.perf-") && !strstr(r.out, "first one"), "%s%s", r.out, r.err);
	/* What can't be the process's is not copied. */
	r = run("umask 0; " LM " -q -o v sh -c 'echo 500000 20 name >/tmp/perf-$$.map; echo $$ >one; true'; "
	        "rm /tmp/perf-$(cat one).map; ls v.perf-*");
	ck_assert_str_eq(r.out, "");
	ck_assert_ptr_nonnull(strstr(r.err, "no regular file"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("made_code");
	TCase *tests = tcase_create("made_code");

	tcase_set_timeout(tests, 400);
	tcase_add_test(tests, names_of_code_that_was_made_are_kept_beside_the_trace);
	tcase_add_test(tests, code_that_was_made_at_run_time_has_the_names_that_its_process_gave);
	tcase_add_test(tests, names_that_somebody_else_may_have_given_are_not_used);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
