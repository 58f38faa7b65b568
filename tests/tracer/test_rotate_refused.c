/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a sampled trace with a limit can not go on in a new file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flavours.h"
#include "rotated.h"
#include "support.h"

static const char *const formats[] = {"full", "compact", "packed"};

enum { FORMATS = sizeof formats / sizeof *formats };

/* ---- where no new file can be begun ---- */

START_TEST(a_trace_without_a_file_of_its_own_takes_no_more)
{
	static const char told[] =
		"log-malloc2: at its limit, the trace takes no more allocations: it is no file of its "
		"own with a name, which could go on in a new one\n";
	struct run r;

	r = must(run("%s " ROTATED_SETTINGS "LOG_MALLOC_LIMIT=64K " PROGRAMS
	             "rotating%s 1 4000 1022> >(cat >t) >/dev/null",
	             flavours[_i].environment, flavours[_i].suffix));
	ck_assert_msg(strstr(r.err, told) == r.err, "%s", r.err);
	r = must(run("echo '# mine' >t; %s " ROTATED_SETTINGS "LOG_MALLOC_LIMIT=64K " PROGRAMS
	             "rotating%s 1 4000 1022>>t >/dev/null; head -n 1 t; ls t*; grep -c '^# LIMIT 65536$' t",
	             flavours[_i].environment, flavours[_i].suffix));
	ck_assert_msg(strstr(r.err, told) == r.err, "%s", r.err);
	ck_assert_str_eq(r.out, "# mine\nt\n1\n");
}
END_TEST

/* Root may write everywhere but where there is a directory in the way. */
START_TEST(a_directory_that_is_not_ours_to_write_to_is_told)
{
	struct run r =
		must(run("mkdir t.next; %s " ROTATED_SETTINGS "LOG_MALLOC_OUTPUT=t LOG_MALLOC_LIMIT=64K " PROGRAMS
	                 "rotating%s 1 4000 >/dev/null; ls -d t*; grep -c '^# LIMIT 65536$' t",
	                 flavours[_i].environment, flavours[_i].suffix));

	ck_assert_str_eq(r.out, "t\nt.next\n1\n");
	ck_assert_str_eq(r.err, "log-malloc2: the trace has reached its limit, and takes no more allocations until it "
	                        "can go on in a new file: operation not permitted\n");
	ck_assert_int_lt(rotated_read("t").size, 80 << 10);
}
END_TEST

/* A disk that has no room for the new file: the trace goes on when it has. */
START_TEST(a_full_disk_is_waited_for)
{
	struct file last;
	struct run r =
		run("mkdir -p disk && mount -t tmpfs -o size=400k tmpfs disk || exit 77; "
	            "%s " ROTATED_SETTINGS "LOG_MALLOC_OUTPUT=disk/t LOG_MALLOC_LIMIT=100K " PROGRAMS
	            "rotating%s 2 1 forever & "
	            "until [ -e disk/t.old-1 ]; do sleep 0.02; done; head -c 1M /dev/zero >disk/filler; sleep 1; "
	            "rm disk/filler; before=$(stat -c %%i disk/t); i=0; "
	            "until [ $(stat -c %%i disk/t) != $before ] || [ $((i += 1)) = 500 ]; do sleep 0.02; done; "
	            "kill -9 $!; wait $!; cp disk/t disk/t.old-1 .; umount disk; [ $i -lt 500 ]",
	            flavours[_i].environment, flavours[_i].suffix);

	if (r.status == 77) {
		skip("a_full_disk_is_waited_for", "nothing can be mounted here");
		return;
	}
	must(r);
	last = rotated_read("t");
	ck_assert_uint_eq(last.malformed, 0);
	ck_assert(last.has_first);
}
END_TEST

/* As when a full disk has lost all that is live. In static programs, the C library has blocks of its own. */
START_TEST(a_file_can_begin_with_nothing_that_is_live)
{
	struct file last;

	must(run("%s " ROTATED_SETTINGS
	         "LOG_MALLOC_OUTPUT=t LOG_MALLOC_LIMIT=64K LOG_MALLOC_AT=failed LOG_MALLOC_FORMAT=%s " PROGRAMS
	         "triggers alloc:2:1024 free:2 failing alloc:1:1; grep -aqx '# LIVE 0 *' t",
	         flavours[0].environment, formats[_i]));
	last = rotated_read("t");
	ck_assert(last.has_first);
	ck_assert_uint_eq(last.first.count, 0);
	ck_assert_uint_eq(last.last.count, 1);
	ck_assert_uint_eq(last.malformed, 0);
	ck_assert_uint_eq(rotated_read("t.at-failed").last.count, 0);
}
END_TEST

/* Allocations that a full disk lost are in no later list either, so each later file tells of those that are live. */
START_TEST(blocks_that_a_full_disk_lost_are_told_in_each_file)
{
	struct file last, older;
	struct run r = run("mkdir -p disk && mount -t tmpfs -o size=400k tmpfs disk || exit 77; "
	                   "%s " ROTATED_SETTINGS
	                   "LOG_MALLOC_OUTPUT=disk/t LOG_MALLOC_LIMIT=64K LOG_MALLOC_FORMAT=%s " PROGRAMS
	                   "rotating%s 1 18000 full >said; s=$?; cp disk/t disk/t.old-1 .; umount disk; exit $s",
	                   flavours[0].environment, formats[_i], flavours[0].suffix);

	if (r.status == 77) {
		skip("blocks_that_a_full_disk_lost_are_told_in_each_file", "nothing can be mounted here");
		return;
	}
	must(r);
	last = rotated_follow("t", 1, 64 << 10);
	older = rotated_read("t.old-1");
	ck_assert_uint_eq(last.lost, 10);
	ck_assert_uint_eq(older.lost, 10);
	ck_assert_str_eq(run("for i in t t.old-1; do $B/log-malloc-findleak -n $i | grep -o '10 events lost'; "
	                     "$B/log-malloc-report $i | grep -o '10 events lost'; done")
	                         .out,
	                 "10 events lost\n10 events lost\n10 events lost\n10 events lost\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rotate_refused");

	EACH(a_trace_without_a_file_of_its_own_takes_no_more);
	EACH(a_directory_that_is_not_ours_to_write_to_is_told);
	EACH(a_full_disk_is_waited_for);
	TIMES(a_file_can_begin_with_nothing_that_is_live, FORMATS);
	TIMES(blocks_that_a_full_disk_lost_are_told_in_each_file, FORMATS);
	return run_suite(suite);
}
