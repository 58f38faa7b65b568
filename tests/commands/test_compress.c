/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A trace whose name ends in .zst: the launcher compresses it when the command has
 * ended. Whatever comes in between, the trace is there, as it was written or compressed.
 */
#include "commands.h"
#include "support.h"
#include "traced.h"
#include "tracing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A program that allocates as many blocks as its argument says, and releases all but one of ten. */
static void build(void)
{
	static const char source[] = "#include <stdlib.h>\n"
				     "void *volatile p;\n"
				     "int main(int argc, char **argv)\n"
				     "{\n"
				     "	for (int i = 0; i < atoi(argv[argc - 1]); i++) {\n"
				     "		p = malloc(10);\n"
				     "		if (i % 10)\n"
				     "			free(p);\n"
				     "	}\n"
				     "	return 7;\n"
				     "}\n";

	write_file("blocks.c", source, sizeof source - 1);
	must(run("$CC -O1 -fno-builtin -o blocks blocks.c"));
}

/* FILE is compressed, or not, and findleak finds COUNT leaked blocks in it, and that it is complete. */
static void has_leaks(const char *file, bool is_compressed, int count)
{
	char expected[64];
	struct run r = run("zstd -qt '%s' && zstd -lv '%s' | grep -c 'Check: XXH64'", file, file);

	if (is_compressed)
		ck_assert_msg(strcmp(r.out, "1\n") == 0, "%s: %s%s", file, r.out, r.err);
	else
		ck_assert_str_eq(run("head -c 6 '%s'", file).out, "# PID ");
	r = run("$B/log-malloc-findleak -n '%s' | tail -n 1", file);
	snprintf(expected, sizeof expected, "Total: %d block", count);
	ck_assert_msg(says(r.out, expected) && says(r.out, "; the trace is complete\n"), "%s: %s%s", file, r.out,
	              r.err);
}

/* FILE is as it was written, to its end, and has COUNT blocks of the program's. */
static void is_plain(const char *file, int count)
{
	char expected[64];
	struct run r =
		run("head -c 6 '%s'; grep -c '^+ malloc 10 ' '%s'; grep '^+ FINI' '%s' | cut -c 1-6", file, file, file);

	snprintf(expected, sizeof expected, "# PID %d\n+ FINI\n", count);
	ck_assert_msg(strcmp(r.out, expected) == 0, "%s: %s%s", file, r.out, r.err);
}

START_TEST(a_trace_whose_name_ends_in_zst_is_compressed)
{
	unsigned long long events, bytes, compressed, is_bytes, is_compressed;
	struct run r;
	char *line;

	build();
	r = run(LM " -o t.zst ./blocks 5000");
	ck_assert_int_eq(r.status, 7);
	has_leaks("t.zst", true, 500);
	line = strstr(r.err, "log-malloc: ");
	ck_assert_ptr_nonnull(line);
	ck_assert_msg(sscanf(line, "log-malloc: %llu events, %llu bytes in t.zst, compressed to %llu;", &events, &bytes,
	                     &compressed) == 3,
	              "%s", r.err);
	ck_assert(says(line, "; next: log-malloc-findleak t.zst\n"));
	r = run("zstd -dc t.zst | wc -c; stat -c '%%s' t.zst; stat -c %%a t.zst; ls -d t*");
	ck_assert_int_eq(sscanf(r.out, "%llu %llu", &is_bytes, &is_compressed), 2);
	ck_assert_uint_eq(events, 5000 + 4500);
	ck_assert_uint_eq(bytes, is_bytes);
	ck_assert_uint_eq(compressed, is_compressed);
	ck_assert_uint_lt(compressed, bytes / 2);
	ck_assert(says(r.out, "\n600\nt.zst\n"));
	/* An existing file keeps who may read it. */
	ck_assert(says(run("chmod 640 t.zst; " LM " -q -o t.zst ./blocks 50; stat -c %%a t.zst").out, "640\n"));
	has_leaks("t.zst", true, 5);
	ck_assert_str_eq(run(LM " -q -o t.zst ./blocks 50").err, "");
}
END_TEST

START_TEST(every_command_reads_it)
{
	static const char *const formats[] = {"full", "compact", "packed"};

	build();
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		run(LM " -q --%s -o t.zst ./blocks 500; zstd -qdf t.zst", formats[i]);
		/* The last translates text. */
		ck_assert_str_eq(run("for c in log-malloc-findleak log-malloc-report log-malloc-trackusage "
		                     "'log-malloc-diff t' log-malloc-cat %s; do $B/$c t >a; $B/$c t.zst >b; "
		                     "sed 's/t\\.zst/t/' b | cmp a - && [ -s a ] || echo $c; done",
		                     i < 2 ? "backtrace2line" : "")
		                         .out,
		                 "");
	}
}
END_TEST

START_TEST(however_the_command_ends_its_trace_is_whole_and_its_status_stays)
{
	struct run r;

	build();
	ck_assert_int_eq(run(LM " -o t.zst true").status, 0);
	ck_assert_int_eq(run(LM " -o t.zst false").status, 1);
	r = run(LM " -o t.zst " PROGRAMS "faults 5000 'kill -9 $PPID'; echo $?; zstd -qt t.zst; ls -d t*");
	ck_assert_str_eq(r.out, "137\nt.zst\n");
	ck_assert(says(r.err, ", compressed to "));
	/* What was in the journal. */
	ck_assert_uint_ge(traced_read("t.zst", false).calls[LM_CALL_MALLOC], 5000);
	ck_assert_int_eq(run(LM " -o u.zst no-such-command; ls u.zst").status, 2);
}
END_TEST

START_TEST(other_names_and_streams_are_not_compressed)
{
	build();
	run("rm -rf d; mkdir d; cd d; " LM " -q -o .zst ../blocks 50; mkdir e; " LM " -q -o e/.zst ../blocks 50; " LM
	    " -q -o t.zst.x ../blocks 50; " LM " -q -o t.zs ../blocks 50; " LM " -q ../blocks 50 1022>u.zst; "
	    "mkfifo pipe.zst; cat pipe.zst >piped & " LM " -q -o pipe.zst ../blocks 50; wait");
	has_leaks("d/.zst", false, 5);
	has_leaks("d/e/.zst", false, 5);
	has_leaks("d/t.zst.x", false, 5);
	has_leaks("d/t.zs", false, 5);
	has_leaks("d/u.zst", false, 5);
	has_leaks("d/piped", false, 5);
	/* These are. */
	run(LM " -q -o 'a %%p.zst' ./blocks 50; mv a*.zst b; LOG_MALLOC_OUTPUT=c.zst " LM " -q ./blocks 50");
	has_leaks("b", true, 5);
	has_leaks("c.zst", true, 5);
	run(LM " -q -o ./-%%%%.zst ./blocks 50");
	has_leaks("./-%.zst", true, 5);
}
END_TEST

START_TEST(with_follow_each_trace_is_compressed)
{
	static const char *const names[] = {"t.zst", "t.%p.zst"};
	struct run r;

	build();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		r = run("rm -f t.*; " LM " -f -o %s sh -c './blocks 50; ./blocks 500; true' 2>err; "
		        "zstd -qt t.*zst && ls -d t* | sed 's/[0-9][0-9]*/N/'; grep -c 'bytes in t.*zst, compressed to "
		        "[0-9]*' err",
		        names[i]);
		ck_assert_str_eq(r.out, i ? "t.N.zst\nt.N.zst\nt.N.zst\n3\n" : "t.N.zst\nt.N.zst\nt.zst\n3\n");
		r = run("for t in t.*zst; do $B/log-malloc-findleak -n $t | grep -c 'Total: [0-9]* b'; done; "
		        "for t in t.*zst; do $B/log-malloc-findleak -n $t; done | grep -o 'Total: [0-9]*0* blocks, "
		        "[0-9]* bytes' | sort -u | grep -c ' 50 bytes\\| 500 bytes'");
		ck_assert_str_eq(r.out, "1\n1\n1\n2\n");
	}
	/* A process that still runs writes on. */
	r = run("rm -f t.*; " LM " -f -o t.zst sh -c '(./blocks 50; mkfifo go; read x <go; ./blocks 50; exit 0) & "
	        "until [ -p go ]; do sleep 0.01; done'; echo >go; ls t*");
	ck_assert(says(r.err, ", which still runs"));
	/* Without the launcher, the names are the same, and what is in the files is text. */
	r = run("rm -rf f; mkdir f; cd f; LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_FOLLOW=1 LOG_MALLOC_QUIET=1 "
	        "LOG_MALLOC_OUTPUT=$PWD/t.zst sh -c '../blocks 50; true'; ls | sed 's/[0-9][0-9]*/N/'; head -qc 6 *");
	ck_assert_str_eq(r.out, "t.N.zst\nt.zst\n# PID # PID ");
}
END_TEST

/* ---- kills ---- */

/* Where the launcher is when it is killed: in a system call that strace makes wait. */
static const struct {
	const char *call, *sign; /* what tells that it is there */
	bool is_compressed;
} stages[] = {
	{"fchmod:delay_enter", "ls t.zst.??????", false},
	{"write:delay_enter", "ls t.zst.??????", false},
	{"rename:delay_enter", "ls t.zst.??????", false},
	{"rename:delay_exit", "zstd -qt t.zst", true},
};

START_TEST(a_launcher_that_is_killed_while_it_compresses_leaves_the_trace)
{
	struct run r;

	if (!can_strace("a_launcher_that_is_killed_while_it_compresses_leaves_the_trace"))
		return;
	build();
	r = run("strace -qq -o calls -e trace=%.*s -e inject=%s=3000000 "
	        "bash -c 'echo $$ >pid; exec " LM " -q -o t.zst ./blocks 5000' & "
	        "until %s >found 2>&1; do sleep 0.01; done; kill -9 $(cat pid); wait; cat found",
	        (int)strcspn(stages[_i].call, ":"), stages[_i].call, stages[_i].call, stages[_i].sign);
	ck_assert_msg(r.status == 0, "%s%s", r.out, r.err);
	has_leaks("t.zst", stages[_i].is_compressed, 500);
	/* The next run is not disturbed by what is left. */
	ck_assert_int_eq(run(LM " -q -o t.zst ./blocks 50").status, 7);
	has_leaks("t.zst", true, 5);
}
END_TEST

START_TEST(a_launcher_that_is_killed_before_leaves_the_trace)
{
	must(run("mkfifo go started\n"
	         "bash -c 'echo $$ >pid; exec " LM " -q -o t.zst sh -c \"echo >started; read x <go; exec " PROGRAMS
	         "faults 1000\"' & read x <started; kill -9 $(cat pid); echo >go; "
	         "until grep -qs '^+ FINI' t.zst; do sleep 0.01; done; wait"));
	ck_assert_str_eq(run("head -c 6 t.zst").out, "# PID ");
	ck_assert(says(run("$B/log-malloc-findleak -n t.zst").out, "; the trace is complete\n"));
}
END_TEST

START_TEST(a_signal_stops_compressing_and_leaves_the_trace)
{
	static const char *const signals[] = {"INT", "TERM", "HUP", "QUIT"};
	struct run r;

	if (!can_strace("a_signal_stops_compressing_and_leaves_the_trace"))
		return;
	build();
	/* What bash starts in the background has INT and QUIT ignored. */
	r = run("strace -qq -o calls -e trace=write -e inject=write:delay_exit=700000 "
	        "env --default-signal=INT,QUIT bash -c 'echo $$ >pid; exec " LM
	        " -f -q -o t.zst bash -c \"./blocks 500000; exit 5\"' & p=$!; "
	        "until ls t.*.zst.?????? >found 2>&1; do sleep 0.01; done; kill -%s $(cat pid); wait $p; "
	        "echo $?; ls -d t.* | sed 's/[0-9][0-9]*/N/'",
	        signals[_i]);
	ck_assert_str_eq(r.out, "5\nt.N.zst\nt.zst\n");
	ck_assert_msg(says(r.err, ".zst is not compressed: interrupted\n"), "%s", r.err);
	must(run("mv t.*.zst child"));
	is_plain("child", 500000);
}
END_TEST

START_TEST(a_signal_that_was_ignored_does_not_stop_it)
{
	if (!can_strace("a_signal_that_was_ignored_does_not_stop_it"))
		return;
	build();
	run("trap '' HUP INT TERM; strace -qq -o calls -e trace=write -e inject=write:delay_exit=300000 "
	    "bash -c 'echo $$ >pid; exec " LM " -q -o t.zst ./blocks 5000' & "
	    "until ls t.zst.?????? >found 2>&1; do sleep 0.01; done; kill -HUP $(cat pid); kill -INT $(cat pid); "
	    "kill -TERM $(cat pid); wait");
	has_leaks("t.zst", true, 500);
}
END_TEST

START_TEST(on_a_terminal_it_says_how_far_it_is)
{
	static const char *const commands[] = {"", "-q"};

	if (!can_strace("on_a_terminal_it_says_how_far_it_is") ||
	    !can_run("on_a_terminal_it_says_how_far_it_is", "script"))
		return;
	build();
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		struct run r =
			run("script -qec \"strace -qq -o calls -e trace=pread64 -e inject=pread64:delay_exit=150000 " LM
		            " %s -o t.zst ./blocks 30000\" /dev/null",
		            commands[i]);

		ck_assert_int_eq(r.status, 7);
		ck_assert_int_eq(says(r.out, "\rlog-malloc: ") && says(r.out, " % of "), i == 0);
		has_leaks("t.zst", true, 3000);
	}
}
END_TEST

/* ---- what is in the way ---- */

START_TEST(where_the_disk_is_full_the_trace_stays_as_it_is)
{
	struct run r;

	build();
	/* The trace fits, and not one page more. */
	r = run("mkdir -p disk; " LM " -q -o t --statm never ./blocks 50; "
	        "mount -t tmpfs -o size=$(($(stat -c %%s t) / 4096 * 4 + 4))k tmpfs disk || exit 77; " LM
	        " -o disk/t.zst --statm never ./blocks 50; echo $?; ls disk; cp disk/t.zst full; umount disk");
	if (r.status == 77) {
		skip("where_the_disk_is_full_the_trace_stays_as_it_is", "nothing can be mounted here");
		return;
	}
	ck_assert_str_eq(r.out, "7\nt.zst\n");
	ck_assert_msg(says(r.err, "log-malloc: disk/t.zst is not compressed: No space left on device\n"), "%s", r.err);
	ck_assert(says(r.err, " bytes in disk/t.zst; next: log-malloc-findleak disk/t.zst\n"));
	has_leaks("full", false, 5);
	/* There is no room for another file, not even an empty one. */
	r = run("mount -t tmpfs -o nr_inodes=2 tmpfs disk; " LM " -o disk/t.zst ./blocks 50; echo $?; "
	        "cp disk/t.zst full; umount disk");
	ck_assert_str_eq(r.out, "7\n");
	ck_assert(says(r.err, "log-malloc: disk/t.zst is not compressed: No space left on device\n"));
	has_leaks("full", false, 5);
}
END_TEST

START_TEST(a_trace_with_another_name_or_a_journal_stays_as_it_is)
{
	struct run r;

	build();
	/* A symbolic link is followed, and stays. */
	r = run("mkdir real; ln -s real/t.zst t.zst; " LM " -q -o t.zst ./blocks 50; readlink t.zst");
	ck_assert_str_eq(r.out, "real/t.zst\n");
	has_leaks("real/t.zst", true, 5);
	r = run("touch h.zst; ln h.zst i.zst; " LM " -o h.zst ./blocks 50; cmp h.zst i.zst && echo same");
	ck_assert_str_eq(r.out, "same\n");
	ck_assert(says(r.err, "log-malloc: h.zst is not compressed: it has more than one name\n"));
	has_leaks("h.zst", false, 5);
	/* A shell with many variables to keep would have made a journal itself. */
	r = run("env -i PATH=\"$PATH\" " LM " -o j.zst sh -c 'mkdir j.zst.journal; exec ./blocks 50'");
	ck_assert_msg(says(r.err, "log-malloc: j.zst is not compressed: its journal is still there\n"), "%s", r.err);
	is_plain("j.zst", 50);
	/* What was moved or removed is left alone. */
	r = run(LM " -o m.zst sh -c 'mv m.zst n.zst; exec ./blocks 50'; ls m.zst*");
	ck_assert(says(r.err, "/n.zst; next: log-malloc-findleak /"));
	ck_assert(!says(r.err, "compressed"));
	ck_assert_str_eq(r.out, "");
	is_plain("n.zst", 50);
	r = run(LM " -o o.zst sh -c 'rm o.zst; echo other >o.zst; exec ./blocks 50'; cat o.zst");
	ck_assert_str_eq(r.out, "other\n");
}
END_TEST

/* The launcher knows which file the trace is before the command runs, however slow it is. */
START_TEST(a_file_that_takes_the_traces_name_at_once_is_left_alone)
{
	struct run r;

	if (!can_strace("a_file_that_takes_the_traces_name_at_once_is_left_alone"))
		return;
	build();
	r = run("strace -qq -o calls -e trace=%%stat,openat -e inject=%%stat,openat:delay_enter=20000 " LM
	        " -q -o o.zst sh -c 'rm o.zst; echo other >o.zst; exec ./blocks 50'; cat o.zst");
	ck_assert_str_eq(r.out, "other\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compress");

	ONCE(a_trace_whose_name_ends_in_zst_is_compressed);
	ONCE(every_command_reads_it);
	ONCE(however_the_command_ends_its_trace_is_whole_and_its_status_stays);
	ONCE(other_names_and_streams_are_not_compressed);
	ONCE(with_follow_each_trace_is_compressed);
	TIMES(a_launcher_that_is_killed_while_it_compresses_leaves_the_trace, sizeof stages / sizeof *stages);
	ONCE(a_launcher_that_is_killed_before_leaves_the_trace);
	TIMES(a_signal_stops_compressing_and_leaves_the_trace, 4);
	ONCE(a_signal_that_was_ignored_does_not_stop_it);
	ONCE(on_a_terminal_it_says_how_far_it_is);
	ONCE(where_the_disk_is_full_the_trace_stays_as_it_is);
	ONCE(a_trace_with_another_name_or_a_journal_stays_as_it_is);
	ONCE(a_file_that_takes_the_traces_name_at_once_is_left_alone);
	return run_suite(suite);
}
