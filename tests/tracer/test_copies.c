/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The trace and the journal of a program that runs (tests/programs/busy) are copied
 * by cp. What is read of the copies is the beginning of what the program recorded, byte
 * by byte. When the program was killed, its trace and its journal tell what that is.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "heap.h"
#include "packed.h"
#include "recovery.h"
#include "support.h"
#include "trace.h"

enum { COPIES = 9, SLOT = 8, SIZE = 1000, MOST_THREADS = 8, LIFE_MAX_US = 20000 };

static const char *const formats[] = {"full", "compact", "packed"};
enum { FORMATS = sizeof formats / sizeof *formats };
static const unsigned threads_of[] = {1, 8};

static unsigned messages;
static char last_message[512];

static void remember(void *context, const char *file, uint64_t line, const char *message)
{
	(void)context;
	(void)file;
	(void)line;
	messages++;
	snprintf(last_message, sizeof last_message, "%s", message);
}

static const struct diag diag = {.report = remember};

static const char *path_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", scratch(), name);
	return path;
}

/* ---- what was recorded ---------------------------------------------------------------- */

struct bytes {
	char *text;
	size_t len;
	size_t from_trace; /* so many of them are the trace's */
};

/* The trace NAME and its journal. Places that are not whole are lines of '#' and blanks. */
static struct bytes read_both(const char *name)
{
	struct bytes bytes = {.text = NULL};
	struct recovery rest;
	int fd = open(path_of(name), O_RDONLY | O_CLOEXEC), found;
	char *trace;

	ck_assert_int_ge(fd, 0);
	messages = 0;
	found = recovery_find(&rest, fd, path_of(name), RECOVERY_FILL, &diag);
	ck_assert_int_ge(found, 0);
	close(fd);
	trace = read_file(name, &bytes.len);
	if (!found) {
		bytes.text = trace;
		bytes.from_trace = bytes.len;
		return bytes;
	}
	ck_assert_uint_le(rest.size, bytes.len);
	bytes.from_trace = (size_t)rest.size;
	bytes.len = (size_t)rest.size + rest.len;
	bytes.text = malloc(bytes.len + 1);
	ck_assert_ptr_nonnull(bytes.text);
	memcpy(bytes.text, trace, (size_t)rest.size);
	memcpy(bytes.text + rest.size, rest.text, rest.len);
	recovery_free(&rest);
	return bytes;
}

static bool is_blank(const char *line, size_t len)
{
	return *line == '#' && strspn(line + 1, " ") == len - 1;
}

/* The same for a packed trace. Places that are not whole are words that say nothing. */
static void is_beginning_of_words(const struct bytes *copy, const struct bytes *all)
{
	static const unsigned char nothing[LM_PACKED_WORD] = {LM_PACKED_REST};

	for (size_t at = copy->from_trace, next; at < copy->len; at = next) {
		next = at - at % LM_PACKED_WORD + LM_PACKED_WORD;
		if (next <= copy->len && (memcmp(copy->text + at, all->text + at, next - at) == 0 ||
		                          memcmp(copy->text + at, nothing, next - at) == 0))
			continue;
		ck_abort_msg("at %zu of %zu, %zu of the trace", at, copy->len, copy->from_trace);
	}
}

/* Each byte of the copies is where the program recorded it, but for calls that were under way. */
static void is_beginning(const struct bytes *copy, const struct bytes *all)
{
	size_t at = copy->from_trace;

	ck_assert_uint_le(copy->len, all->len);
	ck_assert_int_eq(memcmp(copy->text, all->text, at), 0);
	if (memmem(all->text, all->len, "# FORMAT packed", 15)) {
		is_beginning_of_words(copy, all);
		return;
	}
	while (at < copy->len) {
		const char *newline = memchr(copy->text + at, '\n', copy->len - at);
		size_t len = newline ? (size_t)(newline - copy->text) - at : copy->len - at;

		if (memcmp(copy->text + at, all->text + at, len + 1) != 0 && !is_blank(copy->text + at, len))
			ck_abort_msg("at %zu of %zu, %zu of the trace:\n%.*s\ninstead of\n%.*s", at, copy->len,
			             copy->from_trace, (int)len, copy->text + at, (int)len, all->text + at);
		at += len + 1;
	}
}

/* ---- what the commands read ------------------------------------------------------------- */

/* The calls of malloc() by thread. What is read has to be as sound as any trace. */
static void read_calls(const char *name, uint64_t *calls)
{
	static struct trace trace;
	struct heap heap = {0};
	struct trace_item item;
	int got;

	memset(calls, 0, MOST_THREADS * sizeof *calls);
	ck_assert_int_eq(trace_open(&trace, path_of(name), &diag), 0);
	while ((got = trace_next(&trace, &item)) > 0) {
		if (item.kind != TRACE_CALL)
			continue;
		each_holds(heap_apply(&heap, &item.event, item.stack, item.line) == 0);
		if (item.event.call != LM_CALL_MALLOC)
			continue;
		each_holds(item.stack != STACK_NONE);
		if (item.event.size - SIZE < MOST_THREADS)
			calls[item.event.size - SIZE]++;
	}
	ck_assert_int_eq(got, 0);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert(trace.image.gaps || (heap.counts.unknown == 0 && heap.counts.replaced == 0));
	heap_free(&heap);
	trace_close(&trace);
}

/* Every call that had returned BEFORE the copying began. */
static void has_all(const char *name, unsigned threads)
{
	const uint64_t *counts = (const uint64_t *)(const void *)read_file("before", NULL);
	uint64_t calls[MOST_THREADS];

	ck_assert_ptr_nonnull(counts);
	read_calls(name, calls);
	for (unsigned i = 0; i < threads; i++)
		ck_assert_msg(calls[i] >= counts[i * SLOT], "thread %u: %ju calls had returned, %ju are read", i,
		              (uintmax_t)counts[i * SLOT], (uintmax_t)calls[i]);
}

/* ---- copying ----------------------------------------------------------------------------- */

static unsigned some_time(void)
{
	unsigned number;

	ck_assert_int_eq(getrandom(&number, sizeof number, 0), sizeof number);
	return number % LIFE_MAX_US;
}

/* Starts the program, copies by the commands HOW, and kills it. */
static void copy(const char *how, unsigned threads, const char *format)
{
	must(run("rm -f t t.journal c c.journal counts before; LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_QUIET=1 "
	         "LOG_MALLOC_OUTPUT=t LOG_MALLOC_FORMAT=%s " PROGRAMS
	         "busy counts %u & until [ -s t.journal ]; do sleep "
	         "0.001; done; sleep 0.%06u; cp counts before; %s; status=$?; kill -9 $!; wait $! 2>/dev/null; exit "
	         "$status",
	         format, threads, some_time(), how));
}

static void copy_often(int times, const char *how, unsigned threads, void (*judge)(unsigned threads))
{
	for (int i = 0; i < times; i++) {
		copy(how, threads, formats[i % FORMATS]);
		judge(threads);
	}
}

static void is_as_at_the_moment(unsigned threads)
{
	struct bytes copied = read_both("c"), all;
	struct run r;

	ck_assert_msg(messages == 0, "%s", last_message);
	all = read_both("t");
	is_beginning(&copied, &all);
	has_all("c", threads);
	ck_assert_uint_eq(messages, 0);
	r = run("$B/log-malloc-findleak -n c");
	ck_assert_str_eq(r.err, "");
	ck_assert_ptr_null(strstr(r.out, "NOT IN USE"));
}

START_TEST(the_journal_and_then_the_trace)
{
	copy_often(COPIES, "cp t.journal c.journal && cp t c", threads_of[_i], is_as_at_the_moment);
}
END_TEST

/* Where the process has written to the trace meanwhile, bytes are missing, and that is said. */
static void is_as_at_the_moment_or_tells(unsigned threads)
{
	struct bytes copied = read_both("c"), all;
	bool is_told = messages > 0;

	ck_assert_uint_le(messages, 1);
	ck_assert_msg(!is_told || (strstr(last_message, "left out") &&
	                           strstr(last_message, "copy the journal first, then the trace")),
	              "%s", last_message);
	all = read_both("t");
	is_beginning(&copied, &all);
	if (!is_told)
		has_all("c", threads);
}

START_TEST(the_trace_and_then_the_journal)
{
	copy_often(COPIES, "cp t c && cp t.journal c.journal", threads_of[_i], is_as_at_the_moment_or_tells);
}
END_TEST

/* Nobody has written to the trace meanwhile: so nothing is missing in this order either. */
START_TEST(the_trace_and_then_the_journal_of_a_program_that_was_stopped)
{
	copy_often(COPIES / 3, "kill -STOP $!; sleep 0.01; cp t c && cp t.journal c.journal; kill -CONT $!",
	           threads_of[_i], is_as_at_the_moment);
}
END_TEST

/* Calls that had not returned never will. All others are there. */
static void is_all(unsigned threads)
{
	struct bytes copied, all = read_both("t");

	must(run("mkdir -p there && rm -f there/* && cp t there/c && cp t.journal there/c.journal"));
	copied = read_both("there/c");
	ck_assert_msg(messages == 0, "%s", last_message);
	ck_assert_uint_eq(copied.from_trace, all.from_trace);
	is_beginning(&copied, &all);
	must(run("cp counts before"));
	has_all("there/c", threads);
	/* Moved, and so still the same files. */
	must(run("mv t there/t && mv t.journal there/t.journal"));
	has_all("there/t", threads);
}

START_TEST(the_files_of_a_program_that_was_killed)
{
	copy_often(COPIES / 3, ":", threads_of[_i], is_all);
}
END_TEST

#define EACH(test) TIMES(test, sizeof threads_of / sizeof *threads_of)

int main(void)
{
	Suite *suite = suite_create("copies");

	EACH(the_journal_and_then_the_trace);
	EACH(the_trace_and_then_the_journal);
	EACH(the_trace_and_then_the_journal_of_a_program_that_was_stopped);
	EACH(the_files_of_a_program_that_was_killed);
	return run_suite(suite);
}
