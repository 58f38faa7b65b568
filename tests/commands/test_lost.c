/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which blocks of a running process are lost: programs of which the numbers are known, and valgrind's memcheck, which
 * has to say the same of them.
 */
#include "flavours.h"
#include "lost.h"
#include "support.h"
#include "traced.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sum {
	uint64_t blocks, bytes;
};

/* A program that is looked into while it stays as it is. */
struct looked {
	struct sum sums[REACH_KINDS];
	struct unreached unreached;
	struct lost_figures figures;
	int error;
};

/* Starts COMMAND, which gets its trace as descriptor 1022, and waits until it is ready. Returns its number. */
static pid_t start(const char *command)
{
	must(run("STAY=1 %s </dev/null >ready 2>messages 1022>trace & echo $! >pid; "
	         "for ((i = 0; i < 1000; i++)); do [ -s ready ] && exit 0; sleep 0.02; done; cat messages; exit 1",
	         command));
	return (pid_t)strtol(read_file("pid", NULL), NULL, 10);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
}

/* The path of FILE in the test's directory. */
static const char *in_scratch(const char *file)
{
	static char path[4096];

	snprintf(path, sizeof path, "%s/%s", scratch(), file);
	return path;
}

/* Sums up the blocks that the trace has, by how they are reached. Those of libc have other sizes than OWN. */
static void sum_up(struct looked *looked, bool (*own)(uint64_t size))
{
	struct traced traced = traced_read("trace", false);
	const struct heap_block *block;
	size_t position = 0;

	while ((block = heap_next(&traced.heap, &position))) {
		struct sum *sum = &looked->sums[unreached_find(&looked->unreached, block->address)];

		if (own && !own(block->size))
			continue;
		sum->blocks++;
		sum->bytes += block->size;
	}
	heap_free(&traced.heap);
}

static struct looked look(const char *command, bool (*own)(uint64_t size))
{
	struct looked looked = {.error = 0};
	pid_t pid = start(command);

	looked.error = lost_look(in_scratch("trace"), 0, NULL, &looked.unreached, &looked.figures);
	end(pid);
	ck_assert_msg(looked.error == 0, "%s", looked.figures.trouble);
	ck_assert_int_eq(looked.figures.pid, pid);
	sum_up(&looked, own);
	return looked;
}

static char *traced_command(int flavour, const char *program)
{
	static char command[4096];

	snprintf(command, sizeof command, "%s " PROGRAMS "%s%s", flavours[flavour].environment, program,
	         flavours[flavour].suffix);
	return command;
}

static void sums_are(const struct looked *looked, const struct sum expected[REACH_KINDS])
{
	static const char *const names[REACH_KINDS] = {"lost", "indirectly", "possibly", "reachable"};

	for (int i = 0; i < REACH_KINDS; i++)
		ck_assert_msg(looked->sums[i].blocks == expected[i].blocks &&
		                      looked->sums[i].bytes == expected[i].bytes,
		              "%s: %" PRIu64 " blocks, %" PRIu64 " bytes", names[i], looked->sums[i].blocks,
		              looked->sums[i].bytes);
}

static bool is_node(uint64_t size)
{
	return size == 136;
}

static const struct {
	const char *program;
	struct sum sums[REACH_KINDS];
} known[] = {
	{"lost_cases", {{3, 408}, {2, 272}, {6, 816}, {4, 544}}},
	{"lost_circles", {{14, 1904}, {35, 4760}, {0, 0}, {7, 952}}},
};

enum { KNOWN = sizeof known / sizeof *known };

START_TEST(every_way_to_a_block_is_told)
{
	struct looked looked = look(traced_command(_i / KNOWN, known[_i % KNOWN].program), is_node);

	sums_are(&looked, known[_i % KNOWN].sums);
	ck_assert(looked.unreached.known);
	ck_assert_int_eq(looked.unreached.is_partial, !flavours[_i / KNOWN].sees_libc);
	ck_assert_uint_gt(looked.figures.copied, 0);
	ck_assert_uint_eq(looked.figures.threads, 1);
	unreached_free(&looked.unreached);
}
END_TEST

/* The bytes and blocks that memcheck calls by NAME. */
static struct sum memcheck_sum(const char *report, const char *name)
{
	const char *line = strstr(report, name);
	struct sum sum = {0, 0};
	char digits[64];

	ck_assert_ptr_nonnull(line);
	snprintf(digits, sizeof digits, "%s", line + strlen(name));
	for (char *from = digits, *to = digits; (*to = *from); from++)
		to += *from != ',';
	ck_assert_int_eq(sscanf(digits, "%" SCNu64 " bytes in %" SCNu64, &sum.bytes, &sum.blocks), 2);
	return sum;
}

START_TEST(memcheck_tells_the_same)
{
	static const char *const names[REACH_KINDS] = {
		"definitely lost: ", "indirectly lost: ", "possibly lost: ", "still reachable: "};
	char *report;

	if (!can_run("memcheck_tells_the_same", "valgrind"))
		return;
	report = must(run("valgrind --leak-check=full " PROGRAMS "%s 2>&1 >output", known[_i].program)).out;
	for (int i = 0; i < REACH_KINDS; i++) {
		struct sum sum = memcheck_sum(report, names[i]);

		ck_assert_uint_eq(sum.blocks, known[_i].sums[i].blocks);
		ck_assert_uint_eq(sum.bytes, known[_i].sums[i].bytes);
	}
}
END_TEST

/* A tracker that does not see the calls from inside libraries can't tell all of what was released. */
START_TEST(threads_have_pointers_in_many_places)
{
	struct looked looked = look(traced_command(_i, "lost_threads"), NULL);
	struct traced traced = traced_read("trace", false);
	const struct heap_block *block;
	size_t position = 0;

	while ((block = heap_next(&traced.heap, &position))) {
		enum reach reach = unreached_find(&looked.unreached, block->address);

		if (block->size == 56 && flavours[_i].sees_libc)
			ck_assert_int_eq(reach, REACH_LOST);
		else if (block->size != 56)
			ck_assert_int_eq(reach, REACH_REACHABLE);
	}
	if (flavours[_i].sees_libc)
		ck_assert_uint_eq(looked.sums[REACH_LOST].blocks, 132);
	ck_assert_uint_eq(looked.figures.threads, 6);
	heap_free(&traced.heap);
	unreached_free(&looked.unreached);
}
END_TEST

START_TEST(nothing_of_the_containers_of_cxx_is_lost)
{
	struct looked looked = look(traced_command(_i, "lost_nothing"), NULL);

	ck_assert_uint_eq(looked.unreached.count, 0);
	if (flavours[_i].sees_libc)
		ck_assert_uint_gt(looked.sums[REACH_REACHABLE].blocks, 30);
	unreached_free(&looked.unreached);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lost");

	TIMES(every_way_to_a_block_is_told, KNOWN * FLAVOURS);
	TIMES(memcheck_tells_the_same, KNOWN);
	EACH(threads_have_pointers_in_many_places);
	EACH(nothing_of_the_containers_of_cxx_is_lost);
	return run_suite(suite);
}
