/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Triggers: LOG_MALLOC_AT and --at fire where they should, and only there; --run runs a command then. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flavours.h"
#include "support.h"
#include "tracing.h"

/* The kinds of traces. In the sampled ones, blocks of 256 KiB and more are in the sample, but for one in 10^7. */
static const char *const kinds[] = {"LOG_MALLOC_FORMAT=full", "LOG_MALLOC_FORMAT=compact", "LOG_MALLOC_FORMAT=packed",
                                    "LOG_MALLOC_FORMAT=packed LOG_MALLOC_SAMPLE=16K",
                                    "LOG_MALLOC_FORMAT=compact LOG_MALLOC_SAMPLE=16K"};

enum { KINDS = sizeof kinds / sizeof *kinds, SAMPLED = 3 };

/* Each kind in each flavour; or each of them once, for what can't depend on both. Both are made of a test's number. */
#define EACH_OF_BOTH(test) TIMES(test, FLAVOURS *KINDS)
#define EACH_ONCE(test)    TIMES(test, KINDS)

/* Both numbers have no common divisor, so that all pairs come. */
static int flavour_of(int number)
{
	return number % FLAVOURS;
}

/* Runs the program in flavour and kind of test NUMBER, with AT. SHELL comes before it. */
static struct run run_with(int number, const char *shell, const char *at, const char *operations)
{
	const int flavour = flavour_of(number);

	return run("%s %s LOG_MALLOC_QUIET=1 LOG_MALLOC_AT=%s %s " PROGRAMS "triggers%s %s 1022>trace", shell,
	           flavours[flavour].environment, at, kinds[number % KINDS], flavours[flavour].suffix, operations);
}

/* The marks in the trace at PATH, each with a blank behind it. */
static const char *marks_of(const char *path)
{
	return run("$B/log-malloc-cat %s | sed -n 's/^# MARK //p' | tr '\\n' ' '", path).out;
}

static void marks(int number, const char *at, const char *operations, const char *expected)
{
	struct run r = run_with(number, "", at, operations);

	ck_assert_msg(r.status == 3 && !*r.err, "%d: %s", r.status, r.err);
	ck_assert_str_eq(marks_of("trace"), expected);
}

/* The line of the trigger that fired first: its two numbers. */
static void first_line(const char *word, uint64_t *value, uint64_t *amount)
{
	struct run r = must(run("$B/log-malloc-cat trace | sed -n 's/^# TRIGGER %s //p' | head -1", word));

	ck_assert_msg(sscanf(r.out, "%" SCNu64 " %" SCNu64, value, amount) == 2, "'%s'", r.out);
}

/* ---- where they fire ---- */

START_TEST(a_peak_is_marked_behind_the_call_that_reached_it)
{
	uint64_t value, amount;

	marks(_i, "Peak=10M", "alloc:20:1024 free:20", "at-peak ");
	first_line("peak", &value, &amount);
	ck_assert_uint_eq(amount, 10 << 20);
	ck_assert(value >= amount && value < amount + (1 << 20));
	/* The mark's moment has the block that reached it, and no other. */
	ck_assert_str_eq(
		run("$B/log-malloc-findleak -n --until at-peak --format json trace | jq '[.leaks[] | select(.bytes > "
	            "1000000)][0].count'")
			.out,
		"10\n");
}
END_TEST

START_TEST(what_comes_and_goes_does_not_fire)
{
	marks(_i, "peak=10M,growth=10M", "alloc:9:1024 free:9 alloc:9:1024 free:5 alloc:5:1024 free:9", "");
	/* Only when an eighth is gone, a peak can be reached again. */
	marks(_i, "peak=10M", "alloc:11:1024 free:2 alloc:2:1024 free:2 alloc:4:1024", "at-peak ");
	marks(_i, "peak=10M", "alloc:11:1024 free:4 alloc:4:1024 free:11 alloc:9:1024", "at-peak at-peak ");
}
END_TEST

START_TEST(each_step_of_growth_fires)
{
	marks(_i, "growth=4M", "alloc:9:1024 free:9 alloc:9:1024", "at-growth at-growth ");
	marks(_i, "growth=4M", "alloc:1:20480 alloc:3:1024 alloc:1:1024", "at-growth at-growth ");
	/* A step is a part of what was in use, and a megabyte at least. */
	marks(_i, "growth=100%", "alloc:2:600 alloc:16:1024", "at-growth at-growth at-growth at-growth ");
}
END_TEST

START_TEST(several_triggers_fire_in_their_order)
{
	marks(_i, "growth=8M,peak=10M,failed,peak=12M", "alloc:16:1024 failing",
	      "at-growth at-peak at-peak at-growth at-failed ");
	ck_assert(strstr(run("$B/log-malloc-diff trace@at-peak trace@at-peak#2").out, "2097152 bytes") != NULL);
}
END_TEST

/* ---- failures ---- */

START_TEST(calls_that_fail_are_marked_once_a_second)
{
	marks(_i, "failed", "alloc:2:1024 free:2 wrong", "");
	marks(_i, "FAILED", "failing wrong failing", "at-failed ");
}
END_TEST

START_TEST(a_call_that_fails_for_want_of_memory_is_marked)
{
	marks(_i, "failed", "alloc:2:1024 scarce:8192", "at-failed ");
	ck_assert_str_eq(run("$B/log-malloc-cat trace | grep '^# TRIGGER'").out, "# TRIGGER failed 8388608\n");
}
END_TEST

/* So few bytes are marked that no call is an event, but those that fail are seen. */
START_TEST(a_sample_has_failures_marked_that_it_does_not_have)
{
	const int flavour = _i % FLAVOURS, function = _i / FLAVOURS;
	struct run r = run("%s LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=1000G LOG_MALLOC_AT=failed " PROGRAMS
	                   "triggers%s alloc:1:4 scarce:8192:%d 1022>trace",
	                   flavours[flavour].environment, flavours[flavour].suffix, function);

	ck_assert_msg(r.status == 3 && !*r.err, "%d: %s", r.status, r.err);
	ck_assert_str_eq(marks_of("trace"), "at-failed ");
	ck_assert_str_eq(run("$B/log-malloc-cat trace | grep '^# TRIGGER'").out, "# TRIGGER failed 8388608\n");
	ck_assert_str_eq(run("$B/log-malloc-cat trace | grep '^+ [a-z]'").out, "");
}
END_TEST

/* ---- memory ---- */

START_TEST(resident_memory_fires_when_it_is_there)
{
	/* Of a process that is sampled, only events of the sample are looked at. */
	const char *often = _i % KINDS >= SAMPLED ? "wait:150 alloc:1:1024" : "wait:150";
	char operations[128];

	snprintf(operations, sizeof operations, "alloc:60:1024 %s touch %s", often, often);
	marks(_i, "rss=50M", operations, "at-rss ");
	snprintf(operations, sizeof operations, "alloc:60:1024 %s", often);
	marks(_i, "rss=50M", operations, "");
}
END_TEST

START_TEST(percent_is_of_what_the_process_may_have)
{
	struct run r = run_with(_i, "ulimit -v 4000000;", "peak=1%", "alloc:50:1024");
	uint64_t value, amount;

	ck_assert_msg(r.status == 3 && !*r.err, "%s", r.err);
	ck_assert_str_eq(marks_of("trace"), "at-peak ");
	first_line("peak", &value, &amount);
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
	    flavours[flavour_of(_i)].environment, kinds[_i % KINDS], flavours[flavour_of(_i)].suffix);
	ck_assert_str_eq(marks_of("trace"), "at-cgroup ");
	first_line("cgroup", &value, &amount);
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

/* ---- threads and processes ---- */

START_TEST(threads_that_cross_it_together_fire_once)
{
	uint64_t value, amount;

	/* Eight times 12 MiB. */
	marks(_i, "peak=50M", "threads:48:256", "at-peak ");
	first_line("peak", &value, &amount);
	ck_assert_msg(value >= amount && value < amount + amount / 10, "%" PRIu64, value);
	marks(_i, "peak=120M,growth=120M", "threads:48:256", "");
}
END_TEST

START_TEST(a_child_has_triggers_of_its_own)
{
	must(run("%s LOG_MALLOC_FOLLOW=1 LOG_MALLOC_OUTPUT=t LOG_MALLOC_QUIET=1 LOG_MALLOC_AT=peak=10M,growth=5M "
	         "%s " PROGRAMS "triggers%s alloc:11:1024 fork free:11 alloc:6:1024 alloc:6:1024; [ $? = 3 ]",
	         flavours[flavour_of(_i)].environment, kinds[_i % KINDS], flavours[flavour_of(_i)].suffix));
	ck_assert_str_eq(marks_of("t"), "at-growth at-peak at-growth ");
	/* The child begins with eleven megabytes in use. */
	ck_assert_str_eq(marks_of("t.*"), "at-peak at-peak ");
}
END_TEST

/* What the parent released since it last looked does not count in the child. */
START_TEST(a_child_looks_anew)
{
	must(run("%s LOG_MALLOC_FOLLOW=1 LOG_MALLOC_OUTPUT=t LOG_MALLOC_QUIET=1 LOG_MALLOC_AT=peak=10M,growth=9M "
	         "%s " PROGRAMS "triggers%s alloc:9:1024 free:8 fork alloc:9:1024; [ $? = 3 ]",
	         flavours[flavour_of(_i)].environment, kinds[_i % KINDS], flavours[flavour_of(_i)].suffix));
	ck_assert_str_eq(marks_of("t"), "at-growth ");
	ck_assert_str_eq(marks_of("t.*"), "at-peak at-growth ");
}
END_TEST

START_TEST(a_process_that_is_attached_to_has_triggers)
{
	struct run r =
		run(PROGRAMS "triggers alloc:9:1024 go await alloc:6:1024 & until [ -e go ]; do sleep 0.02; done; " LM
	                     " -q -p $! -o t --packed --at growth=5M --at peak=7M; s=$?; touch ran; wait $!; "
	                     "exit $s");

	if (r.status == 2) {
		skip("a_process_that_is_attached_to_has_triggers", r.err);
		return;
	}
	/* What was in use before does not count. */
	ck_assert_str_eq(marks_of("t"), "at-growth ");
}
END_TEST

/* ---- the file of the moment ---- */

#define KEPT "LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t LOG_MALLOC_SAMPLE=1K LOG_MALLOC_LIMIT=4M "

START_TEST(a_sampled_trace_with_a_limit_keeps_the_file_of_the_moment)
{
	struct run r = run("touch t.at-growth-2; "
	                   "%s %s " KEPT "LOG_MALLOC_AT=growth=8M " PROGRAMS "triggers%s alloc:17:1024 free:17 "
	                   "alloc:24:1024 free:2",
	                   flavours[flavour_of(_i)].environment, kinds[_i], flavours[flavour_of(_i)].suffix);

	ck_assert_msg(r.status == 3 && !*r.err, "%d: %s", r.status, r.err);
	ck_assert_str_eq(run("ls t t.* | tr '\\n' ' '").out,
	                 "t t.at-growth t.at-growth-2 t.at-growth-3 t.at-growth-4 ");
	/* What lies there is not ours to replace. */
	must(run("[ ! -s t.at-growth-2 ]"));
	ck_assert_str_eq(marks_of("t.at-growth"), "at-growth ");
	ck_assert_str_eq(marks_of("t.at-growth-3"), "at-growth ");
	ck_assert_str_eq(marks_of("t"), "");
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"t.at-growth", "t.at-growth-3", "t.at-growth-4"};

		r = run("$B/log-malloc-findleak -n --format json %s | jq '.leaks[0].count'", names[i]);
		ck_assert_msg(atoi(r.out) == 8 * (i + 1), "%s: %s%s", names[i], r.out, r.err);
	}
	ck_assert_str_eq(run("$B/log-malloc-findleak -n --format json t | jq '.leaks[0].count'").out, "22\n");
}
END_TEST

START_TEST(no_more_than_sixteen_files_of_a_kind_are_kept)
{
	struct run r = must(run(KEPT "LOG_MALLOC_AT=growth=1M LD_PRELOAD=$B/liblog-malloc2.so " PROGRAMS
	                             "triggers alloc:24:1024; [ $? = 3 ]"));

	ck_assert_str_eq(r.err, "log-malloc2: all files for the moments of a trigger are there, those of earlier runs "
	                        "included: further moments are marked, but their files are not kept\n");
	ck_assert_str_eq(run("ls t.at-* | wc -l").out, "16\n");
	/* Further moments are marked. */
	ck_assert_str_eq(run("$B/log-malloc-cat t | grep -c '^# MARK at-growth'").out, "8\n");
}
END_TEST

START_TEST(other_traces_have_the_mark_alone)
{
	must(run("LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t %s LOG_MALLOC_AT=growth=8M "
	         "LD_PRELOAD=$B/liblog-malloc2.so " PROGRAMS "triggers alloc:17:1024; [ $? = 3 ]",
	         _i ? "LOG_MALLOC_LIMIT=4M" : "LOG_MALLOC_SAMPLE=1K"));
	ck_assert_str_eq(run("ls t*").out, "t\n");
	ck_assert_str_eq(marks_of("t"), "at-growth at-growth ");
}
END_TEST

/* All that is up to the mark is in the file, whatever becomes of the journal. */
START_TEST(the_ring_is_written_out_at_the_moment)
{
	run("LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t LOG_MALLOC_AT=peak=24M %s %s " PROGRAMS
	    "triggers%s alloc:2000:8 alloc:24:1024 kill",
	    kinds[_i], flavours[flavour_of(_i)].environment, flavours[flavour_of(_i)].suffix);
	must(run("rm -f t.journal; $B/log-malloc-cat t 2>/dev/null | grep -q '^# MARK at-peak'"));
}
END_TEST

START_TEST(the_command_is_told_of_the_file_that_is_kept)
{
	struct run r =
		run(LM " -q -o t --sample 1K --limit 4M --at peak=8M --run 'echo ${LOG_MALLOC_TRACE##*/}' " PROGRAMS
	               "triggers alloc:9:1024 wait:100");

	ck_assert_int_eq(r.status, 3);
	ck_assert_msg(strncmp(r.err, "t.at-peak\n", 10) == 0, "%s", r.err);
}
END_TEST

/* ---- none ---- */

START_TEST(nothing_fires_while_tracing_is_off)
{
	struct run r = run_with(_i, "LOG_MALLOC_START=off", "peak=1M,rss=1,failed", "alloc:2:1024 failing wait:150");

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(marks_of("trace"), "");
}
END_TEST

START_TEST(a_setting_that_is_not_understood_is_told_and_no_trigger_is_set)
{
	static const char *const wrong[] = {"peak",
	                                    "peak=",
	                                    "peak=0",
	                                    "peak=10T",
	                                    "peak=-1",
	                                    "peak=101%",
	                                    "failed=1",
	                                    "peak=1M,",
	                                    ",failed",
	                                    "heap=1M",
	                                    "rss=1 M",
	                                    "peak=1MB",
	                                    "growth=10001%",
	                                    "peaks=1",
	                                    "peak=99999999999G",
	                                    "failed,failed,failed,failed,failed,failed,failed,failed,failed"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char quoted[128];
		struct run r;

		snprintf(quoted, sizeof quoted, "'%s'", wrong[i]);
		r = run_with(_i, "", quoted, "alloc:4:1024 failing");
		ck_assert_int_eq(r.status, 3);
		ck_assert_msg(strncmp(r.err, "log-malloc2: LOG_MALLOC_AT=", 27) == 0 && strstr(r.err, "; using none\n"),
		              "%s: %s", wrong[i], r.err);
		ck_assert_str_eq(marks_of("trace"), "");
		r = run(LM " -o t --at %s true", quoted);
		ck_assert_int_eq(r.status, 2);
		ck_assert_msg(strncmp(r.err, "log-malloc: --at ", 17) == 0, "%s", r.err);
	}
}
END_TEST

/* ---- the launcher ---- */

#define RUN LM " -q -o t "

START_TEST(options_add_up_and_names_have_any_case)
{
	ck_assert_int_eq(
		run(RUN "--at PEAK=4M --at growth=3M --at Failed " PROGRAMS "triggers alloc:5:1024 failing").status, 3);
	ck_assert_str_eq(marks_of("t"), "at-growth at-peak at-failed ");
}
END_TEST

START_TEST(a_command_is_run_at_each_moment)
{
	struct run r =
		run(RUN "--packed --at growth=8M --at failed --run 'echo $LOG_MALLOC_MOMENT; "
	                "$B/log-malloc-findleak -n --until $LOG_MALLOC_MOMENT $LOG_MALLOC_TRACE | tail -1 | "
	                "cut -d, -f1; touch ran' " PROGRAMS "triggers alloc:9:1024 await alloc:8:1024 await failing");

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.out, "");
	ck_assert_str_eq(r.err,
	                 "at-growth\nTotal: 8 blocks\nat-growth#2\nTotal: 16 blocks\nat-failed\nTotal: 17 blocks\n");
}
END_TEST

/* Such a file begins and is kept between two looks at the trace. What an earlier run has kept is left alone. */
START_TEST(a_file_that_is_kept_at_once_is_found)
{
	static const char command[] = LM " -o t.zst --sample 1K --limit 4M --at growth=8M --at failed --run "
					 "'echo $LOG_MALLOC_MOMENT ${LOG_MALLOC_TRACE##*/}' " PROGRAMS
					 "triggers alloc:9:1024 failing alloc:2:1024 2>&1 | grep -v trace-fd";
	struct run r = run(command);

	ck_assert_msg(strncmp(r.out, "at-growth t.zst.at-growth\nat-failed t.zst.at-failed\n", 52) == 0, "%s", r.out);
	ck_assert_msg(strstr(r.out, " (moments: t.zst.at-growth, t.zst.at-failed)") != NULL, "%s", r.out);
	r = run(command);
	ck_assert_msg(strncmp(r.out, "at-growth t.zst.at-growth-2\nat-failed t.zst.at-failed-2\n", 56) == 0, "%s",
	              r.out);
	ck_assert_msg(strstr(r.out, " (moments: t.zst.at-growth-2, t.zst.at-failed-2)") != NULL, "%s", r.out);
	/* Each is compressed once. */
	ck_assert_str_eq(run("for f in t.zst*; do zstd -qdc <$f | head -c 1; done; ls t.zst* | wc -l").out, "#####5\n");
}
END_TEST

START_TEST(the_command_has_an_environment_of_its_own)
{
	struct run r = run("LOG_MALLOC_BACKTRACE_DEPTH=5 OTHER=1 " RUN "-f --at peak=4M --run 'env | grep -E "
	                   "\"^(LOG_MALLOC|LD_PRELOAD|OTHER)\" | sort | sed s/PID=[0-9]*/PID=n/; cat; [ -e "
	                   "/proc/self/fd/1022 ] || "
	                   "echo none' " PROGRAMS "triggers alloc:5:1024");
	char *expected;

	ck_assert_int_eq(asprintf(&expected,
	                          "LOG_MALLOC_MOMENT=at-peak\nLOG_MALLOC_PID=n\nLOG_MALLOC_TRACE=%s/t\nOTHER=1\nnone\n",
	                          run("printf %%s $(pwd -P)").out) > 0,
	                 1);
	ck_assert_str_eq(r.err, expected);
	free(expected);
}
END_TEST

START_TEST(one_runs_at_a_time_and_the_last_moment_of_a_kind_waits)
{
	struct run r = run(
		RUN "--at growth=1M --at failed --run 'echo $LOG_MALLOC_MOMENT; touch ran; until [ -e go ]; do "
		    "sleep 0.05; done' " PROGRAMS "triggers alloc:1:1024 await alloc:3:1024 failing alloc:1:1024 go");

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.err, "at-growth\nat-growth#5\nat-failed\n");
}
END_TEST

/* The files of earlier runs leave no name to keep another one by. */
START_TEST(it_is_run_although_moments_follow_each_other_fast)
{
	struct run r;

	must(run("touch t.at-growth; for i in $(seq 2 16); do touch t.at-growth-$i; done"));
	r = run(LM " -q -o t --sample 1K --limit 4M --at growth=1M --run 'touch ran' " PROGRAMS "triggers grow");
	ck_assert_int_eq(r.status, 3);
	ck_assert_ptr_null(strstr(r.err, "nothing ran"));
}
END_TEST

START_TEST(a_command_that_fails_is_told)
{
	struct run r = run(LM " -o t --at peak=4M --run 'exit 4' " PROGRAMS "triggers alloc:5:1024");

	ck_assert_int_eq(r.status, 3);
	ck_assert(strstr(r.err, "log-malloc: --run: the command ended with status 4\n") != NULL);
}
END_TEST

/* The launcher looks into the program by ptrace then. */
START_TEST(a_command_is_run_beside_the_last_look)
{
	struct run r = run(RUN "--lost --at peak=4M --run 'echo $LOG_MALLOC_MOMENT; exit 1' " PROGRAMS
	                       "triggers alloc:5:1024 wait:100");

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.err, "at-peak\n");
	must(run("$B/log-malloc-cat t | grep -q '^# REACHED-AT'"));
}
END_TEST

START_TEST(a_killed_program_has_its_moment)
{
	struct run r = run(RUN "--at peak=4M --run 'echo $LOG_MALLOC_MOMENT' " PROGRAMS "triggers alloc:5:1024 kill");

	ck_assert_int_eq(r.status, 128 + 9);
	ck_assert_str_eq(r.err, "at-peak\n");
}
END_TEST

START_TEST(moments_count_from_one_behind_exec)
{
	struct run r = run(RUN "--at peak=4M --run 'echo $LOG_MALLOC_MOMENT; touch ran' bash -c '" PROGRAMS
	                       "triggers; exec " PROGRAMS "triggers alloc:5:1024 await free:5 alloc:5:1024 await'");

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.err, "at-peak\nat-peak#2\n");
}
END_TEST

/* The signals come when the program has ended. Nothing that the command has started is left. */
START_TEST(a_command_that_hangs_is_ended_with_the_launcher)
{
	struct run r =
		run(RUN "--at peak=4M --run 'echo run; touch ran; sleep 1234.5; echo no' " PROGRAMS
	                "triggers alloc:5:1024 & until [ -e ran ] && ! pgrep -P $! -x triggers >pids; do sleep 0.05; "
	                "done; while kill -%s $! 2>errors; do sleep 0.1; done; wait $!; s=$?; "
	                "pgrep -fx 'sleep 1234.5'; exit $s",
	            _i ? "TERM" : "HUP");

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.out, "");
	ck_assert_msg(strncmp(r.err, "run\n", 4) == 0 && !strstr(r.err, "no\n"), "%s", r.err);
}
END_TEST

/* ---- the processes that the command starts ---- */

/* What each run of the command prints: the moment, and the trace's name with N for its process. */
#define TELL "'echo $LOG_MALLOC_MOMENT ${LOG_MALLOC_TRACE##*/} | sed s/$LOG_MALLOC_PID/N/' "

START_TEST(a_worker_has_the_command_run_with_its_trace)
{
	struct run r =
		run("%s " LM " -q -f -o t --at peak=10M --run '$B/log-malloc-findleak -n --format json --until "
	            "$LOG_MALLOC_MOMENT $LOG_MALLOC_TRACE | jq \".leaks[] | select(.bytes > 1000000).count\"; "
	            "echo $LOG_MALLOC_MOMENT ${LOG_MALLOC_TRACE##*/} | sed s/$LOG_MALLOC_PID/N/; touch ran' " PROGRAMS
	            "triggers alloc:8:1024 fork free:8 alloc:12:1024 await free:12 alloc:11:1024 await",
	            kinds[_i]);

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.err, "10\nat-peak t.N\n10\nat-peak#2 t.N\n");
}
END_TEST

/* Some end directly behind their moment, and some are killed there. */
START_TEST(each_of_many_workers_has_it_run_once)
{
	struct run r =
		run(LM " -q -f -o t --at growth=10M --run " TELL PROGRAMS
	               "triggers alloc:12:1024 workers:40 alloc:12:1024 %s 2>err; sort err | uniq -c | tr -s ' '",
	            _i ? "kill" : "");

	ck_assert_str_eq(r.out, " 1 at-growth t\n 40 at-growth t.N\n");
	ck_assert_str_eq(run("ls t.* | wc -l").out, "40\n");
}
END_TEST

/* Those that a worker starts, and those that it becomes; with names in which the process stands elsewhere. */
START_TEST(each_process_is_followed_once)
{
	struct run r = run(LM " -q -f -o %s --at peak=10M --run " TELL "bash -c '" PROGRAMS
	                      "triggers alloc:12:1024; (" PROGRAMS "triggers fork alloc:12:1024; exec " PROGRAMS
	                      "triggers alloc:11:1024); exec " PROGRAMS
	                      "triggers alloc:11:1024' 2>err; sort err | uniq -c | tr -s ' '",
	                   _i ? "%p.t" : "./t");

	ck_assert_str_eq(r.out, _i ? " 4 at-peak N.t\n" : " 1 at-peak t\n 3 at-peak t.N\n");
}
END_TEST

/* Its trace goes on in another file, and what an earlier run has kept is left alone. */
START_TEST(the_file_that_a_worker_keeps_is_found)
{
	static const char command[] =
		LM " -q -f -o t --sample 1K --limit 4M --at growth=8M --run 'echo $LOG_MALLOC_MOMENT "
		   "${LOG_MALLOC_TRACE##*/} | "
		   "sed s/$LOG_MALLOC_PID/N/; touch ran' " PROGRAMS "triggers fork alloc:9:1024 %s alloc:9:1024 await";
	struct run r = run(command, "await");

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.err, "at-growth t.N.at-growth\nat-growth t.N.at-growth-2\n");
	/* Both are kept between two looks, or one is. */
	r = run(command, "");
	ck_assert_int_eq(r.status, 3);
	ck_assert_msg(strcmp(r.err, "at-growth t.N.at-growth-2\n") == 0 ||
	                      strcmp(r.err, "at-growth t.N.at-growth\nat-growth t.N.at-growth-2\n") == 0,
	              "%s", r.err);
}
END_TEST

/* A process of an earlier run goes on, with a trace that has a moment. */
START_TEST(processes_of_earlier_runs_have_nothing_run)
{
	struct run r;

	must(run(LM " -q -f -o t --at peak=4M bash -c '(" PROGRAMS "triggers alloc:5:1024 go await alloc:900:1; touch "
	            "over) & until [ -e go ]; do sleep 0.02; done'"));
	r = must(run(LM " -q -f -o t --at peak=4M --run " TELL "bash -c 'touch ran; until [ -e over ]; do sleep 0.02; "
	                "done; " PROGRAMS "triggers alloc:5:1024; sleep 0.1; true'"));
	ck_assert_str_eq(r.err, "at-peak t.N\n");
	ck_assert_str_eq(run("grep -h '^# MARK ' t.*").out, "# MARK at-peak\n# MARK at-peak\n");
}
END_TEST

/* The kernel may have no more room for those who watch. */
START_TEST(without_the_kernels_help_the_directory_is_searched)
{
	static const char without[] = "echo 0 >/proc/sys/user/max_inotify_instances && exec \"$@\"\n";
	struct run r;

	write_file("without", without, sizeof without - 1);
	if (strcmp(run("unshare -r sh ./without echo yes").out, "yes\n") != 0) {
		skip("without_the_kernels_help_the_directory_is_searched", "no user namespace can be made here");
		return;
	}
	must(run("echo '# PID 1' >t.1"));
	r = run("unshare -r sh ./without " LM " -q -f -o t --at peak=10M --run " TELL PROGRAMS
	        "triggers workers:3 alloc:12:1024 2>err; sort err");
	ck_assert_str_eq(r.out, "at-peak t.N\nat-peak t.N\nat-peak t.N\n");
	r = run("unshare -r sh ./without " LM " -q -f -o t --at peak=10M --run 'touch ran' " PROGRAMS
	        "triggers fork alloc:12:1024 await");
	ck_assert_int_eq(r.status, 3);
}
END_TEST

/* The workers go on while the command runs, and end before it does. */
START_TEST(a_command_that_takes_long_or_fails_hinders_no_worker)
{
	struct run r =
		run(LM " -f -o t --at growth=10M --at failed --run 'echo $LOG_MALLOC_MOMENT; until [ -e go ]; do "
	               "sleep 0.02; done; exit 4' " PROGRAMS
	               "triggers workers:3 alloc:12:1024 failing go 2>err; grep -e ^at- -e '--run' err | sort | "
	               "uniq -c | tr -s ' '");

	ck_assert_str_eq(r.out, " 3 at-failed\n 3 at-growth\n 6 log-malloc: --run: the command ended with status 4\n");
}
END_TEST

/* ---- a process that runs ---- */

/*
 * log-malloc with OPTIONS is attached to a process that waits for "ran" before its OPERATIONS. Then comes what SHELL
 * says, where the process is $p and log-malloc is $l. What log-malloc says is in "err", and is returned.
 */
static struct run attach(const char *options, const char *operations, const char *shell)
{
	return run(PROGRAMS
	           "triggers alloc:2:1024 go await %s & p=$!; until [ -e go ]; do sleep 0.02; done; " LM
	           " -p $p -o t %s 2>err & l=$!; until grep -q 'is traced into' err; do sleep 0.02; done; %s; wait "
	           "$p; wait $l; s=$?; cat err >&2; exit $s",
	           operations, options, shell);
}

/* Goes on when the command was run for the moment number N. */
#define MOMENT(n) "until [ $(grep -c ^at- err) = " #n " ]; do sleep 0.02; done; "

START_TEST(a_command_is_run_while_log_malloc_is_attached)
{
	struct run r;

	r = must(attach("--at growth=5M --run " TELL, "alloc:6:1024 await alloc:6:1024",
	                "touch ran; " MOMENT(1) "touch ran"));
	ck_assert_ptr_nonnull(strstr(r.err, "\nat-growth t\n"));
	ck_assert_ptr_nonnull(strstr(r.err, "\nat-growth#2 t\n"));
	ck_assert_ptr_nonnull(strstr(r.err, " has ended\n"));
	ck_assert_ptr_nonnull(strstr(r.err, "; next: log-malloc-findleak t\n"));
	ck_assert_str_eq(run("grep -c ^at- err").out, "2\n");
}
END_TEST

/* By a signal, and by another log-malloc: the process goes on, and what it does then is nobody's affair. */
START_TEST(when_it_detaches_nothing_is_run_any_more)
{
	static const char *const ways[] = {"kill -TERM $l; ", LM " -q -p $p --detach; "};
	static const char *const said[] = {" is not traced any more; ", " was detached from by another log-malloc\n"};
	char shell[256];
	struct run r;

	snprintf(shell, sizeof shell, "touch ran; " MOMENT(1) "%s wait $l; s=$?; touch ran; wait $p; [ $? = 3 ]",
	         ways[_i]);
	r = must(attach("--at growth=5M --run " TELL, "alloc:6:1024 await alloc:6:1024", shell));
	ck_assert_msg(strstr(r.err, said[_i]) != NULL, "%s", r.err);
	ck_assert_str_eq(run("grep ^at- err").out, "at-growth t\n");
	ck_assert_str_eq(marks_of("t"), "at-growth ");
}
END_TEST

/* The first signal detaches, and the next ends the command. */
START_TEST(a_command_that_hangs_is_ended_when_it_detaches)
{
	struct run r;

	r = must(attach("--at growth=5M --run 'echo at-; sleep 1234.25; echo no'", "alloc:6:1024 await",
	                "touch ran; " MOMENT(1) "while kill -TERM $l 2>/dev/null; do sleep 0.1; done; touch ran"));
	ck_assert_ptr_nonnull(strstr(r.err, " is not traced any more; "));
	ck_assert_ptr_null(strstr(r.err, "no\n"));
	ck_assert_str_eq(run("pgrep -fx 'sleep 1234.25'").out, "");
}
END_TEST

START_TEST(the_file_that_an_attached_process_keeps_is_found)
{
	struct run r;

	r = must(attach("--sample 1K --limit 4M --at growth=8M --run " TELL, "alloc:9:1024 wait:100", "touch ran"));
	ck_assert_msg(strstr(r.err, "\nat-growth t.at-growth\n") != NULL, "%s", r.err);
}
END_TEST

START_TEST(what_runs_has_to_know_when)
{
	static const char *const wrong[] = {"--run true true",
	                                    "--at peak=1M --run '' true",
	                                    "--at 1M true",
	                                    "--at peak=1M --run true -o - true",
	                                    "--run true -p 1 --at failed -o -",
	                                    "--run true -p 1 --at failed --detach",
	                                    "--run true -p 1"};

	are_refused("log-malloc", wrong, sizeof wrong / sizeof *wrong);
	ck_assert_int_eq(run("LOG_MALLOC_AT=failed " RUN "--run true true").status, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("triggers");

	EACH_OF_BOTH(a_peak_is_marked_behind_the_call_that_reached_it);
	EACH_ONCE(what_comes_and_goes_does_not_fire);
	EACH_ONCE(each_step_of_growth_fires);
	EACH_ONCE(several_triggers_fire_in_their_order);
	EACH_ONCE(calls_that_fail_are_marked_once_a_second);
	EACH_ONCE(a_call_that_fails_for_want_of_memory_is_marked);
	EACH_ONCE(resident_memory_fires_when_it_is_there);
	EACH_ONCE(percent_is_of_what_the_process_may_have);
	EACH_ONCE(a_group_fires_when_its_memory_is_used);
	ONCE(a_group_is_found_by_what_the_kernel_tells_of_mounts);
	ONCE(a_group_that_can_not_be_read_is_told);
	EACH_OF_BOTH(threads_that_cross_it_together_fire_once);
	EACH_ONCE(a_child_has_triggers_of_its_own);
	EACH_ONCE(a_child_looks_anew);
	ONCE(a_process_that_is_attached_to_has_triggers);
	TIMES(a_sample_has_failures_marked_that_it_does_not_have, 7 * FLAVOURS);
	EACH_ONCE(a_sampled_trace_with_a_limit_keeps_the_file_of_the_moment);
	ONCE(no_more_than_sixteen_files_of_a_kind_are_kept);
	TIMES(other_traces_have_the_mark_alone, 2);
	EACH_ONCE(the_ring_is_written_out_at_the_moment);
	ONCE(the_command_is_told_of_the_file_that_is_kept);
	EACH_ONCE(nothing_fires_while_tracing_is_off);
	ONCE(a_setting_that_is_not_understood_is_told_and_no_trigger_is_set);
	ONCE(options_add_up_and_names_have_any_case);
	ONCE(a_command_is_run_at_each_moment);
	ONCE(a_file_that_is_kept_at_once_is_found);
	ONCE(the_command_has_an_environment_of_its_own);
	ONCE(one_runs_at_a_time_and_the_last_moment_of_a_kind_waits);
	ONCE(it_is_run_although_moments_follow_each_other_fast);
	ONCE(a_command_that_fails_is_told);
	ONCE(a_command_is_run_beside_the_last_look);
	ONCE(a_killed_program_has_its_moment);
	ONCE(moments_count_from_one_behind_exec);
	TIMES(a_command_that_hangs_is_ended_with_the_launcher, 2);
	EACH_ONCE(a_worker_has_the_command_run_with_its_trace);
	TIMES(each_of_many_workers_has_it_run_once, 2);
	TIMES(each_process_is_followed_once, 2);
	ONCE(the_file_that_a_worker_keeps_is_found);
	ONCE(processes_of_earlier_runs_have_nothing_run);
	ONCE(without_the_kernels_help_the_directory_is_searched);
	ONCE(a_command_that_takes_long_or_fails_hinders_no_worker);
	add_tracing_test(suite, TRACING_ATTACHED, "a_command_is_run_while_log_malloc_is_attached",
	                 a_command_is_run_while_log_malloc_is_attached, 0);
	add_tracing_test(suite, TRACING_ATTACHED, "when_it_detaches_nothing_is_run_any_more",
	                 when_it_detaches_nothing_is_run_any_more, 2);
	add_tracing_test(suite, TRACING_ATTACHED, "a_command_that_hangs_is_ended_when_it_detaches",
	                 a_command_that_hangs_is_ended_when_it_detaches, 0);
	add_tracing_test(suite, TRACING_ATTACHED, "the_file_that_an_attached_process_keeps_is_found",
	                 the_file_that_an_attached_process_keeps_is_found, 0);
	ONCE(what_runs_has_to_know_when);
	return run_suite(suite);
}
