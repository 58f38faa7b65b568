/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tracker takes of a chip: memory and instructions; and the archive that only counts. */
#include "emulated.h"
#include "support.h"

#include <stdlib.h>

/* The bytes of the kinds of sections that NAME.elf has more than without the tracker. */
static long more_bytes(const char *kinds, const char *name)
{
	return strtol(must(run("size() { %ssize $1.elf | awk 'NR == 2 { print %s }'; }; "
	                       "echo $(($(size %s) - $(size without)))",
	                       M3->tools, kinds, name))
	                      .out,
	              NULL, 10);
}

#define TABLE_BLOCKS 64
#define ENTRY_BYTES  16

START_TEST(a_chip_has_room_for_the_tracker)
{
	if (!can_emulate("a_chip_has_room_for_the_tracker", M3))
		return;
	build_library(M3);
	link_image(M3, "without", "", "cost.c", NULL);
	link_image(M3, "with", "-DTRACED", "cost.c", "log-malloc2-embedded");
	ck_assert_int_gt(more_bytes("$1", "with"), 4096);
	ck_assert_int_le(more_bytes("$1", "with"), 8192);
	ck_assert_int_le(more_bytes("$2 + $3", "with"), 100 + TABLE_BLOCKS * ENTRY_BYTES);
	build_library(&emulated_unwinding);
	link_image(&emulated_unwinding, "unwinding", "-DTRACED", "cost.c", "log-malloc2-embedded");
	ck_assert_int_le(more_bytes("$1", "unwinding"), 10240);
	ck_assert_int_le(more_bytes("$2 + $3", "unwinding"), 100 + TABLE_BLOCKS * ENTRY_BYTES);
	link_image(M3, "counted", "", "cost.c", "log-malloc2-count");
	ck_assert_int_gt(more_bytes("$1", "counted"), 100);
	ck_assert_int_le(more_bytes("$1", "counted"), 600);
}
END_TEST

static long instructions(const char *flags, const char *archive)
{
	link_image(M3, "pairs", flags, "pairs.c", archive);
	emulate(M3, "pairs");
	return strtol(must(run("cat instructions")).out, NULL, 10);
}

START_TEST(a_malloc_and_its_free_cost_few_instructions)
{
	long without, with;

	if (!can_emulate("a_malloc_and_its_free_cost_few_instructions", M3))
		return;
	build_library(M3);
	without = instructions("", NULL);
	ck_assert_int_gt(without, 20);
	/* With the real functions, and with what the ring takes. */
	with = instructions("-DTRACED", "log-malloc2-embedded");
	ck_assert_int_gt(with, without + 50);
	ck_assert_int_le(with, 400);
	with = instructions("", "log-malloc2-count");
	ck_assert_int_gt(with, without + 10);
	ck_assert_int_le(with, without + 110);
}
END_TEST

START_TEST(the_table_keeps_as_many_blocks_as_it_has_entries)
{
	if (!can_emulate("the_table_keeps_as_many_blocks_as_it_has_entries", M3))
		return;
	run_image(M3, "full", "", "");
	must(run("$B/log-malloc-cat trace >text 2>messages"));
	/* 50 entries, 60 blocks of which the last ten are released as blocks that are not known. */
	ck_assert_int_eq(
		run("[ $(grep -c '^+ malloc .* unkept=1$' text) = 10 ] && [ $(grep -c '^+ free .* !f$' text) = 10 ] && "
	            "[ $(grep -c '^+ free -10 ' text) = 150 ] && ! grep LOST text")
			.status,
		0);
	/* While tracing is off, the accounting goes on. */
	ck_assert_int_eq(run("grep -q '^+ free -11 0x[0-9a-f]* .0:0.$' text && ! grep 'malloc 11 ' text").status, 0);
}
END_TEST

START_TEST(counters_count_a_heap_of_freertos)
{
	if (!can_emulate("counters_count_a_heap_of_freertos", M3))
		return;
	build_library(M3);
	link_image(M3, "counted_heap", "", "counted_heap.c kernel.c", "log-malloc2-count");
	emulate(M3, "counted_heap");
}
END_TEST

START_TEST(counters_count_what_the_allocator_does)
{
	const struct emulated *chip = &emulated[_i];

	if (!can_emulate("counters_count_what_the_allocator_does", chip))
		return;
	build_library(chip);
	link_image(chip, "counts", "", "counts.c", "log-malloc2-count");
	emulate(chip, "counts");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("chip_cost");

	ONCE(a_chip_has_room_for_the_tracker);
	ONCE(a_malloc_and_its_free_cost_few_instructions);
	ONCE(the_table_keeps_as_many_blocks_as_it_has_entries);
	ONCE(counters_count_a_heap_of_freertos);
	TIMES(counters_count_what_the_allocator_does, CHIPS);
	return run_suite(suite);
}
