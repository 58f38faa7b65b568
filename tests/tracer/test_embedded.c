/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Images for chips: their traces as the commands read them, what is lost when the link or the memory is full, and what
 * a user builds.
 */
#include "emulated.h"
#include "linked.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(leaks_are_named_on_each_chip_in_each_format)
{
	const struct emulated *chip = &emulated[_i / FORMATS];
	char flags[100];

	if (!can_emulate("leaks_are_named_on_each_chip_in_each_format", chip))
		return;
	snprintf(flags, sizeof flags, "-DFORMAT=LOG_MALLOC_%s", image_formats[_i % FORMATS]);
	run_image(chip, "formats", flags, "");
	marked_lines_leak("trace", "formats.c");
	ck_assert_int_eq(run("$B/log-malloc-cat trace >text 2>messages && ! [ -s messages ]").status, 0);
	/* The trace begins with the block that was there before. */
	ck_assert_int_eq(run("grep -A 1 '^+ INIT' text | grep -q '^+ malloc 10 '").status, 0);
	ck_assert_int_eq(run("[ $(grep -c '^+ memalign 100 .* (64) ' text) = 1 ] && [ $(grep -c '!e12$' text) = 2 ] && "
	                     "grep -q '^+ FINI .3039:0.$' text && ! grep -q '!f' text")
	                         .status,
	                 0);
}
END_TEST

START_TEST(a_program_that_only_libc_allocates_for_is_traced)
{
	const struct emulated *chip = &emulated[_i / FORMATS];
	char flags[100];

	if (!can_emulate("a_program_that_only_libc_allocates_for_is_traced", chip))
		return;
	snprintf(flags, sizeof flags, "-DFORMAT=LOG_MALLOC_%s", image_formats[_i % FORMATS]);
	run_image(chip, "strdup", flags, "");
	must(run("$B/log-malloc-cat trace >text 2>messages"));
	ck_assert_int_eq(
		run("grep -q '^+ malloc 13 ' text && grep -q '^# MODULE 0-f* 0 [-0-9a-f]* firmware.elf$' text").status,
		0);
}
END_TEST

/* How a program is compiled: with the tables of exceptions and without, with frame pointers and without. */
static const char *const compiled[] = {"-Os -funwind-tables", "-O0 -funwind-tables", "-Os", "-O0"};

START_TEST(backtraces_lead_to_the_start_of_the_program)
{
	static const char expected[] = "[\"inner\",\"middle\",\"outer\",\"main\",\"reset\"]\n"
				       "[\"_strdup_r\",\"inner\",\"middle\",\"outer\",\"main\",\"reset\"]\n";
	char flags[200];

	if (!can_emulate("backtraces_lead_to_the_start_of_the_program", &emulated_unwinding))
		return;
	snprintf(flags, sizeof flags, "%s -DFORMAT=LOG_MALLOC_%s", compiled[_i / FORMATS], image_formats[_i % FORMATS]);
	run_image(&emulated_unwinding, "deep", flags, "");
	ck_assert_str_eq(
		must(run("$B/log-malloc-findleak --format json trace 2>messages | "
	                 "jq -c '.leaks | sort_by(-.bytes) | .[].backtrace | map(.function)' >found; cat found"))
			.out,
		expected);
	ck_assert_int_eq(run("[ -s messages ]").status, 1);
	/* What was searched on the stack is told. newlib has no tables. */
	ck_assert_int_eq(run("grep -q '^# GUESSED 0x[0-9a-f]* *$' trace").status, 0);
}
END_TEST

START_TEST(callers_of_operators_are_found)
{
	if (!can_emulate("callers_of_operators_are_found", &emulated_unwinding))
		return;
	build_library(&emulated_unwinding);
	link_image(&emulated_unwinding, "operators", "-fno-exceptions", "operators.cc", "log-malloc2-embedded");
	emulate(&emulated_unwinding, "operators");
	ck_assert_str_eq(must(run("$B/log-malloc-findleak --format json trace 2>messages | "
	                          "jq -c '.leaks[] | [.bytes, .backtrace[1].function, .backtrace[2].function]' >found; "
	                          "cat found"))
	                         .out,
	                 "[20,\"leak\",\"main\"]\n");
}
END_TEST

START_TEST(tasks_of_freertos_are_threads)
{
	char flags[100];

	if (!can_emulate("tasks_of_freertos_are_threads", M3))
		return;
	snprintf(flags, sizeof flags, "-DFORMAT=LOG_MALLOC_%s", image_formats[_i]);
	run_image(M3, "tasks", flags, "kernel.c");
	marked_lines_leak("trace", "tasks.c");
	must(run("$B/log-malloc-cat trace >text"));
	ck_assert_int_eq(run("grep -q '^# THREAD 1 0 main$' text && grep -q '^# THREAD 2 [1-9][0-9]* reader$' text && "
	                     "grep -q '^# THREAD 3 [1-9][0-9]* sender$' text && grep -q '^# TIME [1-9]' text")
	                         .status,
	                 0);
	/* Two leaks, and all that the tasks allocate and release. */
	ck_assert_int_eq(run("[ $(grep -c '^+ malloc 111 .* thread=2$' text) = 1 ] && "
	                     "[ $(grep -c '^+ malloc 222 .* thread=3$' text) = 1 ] && "
	                     "[ $(grep -c '^+ malloc ' text) = 602 ] && [ $(grep -c '^+ free ' text) = 600 ] && "
	                     "! grep -q '!f\\|unseen\\|LOST' text")
	                         .status,
	                 0);
}
END_TEST

START_TEST(a_handler_that_can_not_wait_is_lost_and_a_handle_can_be_used_again)
{
	if (!can_emulate("a_handler_that_can_not_wait_is_lost_and_a_handle_can_be_used_again", M3))
		return;
	run_image(M3, "handles", "-Wl,--wrap=pool_get -Wl,--wrap=pool_put", "pool.c");
	/* The line of thread 4 is interrupted. The handler's block is not known when it is released. */
	ck_assert_str_eq(must(run("sed -n '/^+ INIT/,${s/ 0x.*\\( !f\\)/\\1/; s/ 0x[^t]*//; s/^# THREAD \\(.\\) .*/# "
	                          "THREAD \\1/; "
	                          "/^.0x/d; p; }' trace"))
	                         .out,
	                 "+ INIT [0:0]\n"
	                 "+ malloc 50\n"
	                 "# THREAD 2\n"
	                 "+ malloc 11thread=2\n"
	                 "+ free -11thread=2\n"
	                 "+ free -50\n"
	                 "+ malloc 50\n"
	                 "# THREAD 3\n"
	                 "+ malloc 12thread=3\n"
	                 "+ free -12thread=3\n"
	                 "+ free -50\n"
	                 "# THREAD 4\n"
	                 "# LOST 1\n"
	                 "+ malloc 13thread=4\n"
	                 "+ free -13thread=4\n"
	                 "+ free -0 !f thread=4\n");
}
END_TEST

START_TEST(a_heap_of_zephyr_is_known_by_its_listener)
{
	if (!can_emulate("a_heap_of_zephyr_is_known_by_its_listener", &emulated_unwinding))
		return;
	run_image(&emulated_unwinding, "listener", "-I$S/tests/embedded/zephyr", "zephyr/heap.c");
	ck_assert_int_eq(run("grep -q '^# THREAD 2 [0-9]* worker$' trace && grep -q '^# TIME 5000$' trace && "
	                     "grep -q '^+ malloc 66 .* thread=2$' trace && grep -q '^+ free -66 .* thread=2$' trace")
	                         .status,
	                 0);
	ck_assert_str_eq(must(run("$B/log-malloc-findleak --format json trace 2>messages | "
	                          "jq -c '.leaks[] | [.bytes, .backtrace[1].function]' >found; cat found"))
	                         .out,
	                 "[55,\"leak\"]\n");
}
END_TEST

START_TEST(a_leak_in_an_interrupt_handler_is_named)
{
	char flags[200];

	if (!can_emulate("a_leak_in_an_interrupt_handler_is_named", M3))
		return;
	snprintf(flags, sizeof flags, "-DFORMAT=LOG_MALLOC_%s -Wl,--wrap=pool_get -Wl,--wrap=pool_put",
	         image_formats[_i]);
	run_image(M3, "interrupt", flags, "pool.c");
	marked_lines_leak("trace", "interrupt.c");
	must(run("$B/log-malloc-cat trace >text"));
	/* Each run of the handler allocates, and it runs 30 times. */
	ck_assert_int_eq(run("! grep -q '!f\\|unseen\\|LOST' text && [ $(grep -c '^+ malloc 12 ' text) = 30 ]").status,
	                 0);
	/* The handler is no thread. Packed records can't tell that from one that is not known. */
	if (strcmp(image_formats[_i], "PACKED") == 0)
		return;
	ck_assert_int_eq(run("grep -q '^+ malloc 33 .* thread=0$' text && ! grep '^+ malloc 12 .*[^0]$' text && "
	                     "! grep '^+ malloc 20 .* thread=' text")
	                         .status,
	                 0);
}
END_TEST

START_TEST(a_realloc_whose_old_block_is_handed_out_meanwhile_is_two_records)
{
	char flags[200];

	if (!can_emulate("a_realloc_whose_old_block_is_handed_out_meanwhile_is_two_records", M3))
		return;
	snprintf(flags, sizeof flags,
	         "-DFORMAT=LOG_MALLOC_%s -Wl,--wrap=pool_get -Wl,--wrap=pool_put -Wl,--wrap=pool_resize",
	         image_formats[_i]);
	run_image(M3, "moving", flags, "pool.c resize.c");
	must(run("$B/log-malloc-cat trace >text"));
	/* In this order, and the block of the handler has the old address. */
	ck_assert_str_eq(
		must(run("old=$(awk '/^. malloc 30/ { print $4 }' text); sed -n '/^+ INIT/,$s/ .[0-9]*:0].*//p' text | "
	                 "sed \"s/$old/OLD/; s/0x2[0-9a-f]*/NEW/\" | grep '^+'"))
			.out,
		"+ INIT\n"
		"+ malloc 30 OLD\n"
		"+ realloc -30 OLD (nil) (30 0)\n"
		"+ malloc 5 OLD\n"
		"+ realloc 40 (nil) NEW (0 40)\n"
		"+ free -5 OLD\n"
		"+ free -40 NEW\n");
}
END_TEST

START_TEST(a_link_that_drops_bytes_loses_whole_records_and_counts_them)
{
	const struct emulated *chip = &emulated[_i / FORMATS];
	char flags[100];
	uint64_t events, lost, broken;

	if (!can_emulate("a_link_that_drops_bytes_loses_whole_records_and_counts_them", chip))
		return;
	snprintf(flags, sizeof flags, "-DFORMAT=LOG_MALLOC_%s", image_formats[_i % FORMATS]);
	run_image(chip, "drops", flags, "");
	run("$B/log-malloc-cat trace >text 2>messages");
	events = strtoull(must(run("grep -c '^+ [mf]' text")).out, NULL, 10);
	lost = strtoull(must(run("awk '/^# LOST/ { sum += $3 } END { print sum }' text")).out, NULL, 10);
	/* A reader tells of records that break off, or counts them itself. */
	broken = strtoull(must(run("awk '/trace:[0-9]+: / { sum++ } / more lines could not be read/ { sum += $3 } "
	                           "END { print sum + 0 }' messages"))
	                          .out,
	                  NULL, 10);
	/* 400 pairs and the leak. */
	ck_assert_uint_eq(events + lost + broken, 801);
	ck_assert_uint_gt(lost, 20);
	/* What is there is true: no address and no size that the program did not have. */
	ck_assert_int_eq(
		run("! grep '^+ [mf]' text | awk '{ size = $3 < 0 ? -$3 : $3; if (size && (size < 10 || size > 409)) "
	            "print }' | grep .")
			.status,
		0);
	ck_assert_int_eq(run("grep -A 1 '^+ malloc 77 ' text | grep -q '^.0x'").status, 0);
}
END_TEST

/* ---- what a user builds -------------------------------------------------------------------- */

START_TEST(functions_that_make_is_told_of_are_traced)
{
	static const struct emulated named = {"m3-named", "arm-none-eabi-",
	                                      CORTEX_M3,  M3_BOARD "--specs=nosys.specs",
	                                      M3_QEMU,    "EMBEDDED_FUNCTIONS=\"pool_get:MALLOC pool_put:FREE\""};

	if (!can_emulate("functions_that_make_is_told_of_are_traced", &named))
		return;
	run_image(&named, "interrupt", "-DFORMAT=LOG_MALLOC_FULL -DNAMED_TO_MAKE", "pool.c");
	marked_lines_leak("trace", "interrupt.c");
}
END_TEST

START_TEST(the_example_is_built_and_run_by_its_makefile)
{
	static const char *const boards[] = {"cortex-m3", "riscv64"};
	const struct emulated *chip = _i ? &emulated[CHIPS - 1] : M3;

	if (!can_emulate("the_example_is_built_and_run_by_its_makefile", chip))
		return;
	must(run("cp -r $S/examples/embedded example && PATH=$B:$PATH && unset MAKEFLAGS MFLAGS CC CXX CFLAGS LM_BUILD "
	         "&& "
	         "make -C example LOG_MALLOC=$S BOARD=%s run >out 2>&1 || { cat out; false; }",
	         boards[_i]));
	ck_assert_int_eq(run("grep -q 'measure  .*leak.c:18 ' out && grep -q 'set_name  .*leak.c:25 ' out && "
	                     "grep -q '^Total: 3 blocks, 23 bytes' out")
	                         .status,
	                 0);
}
END_TEST

START_TEST(what_is_installed_links_the_example_by_cmake)
{
	if (!can_emulate("what_is_installed_links_the_example_by_cmake", M3) ||
	    !can_run("what_is_installed_links_the_example_by_cmake", "cmake"))
		return;
	must(run("unset CC CXX; " MAKE
	         "install-embedded B=$PWD/build CROSS_COMPILE=%s CFLAGS='%s -Os -g' prefix=$PWD/there",
	         M3->tools, M3->flags));
	ck_assert_int_eq(
		run("cd there && find . -type f | sort | tr '\\n' ' ' | grep -qx './include/log-malloc2-embedded.h "
	            "./include/log-malloc2-zephyr.h ./include/log-malloc2.h ./include/log-malloc2_util.h "
	            "./lib/liblog-malloc2-count.a ./lib/liblog-malloc2-embedded.a "
	            "./lib/pkgconfig/log-malloc2-count.pc ./lib/pkgconfig/log-malloc2-embedded.pc "
	            "./share/man/man7/log-malloc2-embedded.7 '")
			.status,
		0);
	must(run("cp -r $S/examples/embedded example && cd example && unset CC CFLAGS && "
	         "export PKG_CONFIG_PATH=$PWD/../there/lib/pkgconfig && "
	         "cmake -B made -DCMAKE_TOOLCHAIN_FILE=$PWD/cortex-m3.cmake >out 2>&1 && cmake --build made >>out 2>&1 "
	         "|| "
	         "{ cat out; false; }"));
	must(run("cp example/made/leak.elf ."));
	emulate(M3, "leak");
	ck_assert_int_eq(run("$B/log-malloc-findleak leak.trace 2>messages | grep -q 'set_name  .*leak.c:25 '").status,
	                 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("embedded");

	TIMES(leaks_are_named_on_each_chip_in_each_format, CHIPS * FORMATS);
	TIMES(a_program_that_only_libc_allocates_for_is_traced, CHIPS * FORMATS);
	TIMES(backtraces_lead_to_the_start_of_the_program, (int)(sizeof compiled / sizeof *compiled) * FORMATS);
	ONCE(callers_of_operators_are_found);
	TIMES(tasks_of_freertos_are_threads, FORMATS);
	ONCE(a_handler_that_can_not_wait_is_lost_and_a_handle_can_be_used_again);
	ONCE(a_heap_of_zephyr_is_known_by_its_listener);
	TIMES(a_leak_in_an_interrupt_handler_is_named, FORMATS);
	TIMES(a_realloc_whose_old_block_is_handed_out_meanwhile_is_two_records, FORMATS);
	TIMES(a_link_that_drops_bytes_loses_whole_records_and_counts_them, 1 * FORMATS);
	ONCE(functions_that_make_is_told_of_are_traced);
	TIMES(the_example_is_built_and_run_by_its_makefile, 2);
	ONCE(what_is_installed_links_the_example_by_cmake);
	return run_suite(suite);
}
