/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Triggers that look at the memory of the process (rss) and of its control group (cgroup), and bounds in percent. */
#include "support.h"
#include "triggers.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

START_TEST(resident_memory_fires_when_it_is_there)
{
	/* Of a process that is sampled, only events of the sample are looked at. */
	const char *often = _i % KINDS >= SAMPLED ? "wait:150 alloc:1:1024" : "wait:150";
	char operations[128];

	snprintf(operations, sizeof operations, "alloc:60:1024 %s touch %s", often, often);
	marks_are(_i, "rss=50M", operations, "at-rss ");
	snprintf(operations, sizeof operations, "alloc:60:1024 %s", often);
	marks_are(_i, "rss=50M", operations, "");
}
END_TEST

/* By the process's number, the kernel tells of the main thread, which has no memory any more. */
START_TEST(resident_memory_is_known_when_the_main_thread_has_ended)
{
	struct run r = run_triggers(_i, "LOG_MALLOC_STATM=always", "rss=50M",
	                            "alloc:60:1024 leave wait:150 touch wait:150 alloc:1:1024");

	ck_assert_msg(r.status == 3 && !*r.err, "%d: %s", r.status, r.err);
	ck_assert_str_eq(marks_of("trace"), "at-rss ");
	ck_assert_str_eq(run("$B/log-malloc-cat trace | grep '#0 0 0 0'").out, "");
}
END_TEST

START_TEST(percent_is_of_what_the_process_may_have)
{
	struct run r = run_triggers(_i, "ulimit -v 4000000;", "peak=1%", "alloc:50:1024");
	uint64_t value, amount;

	ck_assert_msg(r.status == 3 && !*r.err, "%s", r.err);
	ck_assert_str_eq(marks_of("trace"), "at-peak ");
	first_trigger("peak", &value, &amount);
	ck_assert_uint_eq(amount, UINT64_C(4000000) * 1024 / 100);
}
END_TEST

/*
 * In a group of the test's own below the one of version 1 or 2 that has memory, with another group around it that has
 * the limit. Prints nothing where there can be none.
 */
static const char in_group[] =
	"for d in /sys/fs/cgroup/memory /sys/fs/cgroup; do\n"
	"	o=$d/lm-test.$$ i=$o/inner\n"
	"	mkdir $o $i 2>/dev/null || { rmdir $o 2>/dev/null; continue; }\n"
	"	echo +memory >$o/cgroup.subtree_control\n"
	"	for l in $o/memory.max $o/memory.limit_in_bytes; do\n"
	"		[ -e $l ] && echo 256M >$l && (echo $BASHPID >$i/cgroup.procs && exec \"$@\")\n"
	"	done 2>/dev/null\n"
	"	sleep 0.1; rmdir $i $o\n"
	"	break\n"
	"done\n";

START_TEST(a_group_fires_when_its_memory_is_used)
{
	uint64_t value, amount;

	write_file("in-group", in_group, sizeof in_group - 1);
	if (strcmp(run("bash ./in-group echo yes").out, "yes\n") != 0) {
		skip("a_group_fires_when_its_memory_is_used", "no control group can be made here");
		return;
	}
	run("bash ./in-group env %s LOG_MALLOC_AT=cgroup=20%% LOG_MALLOC_QUIET=1 %s " PROGRAMS
	    "triggers%s wait:150 alloc:60:1024 wait:150 touch wait:150 alloc:1:1024 1022>trace",
	    flavours[flavour_of(_i)].environment, trigger_kinds[_i % KINDS], flavours[flavour_of(_i)].suffix);
	ck_assert_str_eq(marks_of("trace"), "at-cgroup ");
	first_trigger("cgroup", &value, &amount);
	ck_assert_uint_eq(amount, (UINT64_C(256) << 20) / 100 * 20 + ((256 << 20) % 100) * 20 / 100);
}
END_TEST

/* Mounts made-up files over what the kernel tells of the process that runs this, in mounts of its own. */
static const char made_up[] = "mount --make-rprivate / && mount --bind groups /proc/$$/cgroup &&\n"
			      "mount --bind mounts /proc/$$/mountinfo && exec \"$@\"\n";

static bool can_make_up(const char *test)
{
	write_file("made-up", made_up, sizeof made_up - 1);
	must(run("cp /proc/self/cgroup groups; cp /proc/self/mountinfo mounts"));
	if (strcmp(run("unshare -m sh ./made-up echo yes").out, "yes\n") == 0)
		return true;
	skip(test, "nothing can be mounted over /proc here");
	return false;
}

/* The mount shows a part of the tree, its name has a blank, and the least limit is that of the group around. */
START_TEST(a_group_is_found_by_what_the_kernel_tells_of_mounts)
{
	if (!can_make_up("a_group_is_found_by_what_the_kernel_tells_of_mounts"))
		return;
	must(run("mkdir -p 'the mount/around/in'; cd 'the mount'; echo max >memory.max; echo 1000 >around/memory.max; "
	         "echo max >around/in/memory.max; echo 700 >around/in/memory.current; cd ..; "
	         "echo '0::/pods/around/in' >groups; echo \"20 1 0:9 / / rw - ext4 /dev/sda rw\n30 20 0:28 /pods "
	         "$PWD/the\\\\040mount rw,nosuid shared:4 - cgroup2 cgroup rw,nsdelegate\" | sed 's/\\\\n/\\n/' "
	         ">mounts"));
	run("unshare -m sh ./made-up env %s LOG_MALLOC_AT=cgroup=70%%,cgroup=71%%,cgroup=701 "
	    "LOG_MALLOC_QUIET=1 " PROGRAMS "triggers wait:50 1022>trace",
	    flavours[0].environment);
	ck_assert_str_eq(run("$B/log-malloc-cat trace | grep '^# TRIGGER'").out, "# TRIGGER cgroup 700 700\n");
}
END_TEST

START_TEST(a_group_that_can_not_be_read_is_told)
{
	struct run r;

	if (!can_make_up("a_group_that_can_not_be_read_is_told"))
		return;
	must(run("echo '0::/nowhere' >groups"));
	r = run("unshare -m sh ./made-up env %s LOG_MALLOC_AT=cgroup=1 LOG_MALLOC_QUIET=1 " PROGRAMS
	        "triggers wait:50 1022>trace",
	        flavours[0].environment);
	ck_assert_int_eq(r.status, 3);
	ck_assert(strstr(r.err, "log-malloc2: LOG_MALLOC_AT: the memory of the process's control group") == r.err);
	ck_assert_str_eq(marks_of("trace"), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trigger_memory");

	EACH_ONCE(resident_memory_fires_when_it_is_there);
	EACH_ONCE(resident_memory_is_known_when_the_main_thread_has_ended);
	EACH_ONCE(percent_is_of_what_the_process_may_have);
	EACH_ONCE(a_group_fires_when_its_memory_is_used);
	ONCE(a_group_is_found_by_what_the_kernel_tells_of_mounts);
	ONCE(a_group_that_can_not_be_read_is_told);
	return run_suite(suite);
}
