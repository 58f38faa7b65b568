/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a trace says of threads: whose each event is, and what the thread is called at that moment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flavours.h"
#include "heap.h"
#include "support.h"
#include "trace.h"

/* As in naming.c. */
enum { BASE = 100000 };

/* Each test runs in every flavour and format. */
enum { FORMATS = 3, PACKED = 2 };

static const char *const formats[FORMATS] = {"full", "compact", "packed"};

static int flavour_of(int i)
{
	return i / FORMATS;
}

static void run_program(int i, const char *settings, const char *program, const char *arguments)
{
	char all[200];
	struct run traced;

	snprintf(all, sizeof all, "LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=%s %s", formats[i % FORMATS], settings);
	traced = run_traced(flavour_of(i), all, program, arguments);
	ck_assert_msg(traced.status == 0, "%s: status %d, %s", all, traced.status, traced.err);
}

/* The traces are text then, packed ones by the word of log-malloc-cat. */
static void run_naming(int i, const char *settings, const char *arguments)
{
	run_program(i, settings, "naming", arguments);
	if (i % FORMATS == PACKED)
		must(run("for t in trace*; do mv $t packed && $B/log-malloc-cat packed >$t || exit; done"));
}

/* The numbers and names of the "# THREAD" lines of TRACE, in order. */
static const char *names_of(const char *trace)
{
	return must(run("sed -nE 's/^# THREAD ([0-9]+) [0-9]+ /\\1 /p' %s", trace)).out;
}

/* The main thread's name is the program's. */
static void names_are(int i, const char *trace, const char *behind_main)
{
	const char *names = names_of(trace);
	char main[100];

	snprintf(main, sizeof main, "1 naming%s\n", flavours[flavour_of(i)].suffix);
	/* The kernel keeps fifteen bytes. */
	if (strlen(main) > strlen("1 ") + 16)
		strcpy(main + strlen("1 ") + 15, "\n");
	ck_assert_msg(strncmp(names, main, strlen(main)) == 0, "%s instead of %s", names, main);
	ck_assert_str_eq(names + strlen(main), behind_main);
}

START_TEST(a_single_thread_is_named_once_and_not_in_its_events)
{
	run_naming(_i, "", "alone");
	names_are(_i, "trace", "");
	ck_assert_int_ne(run("grep -q thread= trace").status, 0);
	must(run("test \"$(grep -oE '^(# THREAD|\\+ INIT)' trace | head -2 | tr '\\n' ,)\" = '# THREAD,+ INIT,'"));
	must(run("test \"$(sed -nE 's/^# PID //p' trace)\" = \"$(sed -nE 's/^# THREAD 1 ([0-9]+) .*/\\1/p' trace)\""));
}
END_TEST

START_TEST(a_new_name_is_told)
{
	run_naming(_i, "", "late");
	names_are(_i, "trace", "2 early\n2 renamed\n");
	/* The first five thousand events have the first name. */
	ck_assert_str_eq(must(run("sed '/renamed$/q' trace | grep -c '^+ malloc 100001 '")).out, "5000\n");
	/* Of the second five thousand, most have the second name. */
	must(run("test $(sed '1,/renamed$/d' trace | grep -cE '^\\+ malloc 100002 .* thread=2( |$)') -gt 3000"));
}
END_TEST

START_TEST(a_name_can_have_any_byte)
{
	run_naming(_i, "", "odd");
	names_are(_i, "trace", "2 a\\012b\\134c\\040\n");
}
END_TEST

/* ---- many threads ---- */

struct told {
	uint64_t calls;    /* of threads that naming.c numbers */
	uint64_t named;    /* threads */
	uint32_t greatest; /* of their numbers */
};

/* Thread I of naming.c has a block of BASE + I bytes, and the name tI. The main thread's are one byte smaller. */
static void look_at_block(const struct threads *threads, const struct event *event, uint64_t size, struct told *told)
{
	const struct thread *thread = threads_get(threads, event->by);
	char expected[THREADS_NAME];

	ck_assert_uint_eq(thread->number, event->thread);
	if (size == BASE - 1)
		ck_assert_uint_eq(event->thread, 1);
	if (size < BASE)
		return;
	snprintf(expected, sizeof expected, "t%d", (int)(size - BASE));
	ck_assert_msg(strcmp(thread->name, expected) == 0, "%s's block is %s's", expected, thread->name);
	told->calls++;
}

/* Each thread releases its own blocks. Packed traces do not tell the size of a release. */
static void look_at(const struct threads *threads, struct heap *heap, const struct trace_item *item, struct told *told)
{
	const struct event *event = &item->event;
	const struct heap_block *block = parse_is_free(event->call) ? heap_find(heap, event->pointer) : NULL;

	if (block || !parse_is_free(event->call))
		look_at_block(threads, event, block ? block->size : event->size, told);
	ck_assert_int_eq(heap_apply(heap, event, item->stack, item->line), 0);
}

static void look_at_all(const struct threads *threads, struct told *told)
{
	told->named = threads->count - 1;
	for (size_t i = 1; i < threads->count; i++) {
		uint32_t number = threads_get(threads, (uint32_t)i)->number;

		told->greatest = number > told->greatest ? number : told->greatest;
	}
}

static struct told read_told(void)
{
	static struct trace trace;
	struct told told = {0};
	struct heap heap = {0};
	struct trace_item item;
	char path[4096];

	snprintf(path, sizeof path, "%s/trace", scratch());
	ck_assert_int_eq(trace_open(&trace, path, NULL), 0);
	while (trace_next(&trace, &item) == 1) {
		if (item.kind == TRACE_CALL)
			look_at(&trace.image.threads, &heap, &item, &told);
		else if (item.kind == TRACE_END)
			look_at_all(&trace.image.threads, &told);
	}
	heap_free(&heap);
	trace_close(&trace);
	return told;
}

START_TEST(each_of_many_threads_has_a_number_of_its_own)
{
	struct told told;

	run_program(_i, "", "naming", "crowd 200");
	told = read_told();
	ck_assert_uint_eq(told.named, 201);
	ck_assert_uint_eq(told.greatest, 201);
	ck_assert_uint_eq(told.calls, 200 * 6);
	/* The main thread's last event says whose it is. */
	ck_assert_str_eq(
		must(run("$B/log-malloc-cat trace | grep '^+ free -99999' | tail -1 | grep -o ' thread=[0-9]*'")).out,
		" thread=1\n");
}
END_TEST

START_TEST(numbers_of_threads_that_are_gone_are_given_again)
{
	struct told told;

	run_program(_i, "", "naming", "row 10000");
	told = read_told();
	ck_assert_uint_eq(told.named, 10001);
	ck_assert_uint_le(told.greatest, 50);
	ck_assert_uint_eq(told.calls, 10000 * 6);
}
END_TEST

/* ---- reports ---- */

START_TEST(reports_tell_what_each_thread_did)
{
	static const char all[] = ".threads[]|select(.thread.name|test(\"^(mak|tak)er$\"))|"
				  "[.thread.name,.calls,.allocated,.peak,.leaked,.temporary,.released_others]|flatten|"
				  "map(if type==\"object\" then (.count,.bytes) else . end)";

	run_program(_i, "", "crew", "");
	json_is("log-malloc-report", "--by=calls trace", all,
	        "[\"maker\",140,120,101000,101,100050,35,35000,20,1000,0,0]\n"
	        "[\"taker\",100,20,1000,1,50,0,0,20,1000,60,60000]\n");
	json_is("log-malloc-report", "trace", ".pid as $pid|.threads[]|select(.thread.number==1)|.thread.tid==$pid",
	        "true\n");
	json_is("log-malloc-report", "trace", ".threads[]|select(.thread.number==1)|.released_others",
	        "{\"count\":5,\"bytes\":5000}\n");
	/* Text has the same numbers. */
	must(run("$B/log-malloc-report --by-thread trace | "
	         "grep -qx '    140    101000  100050   35000      35      20       0  *[0-9]* maker'"));
	must(run("$B/log-malloc-report --by-thread trace | "
	         "grep -qx '    100      1000      50       0       0      20      60  *[0-9]* taker'"));
	must(run("! $B/log-malloc-report --by-thread trace | sed -n '/^THREADS/,/^$/p' | grep -q '.\\{81\\}'"));
}
END_TEST

START_TEST(backtraces_have_their_thread_if_it_is_one)
{
	run_program(_i, "", "crew", "");
	json_is("log-malloc-report", "--by=calls trace",
	        "[.consumers[]|select(.bytes==100000 or .bytes==2000)|[.count,.thread.name]]",
	        "[[100,\"maker\"],[40,null]]\n");
	json_is("log-malloc-report", "--split-threads --by=calls trace",
	        "[.consumers[]|select(.bytes==1000)|[.count,.temporary.count,.thread.name]]|sort",
	        "[[20,20,\"maker\"],[20,20,\"taker\"]]\n");
	json_is("log-malloc-findleak", "trace", "[.leaks[]|select(.bytes==35000)|[.count,.thread.name]]",
	        "[[35,\"maker\"]]\n");
}
END_TEST

/* ---- fork ---- */

START_TEST(a_childs_trace_names_its_threads_anew)
{
	const char *child;

	run_naming(_i, "LOG_MALLOC_FOLLOW=1", "fork");
	names_are(_i, "trace", "2 forker\n");
	child = must(run("ls trace.[0-9]* | tr -d '\\n'")).out;
	ck_assert_str_eq(names_of(child), "2 forker\n1 born\n");
	must(run("test $(sed -nE 's/^# PID //p' %s) = $(sed -nE 's/^# THREAD 2 ([0-9]+) .*/\\1/p' %s)", child, child));
	/* The thread that begins the child's trace is the only one until the second comes. */
	must(run("grep -qE '^\\+ malloc 100000 [^=]*( bt=[0-9]+)?( #[0-9 ]+)?$' %s", child));
	must(run("grep -qE '^\\+ malloc 100001 .* thread=1( #[0-9 ]+)?$' %s", child));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("threads");

	TIMES(a_single_thread_is_named_once_and_not_in_its_events, FLAVOURS * FORMATS);
	TIMES(a_new_name_is_told, FLAVOURS * FORMATS);
	TIMES(a_name_can_have_any_byte, FLAVOURS * FORMATS);
	TIMES(each_of_many_threads_has_a_number_of_its_own, FLAVOURS * FORMATS);
	TIMES(numbers_of_threads_that_are_gone_are_given_again, FLAVOURS * FORMATS);
	TIMES(reports_tell_what_each_thread_did, FLAVOURS * FORMATS);
	TIMES(backtraces_have_their_thread_if_it_is_one, FLAVOURS * FORMATS);
	TIMES(a_childs_trace_names_its_threads_anew, FLAVOURS * FORMATS);
	return run_suite(suite);
}
