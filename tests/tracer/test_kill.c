/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Nothing is lost when a process dies: tests/programs/counting counts its calls
 * in a file that outlives it, and each that had returned has to be in the
 * trace, in its thread's order, in lines that are whole.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heap.h"
#include "packed.h"
#include "support.h"
#include "totals.h"
#include "trace.h"

/* As counting has them. */
enum { THREADS = 3, WINDOW = 32, SLOT = 8, SIZE = 5000, SIZES = 997, RESIZED = 16000 };

enum { KILLS = 5, LIFE_MAX_US = 5000 };

/* Where the trace "t" comes from. FORMAT is one of formats[]. */
static const struct way {
	const char *name, *before, *suffix, *behind;
	bool launcher;
	bool fifo; /* "t" is what a reader of the FIFO that is the trace got */
} ways[] = {
	{"preload, 1022", "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_FORMAT=%s", "", "1022>t", false, false},
	{"preload, by name", "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=t LOG_MALLOC_FORMAT=%s", "", "", false,
         false},
	{"preload, launcher", "LOG_MALLOC_FORMAT=%s $B/log-malloc -o t", "", "", true, false},
	{"static, 1022", "LOG_MALLOC_FORMAT=%s", ".static", "1022>t", false, false},
	{"static, launcher", "LOG_MALLOC_FORMAT=%s $B/log-malloc -o t", ".static", "", true, false},
	{"preload, FIFO", WITH_READER "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_FORMAT=%s", "", "", false, true},
	{"launcher, FIFO", WITH_READER "LOG_MALLOC_FORMAT=%s $B/log-malloc -o fifo", "", "", true, true},
	{"static, FIFO", WITH_READER "LOG_MALLOC_FORMAT=%s", ".static", "", false, true},
	/* A sample of all bytes has all blocks. */
	{"preload, sampled", "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_SAMPLE=1 LOG_MALLOC_FORMAT=%s", "", "1022>t",
         false, false},
	{"static, sampled, FIFO", WITH_READER "LOG_MALLOC_SAMPLE=1 LOG_MALLOC_FORMAT=%s", ".static", "", false, true},
};

static const char *const formats[] = {"full", "compact", "packed"};

enum { WAYS = sizeof ways / sizeof *ways, FORMATS = sizeof formats / sizeof *formats };

/* ---- what has to be in the trace ------------------------------------------------ */

/* A thread's next call. */
struct counted {
	uint64_t round;
	enum { ALLOCATES, RESIZES, RELEASES } step;
	uint64_t calls;
};

struct verdict {
	struct counted threads[THREADS];
	struct heap heap;
	unsigned inits, finis;
	uint64_t events, lost;
};

static uint64_t size_of(uint64_t thread, uint64_t round)
{
	return SIZE + round % SIZES * SLOT + thread;
}

/* Which thread's block is it? -1: none of theirs, but libc's or the next program's. */
static int thread_of(uint64_t size)
{
	if (size >= SIZE + RESIZED)
		size -= RESIZED;
	if (size < SIZE || size >= SIZE + SIZES * SLOT || (size - SIZE) % SLOT >= THREADS)
		return -1;
	return (int)((size - SIZE) % SLOT);
}

static void expect_allocation(const struct counted *t, uint64_t thread, const struct event *event)
{
	static const enum lm_call calls[] = {LM_CALL_MALLOC, LM_CALL_CALLOC, LM_CALL_ALIGNED_ALLOC,
	                                     LM_CALL_POSIX_MEMALIGN};

	ck_assert_msg(event->call == calls[t->round % 4], "round %ju of thread %ju: %s", (uintmax_t)t->round,
	              (uintmax_t)thread, parse_call_name(event->call));
	ck_assert_uint_eq(event->size, size_of(thread, t->round));
}

static void expect_release(const struct counted *t, uint64_t thread, const struct event *event)
{
	uint64_t round = t->round - WINDOW;

	ck_assert_int_eq(event->call, LM_CALL_FREE);
	ck_assert_int_eq(-event->change, (int64_t)(size_of(thread, round) + (round % 8 == 0 ? RESIZED : 0)));
}

/* The steps that a round does not have are passed. */
static void advance(struct counted *t)
{
	do {
		if (t->step == RELEASES)
			t->round++;
		t->step = t->step == RELEASES ? ALLOCATES : t->step + 1;
	} while ((t->step == RESIZES && t->round % 8 != 0) || (t->step == RELEASES && t->round < WINDOW));
}

static void take_call(struct verdict *v, const struct event *event)
{
	uint64_t size = parse_is_free(event->call) ? (uint64_t)-event->change : event->size;
	int thread = thread_of(size);
	struct counted *t;

	if (thread < 0)
		return;
	t = &v->threads[thread];
	switch (t->step) {
	case ALLOCATES:
		expect_allocation(t, (uint64_t)thread, event);
		break;
	case RESIZES:
		ck_assert_int_eq(event->call, LM_CALL_REALLOC);
		ck_assert_uint_eq(event->size, size_of((uint64_t)thread, t->round) + RESIZED);
		break;
	case RELEASES:
		expect_release(t, (uint64_t)thread, event);
		break;
	}
	t->calls++;
	advance(t);
}

/* So many records are written at once, as src/core/out/sink.c has it, and one of each thread more. */
enum { WRITTEN_AT_ONCE = 256 + THREADS + 1 };

/*
 * A process is killed in the middle of write(): the kernel stops at a page border. Before there is a ring, that cuts
 * the record of a call that has not returned. man 5 log-malloc2 says so.
 */
static bool is_cut_by_the_kernel(const char *path, uint64_t events)
{
	struct stat st;

	return events <= WRITTEN_AT_ONCE && stat(path, &st) == 0 && st.st_size % sysconf(_SC_PAGESIZE) == 0;
}

/*
 * Reads the trace as every tool does, journal and all. IS_RUNNING: its process
 * lives, and may be in the middle of a write; the kernel writes a record that
 * crosses a page in two steps.
 */
static struct verdict read_trace(const char *name, bool is_running)
{
	struct verdict v = {.inits = 0};
	struct totals totals = {.used = 0};
	static struct trace trace;
	struct trace_item item;
	char path[PATH_MAX];
	int got;

	snprintf(path, sizeof path, "%s/%s", scratch(), name);
	ck_assert_int_eq(trace_open(&trace, path, NULL), 0);
	while ((got = trace_next(&trace, &item)) > 0) {
		each_holds(totals_apply(&totals, &item) == 0);
		v.inits += item.kind == TRACE_INIT;
		v.finis += item.kind == TRACE_FINI;
		v.events++;
		if (item.kind == TRACE_END) {
			v.lost += trace.image.lost;
			ck_assert_uint_eq(v.heap.counts.replaced, 0);
			ck_assert_uint_eq(v.heap.counts.unknown, 0);
			heap_free(&v.heap);
			memset(&v.heap, 0, sizeof v.heap);
		}
		if (item.kind != TRACE_CALL)
			continue;
		each_holds(heap_apply(&v.heap, &item.event, item.stack, item.line) == 0);
		/* What is compact has to be as whole. */
		each_holds(!item.event.has_backtrace || item.stack != STACK_NONE);
		take_call(&v, &item.event);
	}
	ck_assert_int_eq(got, 0);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert(is_running || !trace.ends_early || is_cut_by_the_kernel(path, v.events));
	totals_free(&totals);
	trace_close(&trace);
	return v;
}

/* Every call that had returned is in the trace, and of each thread at most the one that had not. */
static struct verdict judge(const char *name)
{
	struct verdict v = read_trace(name, false);
	size_t len;
	const uint64_t *counts = (const uint64_t *)(const void *)read_file("counts", &len);

	ck_assert_uint_eq(v.lost, 0);
	ck_assert_ptr_nonnull(counts);
	ck_assert_uint_eq(len, THREADS * SLOT * sizeof *counts);
	for (int i = 0; i < THREADS; i++) {
		uint64_t returned = counts[i * SLOT], traced = v.threads[i].calls;

		ck_assert_msg(traced == returned || traced == returned + 1, "thread %d: %ju calls returned, %ju traced",
		              i, (uintmax_t)returned, (uintmax_t)traced);
	}
	return v;
}

/* ---- running it ------------------------------------------------------------------ */

static unsigned some_time(void)
{
	unsigned number;

	ck_assert_int_eq(getrandom(&number, sizeof number, 0), sizeof number);
	return number % LIFE_MAX_US;
}

static struct run run_counting(const struct way *way, const char *format, unsigned microseconds, const char *how)
{
	char before[512];

	snprintf(before, sizeof before, way->before, format);
	return run("ulimit -c 0; rm -f t t.journal counts; LOG_MALLOC_QUIET=1 %s $B/tests/programs/counting%s counts "
	           "%u %s %s",
	           before, way->suffix, microseconds, how, way->behind);
}

/* Nothing of it is in the trace's directory any more: the launcher has put it where it belongs. */
static void left_nothing(const struct way *way)
{
	if (way->launcher)
		ck_assert_ptr_null(read_file("t.journal", NULL));
}

static void is_reported_as_cut(void)
{
	struct run leaks = run("$B/log-malloc-findleak -n t | tail -n 1");
	struct run usage = run("$B/log-malloc-trackusage t 2>err | wc -l; "
	                       "grep -v 'these numbers are estimates by a sample' err >&2; true");

	ck_assert_str_eq(leaks.err, "");
	ck_assert_msg(strstr(leaks.out, "; the trace ends early\n") != NULL, "%s", leaks.out);
	ck_assert_str_eq(usage.err, "");
	ck_assert_int_gt(atoi(usage.out), 0);
}

/* A loop's number is a way and a format. Of what takes long, each way is tried with one format: IN_TURN. */
static void choose(int number, const struct way **way, const char **format)
{
	*way = &ways[number / FORMATS];
	*format = formats[number % FORMATS];
}

/* From outside; bash knows of no moment between two milliseconds. */
static struct run kill_counting(const struct way *way, const char *format, unsigned microseconds)
{
	char before[512];

	snprintf(before, sizeof before, way->before, format);
	return run("rm -f t t.journal counts; LOG_MALLOC_QUIET=1 %s $B/tests/programs/counting%s counts 0 wait %s & "
	           "sleep 0.%06u; until [ -s counts ]; do sleep 0.001; done; kill -9 $!; wait $! 2>/dev/null",
	           before, way->suffix, way->behind, microseconds);
}

START_TEST(what_a_killed_process_did_is_in_the_trace)
{
	const struct way *way;
	const char *format;

	choose(_i, &way, &format);
	for (int i = 0; i < KILLS; i++) {
		bool from_outside = i % 2 == 1 && !way->launcher && !way->fifo;
		struct run killed = from_outside ? kill_counting(way, format, some_time())
		                                 : run_counting(way, format, some_time(), "kill");
		struct verdict v;

		ck_assert_msg(killed.status == 137, "%s: %d, %s", way->name, killed.status, killed.err);
		left_nothing(way);
		v = judge("t");
		ck_assert_uint_le(v.inits, 1);
		ck_assert_uint_eq(v.finis, 0);
	}
	is_reported_as_cut();
}
END_TEST

START_TEST(so_it_is_of_a_crash)
{
	static const struct {
		const char *how;
		int status;
	} cases[] = {{"segv", 139}, {"abort", 134}};
	const struct way *way;
	const char *format;

	choose(_i, &way, &format);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ck_assert_int_eq(run_counting(way, format, some_time(), cases[i].how).status, cases[i].status);
		left_nothing(way);
		ck_assert_uint_eq(judge("t").finis, 0);
		is_reported_as_cut();
	}
}
END_TEST

/*
 * The end of the file itself, without a journal: no record was cut by the end of the
 * process. In a packed trace, a record's last word can be a packed one.
 */
static void ends_with_a_whole_record(const char *format)
{
	bool is_packed = strcmp(format, "packed") == 0;
	size_t len;
	const char *trace = read_file("t", &len);

	ck_assert_ptr_nonnull(trace);
	ck_assert_uint_gt(len, LM_PACKED_WORD);
	ck_assert(!is_packed || len % LM_PACKED_WORD == 0);
	ck_assert(trace[len - 1] == '\n' || (is_packed && (trace[len - LM_PACKED_WORD] & 0x80)));
	ck_assert_int_eq(run("grep -aq '^# FORMAT %s *$' t", format).status, 0);
}

/*
 * Only for _exit() nothing of the program runs behind the end of the trace. Behind
 * the others, libc still has something to do while the threads go on: what they
 * record then may need a journal.
 */
static void has_ended(const struct way *way, const char *format, const char *how)
{
	bool has_journal = read_file("t.journal", NULL) != NULL;

	ck_assert_msg(!has_journal || (!way->launcher && strcmp(how, "_exit") != 0), "%s: %s leaves a journal",
	              way->name, how);
	if (!has_journal)
		ends_with_a_whole_record(format);
}

/* What counting and deep_at_exit exit with. */
enum { STATUS = 3 };

/* But for the launcher's line. */
static void is_told_nothing(const struct way *way, const char *how, const struct run *result)
{
	ck_assert_msg(result->status == STATUS && (way->launcher || !*result->err), "%s, %s: %d, %s", way->name, how,
	              result->status, result->err);
}

static const char *const ends[] = {"_exit", "exit", "return", "quick_exit"};

enum { ENDS = sizeof ends / sizeof *ends };

START_TEST(an_exit_while_other_threads_allocate_loses_nothing)
{
	const struct way *way;
	const char *format;

	choose(_i * FORMATS + _i % FORMATS, &way, &format);
	for (int i = 0; i < 3 * ENDS; i++) {
		const char *how = ends[i % ENDS];
		struct run result = run_counting(way, format, some_time(), how);

		is_told_nothing(way, how, &result);
		has_ended(way, format, how);
		ck_assert_uint_eq(judge("t").finis, 1);
	}
}
END_TEST

/* ---- records that are larger than a page ------------------------------------------ */

/* As tests/programs/deep_at_exit has them. */
enum { DEEP_THREADS = 8, DEEP_SIZE = 100 };

/* Each allocation that had returned is in the trace "t", and of each thread one more at most. */
static void judge_deep(const char *how)
{
	static struct trace trace;
	struct trace_item item;
	uint64_t traced[DEEP_THREADS] = {0}, lost = 0;
	const uint64_t *counts = (const uint64_t *)(const void *)read_file("counts", NULL);
	unsigned finis = 0;
	char path[PATH_MAX];
	int got;

	snprintf(path, sizeof path, "%s/t", scratch());
	ck_assert_int_eq(trace_open(&trace, path, NULL), 0);
	while ((got = trace_next(&trace, &item)) > 0) {
		uint64_t thread = item.event.size - DEEP_SIZE;

		finis += item.kind == TRACE_FINI;
		if (item.kind == TRACE_END)
			lost += trace.image.lost;
		if (item.kind == TRACE_CALL && item.event.call == LM_CALL_MALLOC && thread < DEEP_THREADS)
			traced[thread]++;
	}
	ck_assert_int_eq(got, 0);
	ck_assert_msg(trace.malformed == 0 && !trace.ends_early && finis == 1 && lost == 0,
	              "%s: %ju malformed lines, %d ends early, %u FINI, %ju lost", how, (uintmax_t)trace.malformed,
	              trace.ends_early, finis, (uintmax_t)lost);
	trace_close(&trace);
	for (int i = 0; i < DEEP_THREADS; i++)
		ck_assert_msg(traced[i] == counts[i * SLOT] || traced[i] == counts[i * SLOT] + 1,
		              "%s: thread %d: %ju calls returned, %ju traced", how, i, (uintmax_t)counts[i * SLOT],
		              (uintmax_t)traced[i]);
}

START_TEST(the_end_cuts_no_record_of_many_frames)
{
	const struct way *way;
	const char *format;

	choose(_i * FORMATS + _i % FORMATS, &way, &format);
	for (int i = 0; i < 8 * ENDS; i++) {
		const char *how = ends[i % ENDS];
		char before[512];
		struct run result;

		snprintf(before, sizeof before, way->before, format);
		/* Some runs end before the ring begins. */
		result = run("rm -f t t.journal counts; LOG_MALLOC_BACKTRACE_DEPTH=128 LOG_MALLOC_QUIET=1 %s " PROGRAMS
		             "deep_at_exit%s counts %d %s %s",
		             before, way->suffix, i * 200, how, way->behind);
		is_told_nothing(way, how, &result);
		has_ended(way, format, how);
		judge_deep(how);
	}
}
END_TEST

/* Their last writes wait for the reader when the process ends. A destructor behind ours gives them time for some. */
START_TEST(a_slow_reader_gets_whole_lines_at_the_end)
{
	static const char late[] = "#include <unistd.h>\n"
				   "__attribute__((destructor)) static void last(void) { usleep(30000); }\n";

	write_file("late.c", late, sizeof late - 1);
	must(run("$CC -shared -fPIC -o late.so late.c; mkfifo fifo"));
	for (int i = 0; i < 4; i++) {
		struct run result =
			run("{ while IFS= read -r -N 60000 x; do printf %%s \"$x\"; sleep 0.004; done; printf %%s "
		            "\"$x\"; } "
		            "<fifo >t & r=$!; "
		            "LOG_MALLOC_BACKTRACE_DEPTH=128 LOG_MALLOC_QUIET=1 "
		            "LD_PRELOAD=\"$B/liblog-malloc2.so $PWD/late.so\" LOG_MALLOC_FORMAT=full " PROGRAMS
		            "deep_at_exit counts %d exit 1022>fifo; s=$?; wait $r; tail -c 1 t | od -An -tx1; exit $s",
		            i * 500);

		ck_assert_msg(result.status == STATUS && strcmp(result.out, " 0a\n") == 0, "%d: %d, %s%s", i,
		              result.status, result.out, result.err);
	}
}
END_TEST

START_TEST(an_exec_while_other_threads_allocate_loses_nothing)
{
	const struct way *way;
	const char *format;
	char how[256];

	choose(_i, &way, &format);
	snprintf(how, sizeof how, "exec $B/tests/programs/processes%s exec 2", way->suffix);
	for (int i = 0; i < 3; i++) {
		struct verdict v;

		ck_assert_int_eq(run_counting(way, format, some_time(), how).status, 9);
		ck_assert_ptr_null(read_file("t.journal", NULL));
		v = judge("t");
		ck_assert_uint_eq(v.inits, 4);
		ck_assert_uint_eq(v.finis, 1);
	}
}
END_TEST

START_TEST(an_exec_of_what_is_not_traced_loses_nothing)
{
	const struct way *way;
	const char *format;

	choose(_i, &way, &format);
	/* A static program without the tracker. */
	ck_assert_int_eq(run("echo 'int main(void) { return 5; }' >five.c && $CC -static -o five five.c").status, 0);
	ck_assert_int_eq(run_counting(way, format, some_time(), "exec ./five").status, 5);
	left_nothing(way);
	ck_assert_uint_eq(judge("t").finis, 0);
	is_reported_as_cut();
}
END_TEST

/* ---- children --------------------------------------------------------------------- */

/* Whose last process dies. Each has a trace of its own. */
static const char *const families[] = {
	/* The launcher's command starts another program. */
	"sh -c '$B/tests/programs/counting%s counts %u %s; exit $?'",
	/* A child of fork, whose first event is that of a thread. */
	"$B/tests/programs/counting%s counts %u child %s",
};

static const char *const flavours[] = {"", ".static"};

enum { FAMILIES = 2, FLAVOURS = 2 };

/* The child's trace becomes "t.child". A launcher's own tree has one child that allocates. */
static struct run run_child(int number, const char *how)
{
	char command[512];
	struct run result;

	snprintf(command, sizeof command, families[number / FORMATS % FAMILIES], flavours[number / FORMATS / FAMILIES],
	         some_time(), how);
	result = run("ulimit -c 0; rm -f t t.* counts; LOG_MALLOC_FORMAT=%s $B/log-malloc -q -f -o t %s",
	             formats[number % FORMATS], command);
	must(run("ls t.* | grep -v journal >names; [ \"$(wc -l <names)\" -eq 1 ] && mv $(cat names) t.child && "
	         "{ ! mv $(cat names).journal t.child.journal 2>/dev/null || :; }"));
	return result;
}

START_TEST(what_a_killed_child_did_is_in_its_trace)
{
	for (int i = 0; i < KILLS; i++) {
		struct run killed = run_child(_i, "kill");

		ck_assert_msg(killed.status == 137, "%d, %s", killed.status, killed.err);
		ck_assert_uint_eq(judge("t.child").finis, 0);
		/* Its parent's is whole, too. */
		ck_assert_uint_eq(read_trace("t", false).finis, 1);
	}
}
END_TEST

START_TEST(what_an_ended_child_did_is_in_its_trace)
{
	for (int i = 0; i < ENDS; i++) {
		struct run ended = run_child(_i, ends[i]);

		ck_assert_msg(ended.status == STATUS && !*ended.err, "%d, %s", ended.status, ended.err);
		ck_assert_uint_eq(judge("t.child").finis, 1);
	}
}
END_TEST

START_TEST(a_trace_and_its_journal_can_be_moved_together)
{
	ck_assert_int_eq(run_counting(&ways[0], formats[_i], 1000, "kill").status, 137);
	ck_assert_int_eq(run("mkdir there && cp t there/moved && { [ ! -e t.journal ] || cp t.journal "
	                     "there/moved.journal; }")
	                         .status,
	                 0);
	judge("there/moved");
}
END_TEST

START_TEST(what_the_launcher_can_not_append_stays_in_the_journal)
{
	/* A limit that is set behind the command's back. */
	struct run r = run(
		"{ LOG_MALLOC_QUIET=1 $B/log-malloc -o t sh -c '>runs; until [ -e go ]; do sleep 0.01; done; "
		"exec $B/tests/programs/counting counts 200000 kill' & until [ -e runs ]; do sleep 0.01; done; "
		"prlimit --pid $! --fsize=100 || { >go; exit 77; }\n>go; wait $!; } 2>&1 | cat; exit ${PIPESTATUS[0]}");

	if (r.status == 77) {
		skip("what_the_launcher_can_not_append_stays_in_the_journal", "there is no prlimit");
		return;
	}
	ck_assert_int_eq(r.status, 137);
	ck_assert_ptr_nonnull(strstr(r.out,
	                             "t.journal: the end of the trace stays in this file, for the commands to read: "
	                             "File too large"));
	ck_assert_ptr_nonnull(read_file("t.journal", NULL));
	judge("t");
	is_reported_as_cut();
}
END_TEST

/* The latest records are of calls that had returned when it was looked at, or of later ones. */
START_TEST(a_running_process_can_be_looked_at)
{
	for (int i = 0; i < 2 * FORMATS; i++) {
		struct run started =
			run("rm -f t t.journal counts; LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_QUIET=1 "
		            "LOG_MALLOC_FORMAT=%s $B/tests/programs/counting counts 0 wait 1022>t & echo $!; "
		            "until [ -s counts ]; do sleep 0.001; done; sleep 0.%06u; cp counts before",
		            formats[i % FORMATS], some_time());
		const uint64_t *counts = (const uint64_t *)(const void *)read_file("before", NULL);
		struct verdict v = read_trace("t", true);

		ck_assert_int_eq(run("kill -9 %d", atoi(started.out)).status, 0);
		for (int thread = 0; thread < THREADS; thread++)
			ck_assert_uint_ge(v.threads[thread].calls, counts[thread * SLOT]);
	}
}
END_TEST

#define EACH(test)    TIMES(test, WAYS *FORMATS)
#define IN_TURN(test) TIMES(test, WAYS)

int main(void)
{
	Suite *suite = suite_create("kill");

	EACH(what_a_killed_process_did_is_in_the_trace);
	EACH(so_it_is_of_a_crash);
	IN_TURN(an_exit_while_other_threads_allocate_loses_nothing);
	IN_TURN(the_end_cuts_no_record_of_many_frames);
	ONCE(a_slow_reader_gets_whole_lines_at_the_end);
	EACH(an_exec_while_other_threads_allocate_loses_nothing);
	EACH(an_exec_of_what_is_not_traced_loses_nothing);
	TIMES(what_a_killed_child_did_is_in_its_trace, FORMATS * FAMILIES * FLAVOURS);
	TIMES(what_an_ended_child_did_is_in_its_trace, FORMATS * FAMILIES * FLAVOURS);
	TIMES(a_trace_and_its_journal_can_be_moved_together, FORMATS);
	ONCE(what_the_launcher_can_not_append_stays_in_the_journal);
	ONCE(a_running_process_can_be_looked_at);
	return run_suite(suite);
}
