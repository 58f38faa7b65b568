/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files that an earlier run has left where a trace begins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flavours.h"
#include "rotated.h"
#include "support.h"

static const char *const formats[] = {"full", "compact", "packed"};

enum { FORMATS = sizeof formats / sizeof *formats };

#define OLDER "printf '# PID 1\\n+ INIT [0:0] malloc=0\\n# CONTINUED\\n' >"

/* Also one that has no older files itself: they would be taken for its own. */
START_TEST(a_new_trace_removes_the_older_files_of_the_one_before)
{
	static const char *const settings[] = {ROTATED_SETTINGS "LOG_MALLOC_LIMIT=64K", "LOG_MALLOC_QUIET=1"};

	for (int i = 0; i < 2; i++) {
		must(run("rm -f t*; for i in 2 3 5 6 9; do " OLDER "t.old-$i; done; " OLDER
		         "t.next; %s %s LOG_MALLOC_OUTPUT=t " PROGRAMS "rotating%s 1 10; ls t* | tr '\\n' ' ' >names",
		         flavours[_i].environment, settings[i], flavours[_i].suffix));
		/* One number can be missing, and not two. */
		ck_assert_str_eq(run("cat names").out, "t t.old-9 ");
	}
}
END_TEST

START_TEST(a_trace_without_a_limit_removes_older_files_of_every_format)
{
	static const char *const names[] = {"t", "t.zst"};
	const char *name = names[_i / FORMATS];

	must(run(LM " -q --sample 1 --limit 64K --keep 3 --%s -o %s " PROGRAMS
	            "rotating 1 15000 >said; [ -e %s.old-3 ] && " LM " -q -o %s true",
	         formats[_i % FORMATS], name, name, name));
	ck_assert_msg(strcmp(run("ls | grep -x 't.*' | tr '\\n' ' '").out, _i / FORMATS ? "t.zst " : "t ") == 0, "%s",
	              run("ls").out);
}
END_TEST

/* What is not known for an older file of a trace stays. */
START_TEST(no_file_of_somebody_else_is_removed)
{
	static const char files[] =
		LM " -q -o t.old-1 true && echo mine >t.old-2 && mkdir t.old-3 && " OLDER
		   "other && ln -s other t.old-4 && " OLDER "t.old-5 && echo more >>t.old-5 && "
		   "echo mine >t.next && cksum t.old-1 t.old-2 t.old-4 t.old-5 other t.next >before && ";
	struct run r;

	r = must(run("%s " LM " -q -o t true && cksum t.old-1 t.old-2 t.old-4 t.old-5 other t.next | cmp - before",
	             files));
	ck_assert_str_eq(r.err, "");
	r = must(run("rm -rf t* other; %s %s " ROTATED_SETTINGS
	             "LOG_MALLOC_OUTPUT=t LOG_MALLOC_LIMIT=64K LOG_MALLOC_KEEP=2 " PROGRAMS
	             "rotating%s 1 4000 >said; [ $(cat t.old-2) = mine ] && cksum t.old-1 t.old-2 t.old-4 t.old-5 "
	             "other | cmp - <(grep -v next before) && grep -c '^# LIMIT ' t",
	             files, flavours[0].environment, flavours[0].suffix));
	ck_assert_msg(strstr(r.err, "/t.old-1 is in the way of the trace's older files, and is not removed: it is no "
	                            "older file of a trace\n") &&
	                      strstr(r.err, "/t.old-2 is in the way") && !strstr(r.err, "/t.old-3") &&
	                      strstr(r.err, ": operation not permitted\n"),
	              "%s", r.err);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("restart");

	EACH(a_new_trace_removes_the_older_files_of_the_one_before);
	TIMES(a_trace_without_a_limit_removes_older_files_of_every_format, 2 * FORMATS);
	ONCE(no_file_of_somebody_else_is_removed);
	return run_suite(suite);
}
