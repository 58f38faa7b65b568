/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sampled trace with a limit goes on in new files. What a file begins with is exactly what was live at the end of the
 * file before: the same blocks, of the same sizes, threads and backtraces. A mean distance of a byte puts each block
 * into the sample, so the last file has what the program says is live.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flavours.h"
#include "rotated.h"
#include "support.h"

static const char *const formats[] = {"full", "compact", "packed"};

enum { FORMATS = sizeof formats / sizeof *formats };

/* ---- files follow each other ---- */

/* The program, with ARGUMENTS, goes on in new files, and each begins as the one before ended. I: flavour and format. */
static void files_follow(int i, const char *arguments)
{
	const int flavour = i / FORMATS;
	char settings[256];
	struct file last;
	struct run r;

	snprintf(settings, sizeof settings,
	         ROTATED_SETTINGS "LOG_MALLOC_FORMAT=%s LOG_MALLOC_LIMIT=128K LOG_MALLOC_KEEP=%d", formats[i % FORMATS],
	         ROTATED_OLD_MAX);
	r = must(run_traced(flavour, settings, "rotating", arguments));
	ck_assert_str_eq(r.err, "");
	last = rotated_follow("trace", ROTATED_OLD_MAX, 128 << 10);
	ck_assert_int_ge(rotated_oldest("trace"), 2);
	ck_assert_int_eq(last.ending, TRACE_FINISHED);
	rotated_has_printed(&last, r.out);
}

START_TEST(each_file_begins_with_what_was_live)
{
	files_follow(_i, "8 1500");
}
END_TEST

/* One thread after the other, so each has the number of the one before, whose blocks live on. */
START_TEST(threads_that_follow_each_other_are_told_apart)
{
	files_follow(_i, "4 3000 queue");
}
END_TEST

START_TEST(as_many_older_files_stay_as_the_user_wants)
{
	for (int keep = 1; keep <= 3; keep++) {
		struct run r = must(run(
			"rm -f t*; " LM " -q --sample 1 --limit 64K --keep %d -o t " PROGRAMS "rotating 1 4000", keep));
		struct file last;

		last = rotated_follow("t", keep, 64 << 10);
		rotated_has_printed(&last, r.out);
		ck_assert_int_eq(rotated_oldest("t"), keep);
	}
	/* One is the default. */
	must(run("rm -f t*; " LM " -q --sample 1 --limit 64K -o t " PROGRAMS "rotating 1 4000; touch t.next"));
	ck_assert_int_eq(rotated_oldest("t"), 1);
	/* A run that follows has no more, and has that of the run before. */
	must(run("cksum <t >sum; " LM " -q --sample 1 --limit 64M -o t true; cksum <t.old-1 | cmp - sum"));
	ck_assert_str_eq(run("ls t*").out, "t\nt.old-1\n");
}
END_TEST

/* The last lines have the memory map. Where the file has no room for it, it has to be in a new one. */
START_TEST(the_end_of_the_program_is_below_the_limit)
{
	for (int rounds = 1000; rounds < 1500; rounds += 50) {
		struct run r =
			must(run("rm -f t*; " LM " -q --sample 1 --limit 64K --%s -o t " PROGRAMS "rotating 1 %d maps",
		                 formats[_i], rounds));
		struct file last = rotated_follow("t", 1, 64 << 10);

		ck_assert_int_eq(last.ending, TRACE_FINISHED);
		rotated_has_printed(&last, r.out);
		must(run("grep -aq '^# FILE ' t"));
	}
}
END_TEST

/* ---- what else happens meanwhile ---- */

/* The next image goes on with the same trace, and has none of the blocks of the one before. */
START_TEST(the_image_behind_exec_goes_on)
{
	static const char *const ways[] = {LM " -q -o t", "LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=$PWD/t"};
	const int way = _i % 2, flavour = _i / 2;
	struct file last;
	struct run r;

	r = must(run("env %s LOG_MALLOC_SAMPLE=1 LOG_MALLOC_LIMIT=96K LOG_MALLOC_KEEP=999 %s " PROGRAMS
	             "rotating%s 2 2000 exec",
	             way ? flavours[flavour].environment : "", ways[way], flavours[flavour].suffix));
	ck_assert_str_eq(r.err, "");
	last = rotated_follow("t", ROTATED_OLD_MAX, 96 << 10);
	ck_assert_int_eq(last.ending, TRACE_FINISHED);
	rotated_has_printed(&last, r.out);
	/* One of the older files has both images. */
	ck_assert_str_eq(run("grep -ac '^+ INIT' t.old-* | grep -c ':2$'").out, "1\n");
}
END_TEST

/* It has an older file on its descriptor, which no process has locked any more. */
START_TEST(a_child_that_executes_late_leaves_the_older_files_alone)
{
	struct file last;
	struct run r;

	r = must(run(LM " -q %s -o t --sample 1 --limit 96K --keep 999 " PROGRAMS "rotating 2 1500 late",
	             _i ? "-f" : ""));
	ck_assert_str_eq(r.err, "");
	last = rotated_follow("t", ROTATED_OLD_MAX, 96 << 10);
	rotated_has_printed(&last, r.out);
	ck_assert_str_eq(run("cat t* | grep -ac '^# EXE .*/true$'").out, _i ? "1\n" : "0\n");
	if (_i)
		must(run("grep -aq '^# EXE .*/true$' t.[0-9]*"));
}
END_TEST

START_TEST(each_followed_child_has_files_of_its_own)
{
	char children[256], *at = children, name[64];
	struct file last;
	struct run r;

	r = must(run("env %s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=$PWD/t LOG_MALLOC_FOLLOW=1 LOG_MALLOC_SAMPLE=1 "
	             "LOG_MALLOC_LIMIT=64K LOG_MALLOC_KEEP=999 LOG_MALLOC_FORMAT=packed " PROGRAMS
	             "rotating%s 2 1500 fork",
	             flavours[_i].environment, flavours[_i].suffix));
	ck_assert_str_eq(r.err, "");
	last = rotated_follow("t", ROTATED_OLD_MAX, 64 << 10);
	rotated_has_printed(&last, r.out);
	snprintf(children, sizeof children, "%s", must(run("ls | grep '^t\\.[0-9]*$'")).out);
	for (int n = 0; n < 2; n++, at = strchr(at, '\n') + 1) {
		ck_assert_int_eq(sscanf(at, "%63s", name), 1);
		last = rotated_follow(name, ROTATED_OLD_MAX, 64 << 10);
		ck_assert_uint_gt(last.parent, 0);
		ck_assert_int_gt(rotated_oldest(name), 0);
	}
	ck_assert_str_eq(at, "");
}
END_TEST

START_TEST(what_was_released_while_tracing_was_off_is_not_live)
{
	struct file last;
	struct run r = must(run("%s " ROTATED_SETTINGS "LOG_MALLOC_OUTPUT=t LOG_MALLOC_LIMIT=64K LOG_MALLOC_KEEP=999 "
	                        "LOG_MALLOC_SIGNAL=USR2 " PROGRAMS "rotating%s 1 9000 off",
	                        flavours[_i].environment, flavours[_i].suffix));
	const struct block *own;
	char *printed = r.out;

	/* No block is released that the file does not have, and none is live that the program does not have. */
	last = rotated_read("t");
	ck_assert(last.has_first);
	own = last.last.list;
	for (size_t i = 0; i < last.last.count; i++) {
		char line[64];

		if (own[i].size < 3000 || own[i].size >= 3500)
			continue;
		snprintf(line, sizeof line, "0x%llx %llu\n", (unsigned long long)own[i].address,
		         (unsigned long long)own[i].size);
		ck_assert_msg(strstr(printed, line), "%s", line);
	}
}
END_TEST

/* As long as it does not fit, no allocations are taken; then the trace goes on. */
START_TEST(too_much_that_is_live_is_told)
{
	static const char told[] = "of a trace whose limit is 131072; it takes no more allocations until less is live. "
				   "Its limit should be ";
	char settings[256];
	struct file last;
	struct run r;

	snprintf(settings, sizeof settings,
	         ROTATED_SETTINGS "LOG_MALLOC_FORMAT=%s LOG_MALLOC_LIMIT=128K LOG_MALLOC_KEEP=999", formats[_i]);
	r = must(run_traced(0, settings, "rotating", "1 6000 loud"));
	ck_assert_msg(strstr(r.err, told), "%s", r.err);
	ck_assert_msg(strchr(r.err, '\n') == r.err + strlen(r.err) - 1, "%s", r.err);
	last = rotated_read("trace");
	ck_assert_int_eq(last.ending, TRACE_FINISHED);
	/* Some file says that it took no more, and the one behind it how many allocations are missing. */
	ck_assert_int_ge(atoi(run("cat trace trace.old-* | grep -ao '# LIMIT 131072' | wc -l").out), 1);
	ck_assert_int_ge(atoi(run("cat trace trace.old-* | grep -ao '# LOST [0-9]' | wc -l").out), 1);
	/* Releases of what it has are written all the same. */
	ck_assert_str_eq(run("find . -name 'trace*' -size +400k").out, "");
}
END_TEST

/* What was not taken is not in the list of a later file either, so each of them says that it is missing. */
START_TEST(blocks_that_stay_and_were_not_taken_are_told_in_each_file)
{
	char settings[256];
	struct file last;

	snprintf(settings, sizeof settings,
	         ROTATED_SETTINGS "LOG_MALLOC_FORMAT=%s LOG_MALLOC_LIMIT=128K LOG_MALLOC_KEEP=999", formats[_i]);
	must(run_traced(0, settings, "rotating", "1 18000 hoard"));
	last = rotated_read("trace");
	ck_assert_int_eq(last.ending, TRACE_FINISHED);
	ck_assert_uint_eq(last.lost, 10);
	/* What was told once is not told again when it is gone. */
	must(run_traced(0, settings, "rotating", "1 18000 loud"));
	ck_assert_uint_eq(rotated_read("trace").lost, 0);
}
END_TEST

/* Two libraries, one after the other at the same place: each allocates a block that stays, and is unloaded. */
static const char unloads[] =
	"#include <dlfcn.h>\n"
	"#include <stdlib.h>\n"
	"static void use(const char *path, unsigned long size) {\n"
	"void *library = dlopen(path, RTLD_NOW), *(*allocate)(unsigned long);\n"
	"*(void **)&allocate = dlsym(library, \"allocate\"); if (!allocate(size)) abort(); dlclose(library); }\n"
	"int main(void) { use(\"./first.so\", 2100); use(\"./second.so\", 2200);\n"
	"for (int i = 0; i < 4000; i++) { void *volatile p = malloc(3000); free(p); }\n"
	"return 0; }\n";

static const char library[] = "#include <stdlib.h>\n"
			      "static __attribute__((noinline)) void *NAME(unsigned long n) { return malloc(n); }\n"
			      "void *allocate(unsigned long n) { void *volatile p = NAME(n); return p; }\n";

START_TEST(code_that_was_unloaded_keeps_its_name)
{
	struct file last;
	size_t found = 0;

	write_file("unloads.c", unloads, sizeof unloads - 1);
	write_file("library.c", library, sizeof library - 1);
	must(run("for n in first second; do ${CC:-gcc} -g -O0 -fPIC -shared -DNAME=in_$n -o $n.so library.c || exit; "
	         "done; ${CC:-gcc} -o unloads unloads.c -ldl; " LM
	         " -q --sample 1 --%s --limit 64K --keep 2 -o t ./unloads; [ -e t.old-1 ]",
	         formats[_i]));
	last = rotated_follow("t", 2, 64 << 10);
	for (size_t i = 0; i < last.last.count; i++) {
		const struct block *block = &last.last.list[i];
		const char *name = block->size == 2100 ? "/first.so" : "/second.so";

		if (block->size != 2100 && block->size != 2200)
			continue;
		ck_assert_msg(strstr(block->frames, name), "%s", block->frames);
		found++;
	}
	ck_assert_uint_eq(found, 2);
}
END_TEST

/* ---- kills ---- */

/* At any moment, each name leads to a whole file. */
START_TEST(a_kill_leaves_whole_files)
{
	for (int i = 0; i < 6; i++) {
		struct file last;

		must(run("rm -f t*; env %s " ROTATED_SETTINGS
		         "LOG_MALLOC_OUTPUT=t LOG_MALLOC_LIMIT=16K LOG_MALLOC_KEEP=8 "
		         "LOG_MALLOC_FORMAT=packed " PROGRAMS "rotating%s 2 1 forever & "
		         "until [ -e t.old-3 ]; do sleep 0.01; done; sleep 0.0$((RANDOM %% 50)); "
		         "kill -9 $!; wait $!; [ $? = 137 ]",
		         flavours[_i].environment, flavours[_i].suffix));
		last = rotated_follow("t", 8, 16 << 10);
		ck_assert_int_ne(last.ending, TRACE_FINISHED);
	}
	/* What a kill left of a file is replaced. */
	must(run("echo left >t.next; env %s " ROTATED_SETTINGS "LOG_MALLOC_OUTPUT=t LOG_MALLOC_LIMIT=64K " PROGRAMS
	         "rotating%s 1 4000; [ ! -e t.next ]",
	         flavours[_i].environment, flavours[_i].suffix));
	rotated_follow("t", 1, 64 << 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rotate");

	TIMES(each_file_begins_with_what_was_live, FLAVOURS * FORMATS);
	TIMES(threads_that_follow_each_other_are_told_apart, FLAVOURS * FORMATS);
	ONCE(as_many_older_files_stay_as_the_user_wants);
	TIMES(the_end_of_the_program_is_below_the_limit, FORMATS);
	TIMES(the_image_behind_exec_goes_on, 2 * FLAVOURS);
	TIMES(a_child_that_executes_late_leaves_the_older_files_alone, 2);
	EACH(each_followed_child_has_files_of_its_own);
	EACH(what_was_released_while_tracing_was_off_is_not_live);
	TIMES(too_much_that_is_live_is_told, FORMATS);
	TIMES(blocks_that_stay_and_were_not_taken_are_told_in_each_file, FORMATS);
	TIMES(code_that_was_unloaded_keeps_its_name, FORMATS);
	EACH(a_kill_leaves_whole_files);
	return run_suite(suite);
}
