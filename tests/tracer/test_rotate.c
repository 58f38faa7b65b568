/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sampled trace with a limit goes on in new files. What a file begins with is exactly what was live at the end of the
 * file before: the same blocks, of the same sizes, threads and backtraces. A mean distance of a byte puts each block
 * into the sample, so the last file has what the program says is live.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "flavours.h"
#include "heap.h"
#include "support.h"
#include "trace.h"

static const char *const formats[] = {"full", "compact", "packed"};

enum { FORMATS = sizeof formats / sizeof *formats, OLD_MAX = 999 };

#define SETTINGS "LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=1 "

/* ---- what a file has ---- */

struct block {
	uint64_t address, size, tid;
	char *frames; /* the lines of its backtrace */
};

struct blocks {
	struct block *list;
	size_t count;
};

struct file {
	struct blocks first, last; /* what was live at its begin and at its end, by address */
	bool has_first;            /* it says what was live at its begin */
	bool is_torn;              /* a kill came in the middle of a record */
	uint64_t images, malformed, lost, events, limit, parent;
	enum trace_ending ending;
	long long size;
};

static char *frames_of(const struct trace *trace, uint32_t number)
{
	const struct stacks *stacks = &trace->image.stacks;
	struct stack stack = number == STACK_NONE ? (struct stack){.depth = 0} : stacks_get(stacks, number);
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < stack.depth; i++) {
		struct stacks_frame frame = stacks_frame_at(stacks, stack.frames[i]);

		fprintf(out, "%.*s\n", (int)frame.len, frame.text);
	}
	fclose(out);
	return text;
}

static int by_address(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/* What HEAP has now. Nothing of an earlier image stays. */
static struct blocks live_in(const struct trace *trace, const struct heap *heap)
{
	struct blocks blocks = {.list = calloc(heap->blocks + 1, sizeof *blocks.list)};
	const struct heap_block *block;
	size_t position = 0;

	ck_assert_ptr_nonnull(blocks.list);
	while ((block = heap_next(heap, &position)))
		blocks.list[blocks.count++] =
			(struct block){.address = block->address,
		                       .size = block->size,
		                       .tid = threads_get(&trace->image.threads, block->thread)->tid,
		                       .frames = frames_of(trace, block->stack)};
	qsort(blocks.list, blocks.count, sizeof *blocks.list, by_address);
	return blocks;
}

static void take_item(struct file *file, struct heap *heap, const struct trace *trace, const struct trace_item *item)
{
	if (item->kind == TRACE_INIT) {
		heap_free(heap);
		file->images++;
	}
	if (item->kind == TRACE_CALL) {
		file->events += !item->event.is_live;
		each_holds(heap_apply(heap, &item->event, item->stack, item->line) == 0);
	}
	/* Nothing was live, so no list follows: a full disk may have lost all. */
	if (item->kind == TRACE_INFO && trace->record.info == INFO_LIVE && trace->record.number == 0)
		file->has_first |= file->images == 1;
	if (item->kind == TRACE_CALL && trace->image.events == 1 + heap->counts.allocated && item->event.is_live &&
	    !trace->image.live_left) {
		if (file->images == 1)
			file->first = live_in(trace, heap);
		file->has_first |= file->images == 1;
	}
	if (item->kind != TRACE_END)
		return;
	/* A release is one of a block that the file has, and no address is allocated twice. */
	if (!trace->image.lost) {
		ck_assert_uint_eq(heap->counts.unknown, 0);
		ck_assert_uint_eq(heap->counts.replaced, 0);
	}
	ck_assert_uint_eq(heap->counts.foreign, 0);
	file->last = live_in(trace, heap);
	file->ending = trace->image.ending;
	file->lost = trace->image.lost;
	file->limit = trace->image.is_limited ? trace->image.limit : 0;
	file->parent = trace->image.parent;
}

static struct file file_read(const char *path)
{
	struct file file = {.images = 0};
	struct heap heap = {.blocks = 0};
	struct trace_item item;
	struct trace trace;
	char full[2 * PATH_MAX];
	struct stat st;
	int got;

	snprintf(full, sizeof full, "%s/%s", scratch(), path);
	ck_assert_msg(stat(full, &st) == 0 && trace_open(&trace, full, NULL) == 0, "%s", path);
	trace.with_lines = true;
	while ((got = trace_next(&trace, &item)) > 0)
		take_item(&file, &heap, &trace, &item);
	ck_assert_int_eq(got, 0);
	file.malformed = trace.malformed;
	file.is_torn = trace.ends_early;
	file.size = (long long)st.st_size;
	trace_close(&trace);
	heap_free(&heap);
	return file;
}

static void are_same(const struct blocks *ended, const struct blocks *began, const char *path)
{
	ck_assert_msg(ended->count == began->count, "%s: %zu blocks, not %zu", path, began->count, ended->count);
	for (size_t i = 0; i < ended->count; i++) {
		const struct block *a = &ended->list[i], *b = &began->list[i];

		if (a->address != b->address || a->size != b->size || a->tid != b->tid || strcmp(a->frames, b->frames))
			ck_abort_msg("%s: 0x%llx %llu of %llu\n%s, not 0x%llx %llu of %llu\n%s", path,
			             (unsigned long long)b->address, (unsigned long long)b->size,
			             (unsigned long long)b->tid, b->frames, (unsigned long long)a->address,
			             (unsigned long long)a->size, (unsigned long long)a->tid, a->frames);
	}
}

/* The number of the oldest file of the trace PATH, or 0. */
static int count_old(const char *path)
{
	return atoi(must(run("ls | sed -n 's/^%s\\.old-//p' | sort -n | tail -n 1", path)).out);
}

static bool is_there(const char *path)
{
	char full[2 * PATH_MAX];
	struct stat st;

	snprintf(full, sizeof full, "%s/%s", scratch(), path);
	return stat(full, &st) == 0;
}

/*
 * A kill behind the exchange of the names leaves the youngest older file of PATH as NAME. But in front of it, this name
 * is that of a newer file, and the trace says that it goes on there.
 */
static bool find_exchanged(const char *path, char name[PATH_MAX])
{
	snprintf(name, PATH_MAX, "%s.next", path);
	return is_there(name) && file_read(path).ending != TRACE_CONTINUED;
}

/*
 * Each file of the trace PATH, the oldest first, begins with what the one before ended with, and is no larger than
 * LIMIT. Returns the youngest.
 */
static struct file files_follow_each_other(const char *path, int keep, long long limit)
{
	const int count = count_old(path);
	struct file before = {.images = 0}, file;
	char name[PATH_MAX];

	ck_assert_int_le(count, keep);
	for (int number = count; number >= 0; number--) {
		if (number)
			snprintf(name, sizeof name, "%s.old-%d", path, number);
		else
			snprintf(name, sizeof name, "%s", path);
		/* A kill while the names move on by one leaves one of them free. */
		if (!is_there(name) && !(number == 1 && find_exchanged(path, name)))
			continue;
		file = file_read(name);
		ck_assert_msg(file.malformed == 0, "%s", name);
		if (number < count) {
			ck_assert_msg(file.has_first, "%s", name);
			are_same(&before.last, &file.first, name);
		}
		if (number) {
			ck_assert_msg(file.ending == TRACE_CONTINUED, "%s: %d", name, (int)file.ending);
			ck_assert_msg(file.size > limit / 2, "%s: %lld", name, file.size);
		}
		ck_assert_msg(file.size <= limit, "%s: %lld", name, file.size);
		before = file;
	}
	return file;
}

/* The blocks from 3000 to 3499 bytes that FILE ended with are those that the program printed. */
static void has_what_is_printed(const struct file *file, const char *printed)
{
	size_t count = 0, own = 0;
	unsigned long long address;
	unsigned size;
	int length;

	for (; sscanf(printed, "%llx %u\n%n", &address, &size, &length) == 2; printed += length, count++) {
		const struct block wanted = {.address = address};
		const struct block *found =
			bsearch(&wanted, file->last.list, file->last.count, sizeof wanted, by_address);

		ck_assert_msg(found && found->size == size, "0x%llx %u", address, size);
	}
	ck_assert_str_eq(printed, "");
	for (size_t i = 0; i < file->last.count; i++)
		own += file->last.list[i].size >= 3000 && file->last.list[i].size < 3500;
	ck_assert_uint_eq(count, own);
	ck_assert_uint_gt(count, 0);
}

/* ---- files follow each other ---- */

/* The program, with ARGUMENTS, goes on in new files, and each begins as the one before ended. I: flavour and format. */
static void files_follow(int i, const char *arguments)
{
	const int flavour = i / FORMATS;
	char settings[256];
	struct file last;
	struct run r;

	snprintf(settings, sizeof settings, SETTINGS "LOG_MALLOC_FORMAT=%s LOG_MALLOC_LIMIT=128K LOG_MALLOC_KEEP=%d",
	         formats[i % FORMATS], OLD_MAX);
	r = must(run_traced(flavour, settings, "rotating", arguments));
	ck_assert_str_eq(r.err, "");
	last = files_follow_each_other("trace", OLD_MAX, 128 << 10);
	ck_assert_int_ge(count_old("trace"), 2);
	ck_assert_int_eq(last.ending, TRACE_FINISHED);
	has_what_is_printed(&last, r.out);
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

		last = files_follow_each_other("t", keep, 64 << 10);
		has_what_is_printed(&last, r.out);
		ck_assert_int_eq(count_old("t"), keep);
	}
	/* One is the default. What an earlier run left is not this run's. */
	must(run(LM " -q --sample 1 --limit 64K -o t " PROGRAMS "rotating 1 4000; touch t.next"));
	ck_assert_int_eq(count_old("t"), 1);
	must(run(LM " -q --sample 1 --limit 64M -o t true"));
	ck_assert_str_eq(run("ls t*").out, "t\n");
}
END_TEST

/* The last lines have the memory map. Where the file has no room for it, it has to be in a new one. */
START_TEST(the_end_of_the_program_is_below_the_limit)
{
	for (int rounds = 1000; rounds < 1500; rounds += 50) {
		struct run r =
			must(run("rm -f t*; " LM " -q --sample 1 --limit 64K --%s -o t " PROGRAMS "rotating 1 %d maps",
		                 formats[_i], rounds));
		struct file last = files_follow_each_other("t", 1, 64 << 10);

		ck_assert_int_eq(last.ending, TRACE_FINISHED);
		has_what_is_printed(&last, r.out);
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
	last = files_follow_each_other("t", OLD_MAX, 96 << 10);
	ck_assert_int_eq(last.ending, TRACE_FINISHED);
	has_what_is_printed(&last, r.out);
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
	last = files_follow_each_other("t", OLD_MAX, 96 << 10);
	has_what_is_printed(&last, r.out);
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
	last = files_follow_each_other("t", OLD_MAX, 64 << 10);
	has_what_is_printed(&last, r.out);
	snprintf(children, sizeof children, "%s", must(run("ls | grep '^t\\.[0-9]*$'")).out);
	for (int n = 0; n < 2; n++, at = strchr(at, '\n') + 1) {
		ck_assert_int_eq(sscanf(at, "%63s", name), 1);
		last = files_follow_each_other(name, OLD_MAX, 64 << 10);
		ck_assert_uint_gt(last.parent, 0);
		ck_assert_int_gt(count_old(name), 0);
	}
	ck_assert_str_eq(at, "");
}
END_TEST

START_TEST(what_was_released_while_tracing_was_off_is_not_live)
{
	struct file last;
	struct run r = must(run("%s " SETTINGS "LOG_MALLOC_OUTPUT=t LOG_MALLOC_LIMIT=64K LOG_MALLOC_KEEP=999 "
	                        "LOG_MALLOC_SIGNAL=USR2 " PROGRAMS "rotating%s 1 9000 off",
	                        flavours[_i].environment, flavours[_i].suffix));
	const struct block *own;
	char *printed = r.out;

	/* No block is released that the file does not have, and none is live that the program does not have. */
	last = file_read("t");
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

	snprintf(settings, sizeof settings, SETTINGS "LOG_MALLOC_FORMAT=%s LOG_MALLOC_LIMIT=128K LOG_MALLOC_KEEP=999",
	         formats[_i]);
	r = must(run_traced(0, settings, "rotating", "1 6000 loud"));
	ck_assert_msg(strstr(r.err, told), "%s", r.err);
	ck_assert_msg(strchr(r.err, '\n') == r.err + strlen(r.err) - 1, "%s", r.err);
	last = file_read("trace");
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

	snprintf(settings, sizeof settings, SETTINGS "LOG_MALLOC_FORMAT=%s LOG_MALLOC_LIMIT=128K LOG_MALLOC_KEEP=999",
	         formats[_i]);
	must(run_traced(0, settings, "rotating", "1 18000 hoard"));
	last = file_read("trace");
	ck_assert_int_eq(last.ending, TRACE_FINISHED);
	ck_assert_uint_eq(last.lost, 10);
	/* What was told once is not told again when it is gone. */
	must(run_traced(0, settings, "rotating", "1 18000 loud"));
	ck_assert_uint_eq(file_read("trace").lost, 0);
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
	last = files_follow_each_other("t", 2, 64 << 10);
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

		must(run("rm -f t*; env %s " SETTINGS "LOG_MALLOC_OUTPUT=t LOG_MALLOC_LIMIT=16K LOG_MALLOC_KEEP=8 "
		         "LOG_MALLOC_FORMAT=packed " PROGRAMS "rotating%s 2 1 forever & "
		         "until [ -e t.old-3 ]; do sleep 0.01; done; sleep 0.0$((RANDOM %% 50)); "
		         "kill -9 $!; wait $!; [ $? = 137 ]",
		         flavours[_i].environment, flavours[_i].suffix));
		last = files_follow_each_other("t", 8, 16 << 10);
		ck_assert_int_ne(last.ending, TRACE_FINISHED);
	}
	/* What a kill left of a file is replaced. */
	must(run("echo left >t.next; env %s " SETTINGS "LOG_MALLOC_OUTPUT=t LOG_MALLOC_LIMIT=64K " PROGRAMS
	         "rotating%s 1 4000; [ ! -e t.next ]",
	         flavours[_i].environment, flavours[_i].suffix));
	files_follow_each_other("t", 1, 64 << 10);
}
END_TEST

#define OLDER "printf '# PID 1\\n+ INIT [0:0] malloc=0\\n# CONTINUED\\n' >"

/* Also one that has no older files itself: they would be taken for its own. */
START_TEST(a_new_trace_removes_the_older_files_of_the_one_before)
{
	static const char *const settings[] = {SETTINGS "LOG_MALLOC_LIMIT=64K", "LOG_MALLOC_QUIET=1"};

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
	r = must(run("rm -rf t* other; %s %s " SETTINGS
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

START_TEST(the_launcher_says_in_the_newest_file_what_killed_it)
{
	/* Not while it begins a file: then there can be an older one less. */
	struct run r =
		run(LM " --sample 1 --limit 64K --keep 2 -o t sh -c 'exec " PROGRAMS "rotating 1 4000 stay >said' & "
	               "until [ -s said ]; do sleep 0.02; done; pkill -9 -P $!; wait $!");

	ck_assert_int_eq(r.status, 128 + 9);
	ck_assert_str_eq(run("grep -ac '^# KILLED 9$' t").out, "1\n");
	ck_assert_int_eq(files_follow_each_other("t", 2, 64 << 10).ending, TRACE_KILLED);
	ck_assert_msg(strstr(r.err, " in t (older: t.old-1 to t.old-2); next: log-malloc-findleak t\n"), "%s", r.err);
}
END_TEST

START_TEST(a_mark_that_can_not_be_asked_for_has_the_reason)
{
	struct run r =
		run(LM " -q --sample 1 --limit 64K -o t sh -c 'exec " PROGRAMS "rotating 1 400 stay >said' & "
	               "until [ -s said ]; do sleep 0.02; done; $B/log-malloc-mark t now 2>err; pkill -9 -P $!; "
	               "wait $!; grep -q 'it has no journal: .* a sampled trace with a limit, ' err && echo told");

	ck_assert_str_eq(r.out, "told\n");
}
END_TEST

/* The memory map of the end begins a new file, in which nothing happens. */
START_TEST(the_launcher_knows_that_older_files_have_the_events)
{
	struct run r = must(run(LM " --sample 1 --limit 40K -o t " PROGRAMS "rotating 1 200 maps >said"));

	ck_assert_uint_eq(file_read("t").events, 0);
	ck_assert_msg(strstr(r.err, "log-malloc: 0 events, ") && strstr(r.err, " in t (older: t.old-1); next: "), "%s",
	              r.err);
}
END_TEST

/* The launcher's descriptor is that of an older file, and the newest one is gone. */
START_TEST(a_newest_file_that_is_gone_is_no_program_that_was_not_traced)
{
	struct run r = must(run(LM " --sample 1 --limit 64K --keep 9 -o t " PROGRAMS "rotating 1 1000 lose >said"));

	ck_assert_msg(strstr(r.err, " in t (older: t.old-1") && strstr(r.err, ", which was moved to "), "%s", r.err);
	ck_assert_msg(!strstr(r.err, "was not traced"), "%s", r.err);
}
END_TEST

/* ---- where no new file can be begun ---- */

START_TEST(a_trace_without_a_file_of_its_own_takes_no_more)
{
	static const char told[] =
		"log-malloc2: at its limit, the trace takes no more allocations: it is no file of its "
		"own with a name, which could go on in a new one\n";
	struct run r;

	r = must(run("%s " SETTINGS "LOG_MALLOC_LIMIT=64K " PROGRAMS "rotating%s 1 4000 1022> >(cat >t) >/dev/null",
	             flavours[_i].environment, flavours[_i].suffix));
	ck_assert_msg(strstr(r.err, told) == r.err, "%s", r.err);
	r = must(run("echo '# mine' >t; %s " SETTINGS "LOG_MALLOC_LIMIT=64K " PROGRAMS
	             "rotating%s 1 4000 1022>>t >/dev/null; head -n 1 t; ls t*; grep -c '^# LIMIT 65536$' t",
	             flavours[_i].environment, flavours[_i].suffix));
	ck_assert_msg(strstr(r.err, told) == r.err, "%s", r.err);
	ck_assert_str_eq(r.out, "# mine\nt\n1\n");
}
END_TEST

/* Root may write everywhere but where there is a directory in the way. */
START_TEST(a_directory_that_is_not_ours_to_write_to_is_told)
{
	struct run r = must(run("mkdir t.next; %s " SETTINGS "LOG_MALLOC_OUTPUT=t LOG_MALLOC_LIMIT=64K " PROGRAMS
	                        "rotating%s 1 4000 >/dev/null; ls -d t*; grep -c '^# LIMIT 65536$' t",
	                        flavours[_i].environment, flavours[_i].suffix));

	ck_assert_str_eq(r.out, "t\nt.next\n1\n");
	ck_assert_str_eq(r.err, "log-malloc2: the trace has reached its limit, and takes no more allocations until it "
	                        "can go on in a new file: operation not permitted\n");
	ck_assert_int_lt(file_read("t").size, 80 << 10);
}
END_TEST

/* A disk that has no room for the new file: the trace goes on when it has. */
START_TEST(a_full_disk_is_waited_for)
{
	struct file last;
	struct run r = run(
		"mkdir -p disk && mount -t tmpfs -o size=400k tmpfs disk || exit 77; "
		"%s " SETTINGS "LOG_MALLOC_OUTPUT=disk/t LOG_MALLOC_LIMIT=100K " PROGRAMS "rotating%s 2 1 forever & "
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
	last = file_read("t");
	ck_assert_uint_eq(last.malformed, 0);
	ck_assert(last.has_first);
}
END_TEST

/* As when a full disk has lost all that is live. In static programs, the C library has blocks of its own. */
START_TEST(a_file_can_begin_with_nothing_that_is_live)
{
	struct file last;

	must(run("%s " SETTINGS
	         "LOG_MALLOC_OUTPUT=t LOG_MALLOC_LIMIT=64K LOG_MALLOC_AT=failed LOG_MALLOC_FORMAT=%s " PROGRAMS
	         "triggers alloc:2:1024 free:2 failing alloc:1:1; grep -aqx '# LIVE 0 *' t",
	         flavours[0].environment, formats[_i]));
	last = file_read("t");
	ck_assert(last.has_first);
	ck_assert_uint_eq(last.first.count, 0);
	ck_assert_uint_eq(last.last.count, 1);
	ck_assert_uint_eq(last.malformed, 0);
	ck_assert_uint_eq(file_read("t.at-failed").last.count, 0);
}
END_TEST

/* Allocations that a full disk lost are in no later list either, so each later file tells of those that are live. */
START_TEST(blocks_that_a_full_disk_lost_are_told_in_each_file)
{
	struct file last, older;
	struct run r = run("mkdir -p disk && mount -t tmpfs -o size=400k tmpfs disk || exit 77; "
	                   "%s " SETTINGS "LOG_MALLOC_OUTPUT=disk/t LOG_MALLOC_LIMIT=64K LOG_MALLOC_FORMAT=%s " PROGRAMS
	                   "rotating%s 1 18000 full >said; s=$?; cp disk/t disk/t.old-1 .; umount disk; exit $s",
	                   flavours[0].environment, formats[_i], flavours[0].suffix);

	if (r.status == 77) {
		skip("blocks_that_a_full_disk_lost_are_told_in_each_file", "nothing can be mounted here");
		return;
	}
	must(r);
	last = files_follow_each_other("t", 1, 64 << 10);
	older = file_read("t.old-1");
	ck_assert_uint_eq(last.lost, 10);
	ck_assert_uint_eq(older.lost, 10);
	ck_assert_str_eq(run("for i in t t.old-1; do $B/log-malloc-findleak -n $i | grep -o '10 events lost'; "
	                     "$B/log-malloc-report $i | grep -o '10 events lost'; done")
	                         .out,
	                 "10 events lost\n10 events lost\n10 events lost\n10 events lost\n");
}
END_TEST

/* ---- who reads them ---- */

START_TEST(the_difference_of_two_files_is_the_growth)
{
	static const char *const limits[] = {"512K", "128K", "64K"};
	struct run r;

	must(run(LM " -q --sample 100 --%s --limit %s --keep 3 -o t " PROGRAMS "rotating 1 12000 leak", formats[_i],
	         limits[_i]));
	r = must(run("$B/log-malloc-diff t.old-3 t"));
	ck_assert_msg(strstr(r.out, "OLD: t.old-3 (goes on in a newer file)\nNEW: t\n"), "%s", r.out);
	/* The first backtrace of the first group. */
	r = must(run("$B/log-malloc-diff --format json t.old-3 t | jq -r '.grown[0].backtrace[0].function'"));
	ck_assert_str_eq(r.out, "leaked\n");
	r = must(run("for f in t.old-3 t.old-2 t.old-1 t; do $B/log-malloc-findleak -n $f >/dev/null; [ $? = 1 ] && "
	             "$B/log-malloc-report $f >/dev/null && $B/log-malloc-report --format pprof $f >/dev/null && "
	             "$B/log-malloc-trackusage $f >/dev/null && $B/log-malloc-cat $f 2>/dev/null | "
	             "$B/log-malloc-findleak -n - >/dev/null; [ $? = 1 ] || echo $f; done"));
	ck_assert_str_eq(r.out, "");
}
END_TEST

START_TEST(sums_say_that_older_files_are_among_the_traces)
{
	struct run r = must(run(LM " -q --sample 1 --limit 64K --keep 2 -o t " PROGRAMS "rotating 1 4000 >said; "
	                           "$B/log-malloc-report --sum t*; echo; $B/log-malloc-report --sum t"));
	const char *told =
		strstr(r.out, "\n2 of them are older files of a trace that goes on in a newer one: what is live "
	                      "counts in each of its files\n");

	ck_assert_msg(told && !strstr(told + 9, " of them "), "%s", r.out);
}
END_TEST

/* No program was executed where the next file begins. */
START_TEST(files_behind_each_other_are_one_trace_that_goes_on)
{
	must(run(LM " -q --sample 1 --limit 64K --%s -o t " PROGRAMS "rotating 1 4000 >said", formats[_i]));
	ck_assert_str_eq(run("cat t.old-1 t | $B/log-malloc-report --format json - | jq -r .state").out,
	                 "continued\nended\n");
}
END_TEST

START_TEST(sums_over_files_say_that_they_count_blocks_several_times)
{
	static const char told[] = "the trace goes on in a newer file: what is live in several files counts in each";
	struct run r;

	must(run(LM " -q --sample 1 --limit 64K -o t " PROGRAMS "rotating 1 4000 >said"));
	r = run("$B/log-malloc-findleak -n t.old-1 t; $B/log-malloc-report --format pprof t.old-1 t >p");
	ck_assert_msg(strstr(r.out, told), "%s", r.out);
	ck_assert_msg(strstr(r.err, "log-malloc-report: t.old-1: ") && strstr(r.err, told), "%s", r.err);
	r = run("$B/log-malloc-findleak -n t.old-1; $B/log-malloc-report --format pprof t.old-1 >p");
	ck_assert(!strstr(r.out, told) && !strstr(r.err, told));
}
END_TEST

/* What is live when a file begins was not allocated in it. */
START_TEST(live_blocks_are_no_allocations_of_their_file)
{
	struct file last;
	char expected[64];

	must(run(LM " --sample 1 --%s --limit 64K -o t " PROGRAMS "rotating 2 4000 2>err", formats[_i]));
	last = file_read("t");
	ck_assert(last.has_first);
	/* The launcher counts events as the reader does. */
	snprintf(expected, sizeof expected, "log-malloc: %llu events, ", (unsigned long long)last.events);
	must(run("grep -q '^%s' err", expected));
	snprintf(expected, sizeof expected, "%zu\n", last.last.count);
	json_is("log-malloc-report", "--format json t", ".leaked.count", expected);
	must(run("$B/log-malloc-cat t >u; n=$(sed -n 's/^# LIVE //p' u); "
	         "all=$(grep -c '^+ \\(malloc\\|calloc\\|realloc\\)' u); "
	         "[ $($B/log-malloc-report --format json t | jq '.allocated.count') = $((all - n)) ]"));
}
END_TEST

/* What is live when a file begins is in use then, and does not grow in it. */
START_TEST(a_file_begins_with_what_is_in_use)
{
	must(run(LM " -q --sample 1 --%s --limit 64K -o t " PROGRAMS "rotating 1 4000 leak >said", formats[_i]));
	/* A number for what is live, one for each event, and one for the end. */
	must(run("$B/log-malloc-cat t >u; lines=$(grep -c '^+ ' u); live=$(sed -n 's/^# LIVE //p' u); "
	         "start=$($B/log-malloc-report t | sed -n 's/^  at start  *~[0-9]* blocks  *~\\([0-9]*\\) "
	         "bytes.*/\\1/p'); "
	         "$B/log-malloc-trackusage t 2>err >usage; [ $(head -n 1 usage) = \"~$start\" ] && "
	         "[ $(wc -l <usage) = $((lines - live)) ] && [ \"$($B/log-malloc-report --format massif t 2>err | "
	         "sed -n '/^snapshot=0$/,/^mem_heap_B/s/^[tm].*_*=//p' | tr '\\n' ' ')\" = \"0 $start \" ]"));
}
END_TEST

/* Their numbers alone do not tell which is older. */
START_TEST(comparing_a_newer_file_with_an_older_one_is_told)
{
	struct run r;

	must(run(LM " -q --sample 1 --limit 64K --keep 3 -o t " PROGRAMS "rotating 1 12000 leak >said"));
	/* At least a millisecond is between the beginnings of files that do not follow each other directly. */
	r = must(run("$B/log-malloc-diff t t.old-3"));
	ck_assert_str_eq(r.err, "log-malloc-diff: t.old-3 is older than t: to see what grew, name it first\n");
	r = must(run("$B/log-malloc-diff t.old-3 t"));
	ck_assert_str_eq(r.err, "");
	r = must(run(
		"$B/log-malloc-report t.old-1 t | sed -n 's/^PROCESS.*(lines 1 to [0-9]* of \\([^;)]*\\).*/\\1/p'"));
	ck_assert_str_eq(r.out, "t.old-1\nt\n");
	r = must(run("$B/log-malloc-report t | grep -c '^PROCESS '"));
	ck_assert_str_eq(r.out, "1\n");
}
END_TEST

START_TEST(all_files_are_compressed_at_the_end)
{
	struct file last;
	struct run r = must(run(LM " -q --sample 1 --limit 64K --keep 3 -o t.zst " PROGRAMS "rotating 2 4000; "
	                           "for i in '' .old-1 .old-2 .old-3; do zstd -dq <t.zst$i >u$i || echo $i; done"));

	last = files_follow_each_other("u", 3, 64 << 10);
	has_what_is_printed(&last, r.out);
}
END_TEST

/* ---- what is said ---- */

START_TEST(a_wrong_number_of_files_is_told)
{
	static const char *const wrong[] = {"--sample 1 --limit 64K --keep 0 true",
	                                    "--sample 1 --limit 64K --keep x true",
	                                    "--sample 1 --limit 64K --keep 1000 true",
	                                    "--keep 2 true",
	                                    "--keep 2 --limit 64K true",
	                                    "--keep 2 --sample 1 true"};
	struct run r;

	are_refused("log-malloc", wrong, sizeof wrong / sizeof *wrong);
	r = run_traced(0, SETTINGS "LOG_MALLOC_LIMIT=64K LOG_MALLOC_KEEP=0", "limited", "10");
	ck_assert_str_eq(r.err, "log-malloc2: LOG_MALLOC_KEEP=0 is not a number from 1 to 999; using 1\n");
	r = run_traced(0, "LOG_MALLOC_QUIET=1 LOG_MALLOC_LIMIT=64K LOG_MALLOC_KEEP=2", "limited", "10");
	ck_assert_str_eq(r.err,
	                 "log-malloc2: LOG_MALLOC_KEEP has no effect without LOG_MALLOC_SAMPLE and LOG_MALLOC_LIMIT\n");
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
	ONCE(the_launcher_says_in_the_newest_file_what_killed_it);
	ONCE(a_mark_that_can_not_be_asked_for_has_the_reason);
	ONCE(the_launcher_knows_that_older_files_have_the_events);
	ONCE(a_newest_file_that_is_gone_is_no_program_that_was_not_traced);
	EACH(a_new_trace_removes_the_older_files_of_the_one_before);
	TIMES(a_trace_without_a_limit_removes_older_files_of_every_format, 2 * FORMATS);
	ONCE(no_file_of_somebody_else_is_removed);
	EACH(a_trace_without_a_file_of_its_own_takes_no_more);
	EACH(a_directory_that_is_not_ours_to_write_to_is_told);
	EACH(a_full_disk_is_waited_for);
	TIMES(a_file_can_begin_with_nothing_that_is_live, FORMATS);
	TIMES(blocks_that_a_full_disk_lost_are_told_in_each_file, FORMATS);
	TIMES(the_difference_of_two_files_is_the_growth, FORMATS);
	ONCE(sums_say_that_older_files_are_among_the_traces);
	ONCE(sums_over_files_say_that_they_count_blocks_several_times);
	TIMES(files_behind_each_other_are_one_trace_that_goes_on, FORMATS);
	TIMES(live_blocks_are_no_allocations_of_their_file, FORMATS);
	TIMES(a_file_begins_with_what_is_in_use, FORMATS);
	ONCE(comparing_a_newer_file_with_an_older_one_is_told);
	ONCE(all_files_are_compressed_at_the_end);
	ONCE(a_wrong_number_of_files_is_told);
	return run_suite(suite);
}
