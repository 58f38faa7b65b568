/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Images for chips, run by qemu-system: their traces as the commands read them, what
 * is lost when the link or the memory is full, and what all of it costs. The images are
 * in tests/embedded, their boards in examples/embedded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linked.h"
#include "ram.h"
#include "support.h"
#include "trace_format.h"

/* A chip and its libc: the names of the tools, flags to compile with, what a program is linked with, and an emulator.
 */
struct chip {
	const char *name, *tools, *flags, *board, *emulator;
	const char *settings; /* of make, or NULL */
};

#define PICOLIBC(flash, ram)                                                                                           \
	"-Wl,--defsym=__flash=" flash ",--defsym=__flash_size=256K,--defsym=__ram=" ram ",--defsym=__ram_size=64K"
#define CORTEX_M3 "-mcpu=cortex-m3 -mthumb"
#define M3_BOARD  "$S/examples/embedded/cortex-m3.c -nostartfiles -T $S/examples/embedded/cortex-m3.ld "
#define M3_QEMU   "qemu-system-arm -M lm3s6965evb"

static const struct chip chips[] = {
	{"m3-newlib", "arm-none-eabi-", CORTEX_M3, M3_BOARD "--specs=nosys.specs", M3_QEMU, NULL},
	{"m3-nano", "arm-none-eabi-", CORTEX_M3, M3_BOARD "--specs=nano.specs --specs=nosys.specs", M3_QEMU, NULL},
	{"m3-picolibc", "arm-none-eabi-", CORTEX_M3 " --specs=picolibc.specs", PICOLIBC("0", "0x20000000"), M3_QEMU,
         NULL},
	{"riscv64-picolibc", "riscv64-unknown-elf-", "-march=rv64gc -mabi=lp64d -mcmodel=medany --specs=picolibc.specs",
         PICOLIBC("0x80000000", "0x80400000"), "qemu-system-riscv64 -M virt -bios none", NULL},
};

#define M3    (&chips[0])
#define CHIPS ((int)(sizeof chips / sizeof *chips))

/* The first of them, with backtraces. */
static const struct chip unwinding = {"m3-exidx", "arm-none-eabi-",
                                      CORTEX_M3,  M3_BOARD "--specs=nosys.specs -lstdc++",
                                      M3_QEMU,    "EMBEDDED_UNWIND=exidx"};

static const char *const formats[] = {"FULL", "COMPACT", "PACKED"};
#define FORMATS ((int)(sizeof formats / sizeof *formats))

static bool can_emulate(const char *test, const struct chip *chip)
{
	char compiler[100], emulator[100];

	snprintf(compiler, sizeof compiler, "%sgcc", chip->tools);
	snprintf(emulator, sizeof emulator, "%.*s", (int)strcspn(chip->emulator, " "), chip->emulator);
	return can_run(test, compiler) && can_run(test, emulator) && can_run(test, "jq");
}

/* ---- building and running ------------------------------------------------------------ */

/* Builds the archive for CHIP, unless an earlier test has. */
static void build_library(const struct chip *chip)
{
	struct run made = run(
		"mkdir -p $B/tests/scratch/chips && exec 9>$B/tests/scratch/chips/lock && flock 9 && unset CC CXX && "
		"[ -e $B/tests/scratch/chips/%s/built ] || { " MAKE
		"embedded B=$B/tests/scratch/chips/%s CROSS_COMPILE=%s CFLAGS='%s -Os -g' %s && "
		"touch $B/tests/scratch/chips/%s/built; }",
		chip->name, chip->name, chip->tools, chip->flags, chip->settings ? chip->settings : "", chip->name);

	ck_assert_msg(made.status == 0 && !*made.err, "make embedded: %.800s", made.err);
}

/* Links SOURCES of tests/embedded, with FLAGS in front of the archive's, into NAME.elf. ARCHIVE: the .pc file, or NULL.
 */
static void link_image(const struct chip *chip, const char *name, const char *flags, const char *sources,
                       const char *archive)
{
	struct run linked;

	linked = run(
		"sources=; for s in %s; do sources=\"$sources $S/tests/embedded/$s\"; done; "
		"pc=%s; flags=; [ -z \"$pc\" ] || flags=$(PKG_CONFIG_PATH=$B/tests/scratch/chips/%s/pkgconfig "
		"${PKG_CONFIG:-pkg-config} --cflags --libs \"$pc\") && "
		"%sgcc %s -O1 -g -Wall -Wextra -Werror -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc "
		"-fno-builtin-free -I$S/include -I$S/examples/embedded -I$S/tests/embedded %s $sources %s "
		"-Wl,--gc-sections $flags -o %s.elf",
		sources, archive ? archive : "", chip->name, chip->tools, chip->flags, flags, chip->board, name);
	ck_assert_msg(linked.status == 0, "%s: %.1500s", name, linked.err);
}

/*
 * Runs NAME.elf, which ends the emulation with status 0 if all is as it expects. Its time goes by instructions, so each
 * run is the same.
 */
static void emulate(const struct chip *chip, const char *name)
{
	struct run ran = run(
		"timeout 20 %s -icount shift=0 -display none -monitor none -serial none -semihosting -kernel %s.elf",
		chip->emulator, name);

	ck_assert_msg(ran.status == 0, "%s: status %d %.400s%.400s", name, ran.status, ran.out, ran.err);
}

/* All of that, for a source of the image's name and others. */
static void run_image(const struct chip *chip, const char *name, const char *flags, const char *others)
{
	char sources[200];

	build_library(chip);
	snprintf(sources, sizeof sources, "%s.c %s", name, others);
	link_image(chip, name, flags, sources, "log-malloc2-embedded");
	emulate(chip, name);
}

/* ---- judging ---------------------------------------------------------------------------- */

/* The leaks of TRACE are the lines of SOURCE that have the mark, and no others; their function is named. */
static void marked_lines_leak(const char *trace, const char *source)
{
	struct run expected = must(run("grep -n '/. leak ./' $S/tests/embedded/%s | sed 's/:.*//' | sort -n", source));
	struct run found =
		run("log=$($B/log-malloc-findleak --format json %s 2>messages); "
	            "jq -r '.leaks[].backtrace[0] | select(.file | endswith(\"/%s\")) | .line' <<<\"$log\" | "
	            "sort -n; jq -r '.leaks[].backtrace[0].function' <<<\"$log\" | grep -v '^leak_\\|^leak$'",
	            trace, source);

	struct run messages = run("cat messages");

	ck_assert_msg(strcmp(expected.out, found.out) == 0, "expected:\n%sfound:\n%s%s", expected.out, found.out,
	              messages.out);
}

/* ---- images -------------------------------------------------------------------------------- */

START_TEST(leaks_are_named_on_each_chip_in_each_format)
{
	const struct chip *chip = &chips[_i / FORMATS];
	char flags[100];

	if (!can_emulate("leaks_are_named_on_each_chip_in_each_format", chip))
		return;
	snprintf(flags, sizeof flags, "-DFORMAT=LOG_MALLOC_%s", formats[_i % FORMATS]);
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
	const struct chip *chip = &chips[_i / FORMATS];
	char flags[100];

	if (!can_emulate("a_program_that_only_libc_allocates_for_is_traced", chip))
		return;
	snprintf(flags, sizeof flags, "-DFORMAT=LOG_MALLOC_%s", formats[_i % FORMATS]);
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

	if (!can_emulate("backtraces_lead_to_the_start_of_the_program", &unwinding))
		return;
	snprintf(flags, sizeof flags, "%s -DFORMAT=LOG_MALLOC_%s", compiled[_i / FORMATS], formats[_i % FORMATS]);
	run_image(&unwinding, "deep", flags, "");
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
	if (!can_emulate("callers_of_operators_are_found", &unwinding))
		return;
	build_library(&unwinding);
	link_image(&unwinding, "operators", "-fno-exceptions", "operators.cc", "log-malloc2-embedded");
	emulate(&unwinding, "operators");
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
	snprintf(flags, sizeof flags, "-DFORMAT=LOG_MALLOC_%s", formats[_i]);
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
	if (!can_emulate("a_heap_of_zephyr_is_known_by_its_listener", &unwinding))
		return;
	run_image(&unwinding, "listener", "-I$S/tests/embedded/zephyr", "zephyr/heap.c");
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
	snprintf(flags, sizeof flags, "-DFORMAT=LOG_MALLOC_%s -Wl,--wrap=pool_get -Wl,--wrap=pool_put", formats[_i]);
	run_image(M3, "interrupt", flags, "pool.c");
	marked_lines_leak("trace", "interrupt.c");
	must(run("$B/log-malloc-cat trace >text"));
	/* Each run of the handler allocates, and it runs 30 times. */
	ck_assert_int_eq(run("! grep -q '!f\\|unseen\\|LOST' text && [ $(grep -c '^+ malloc 12 ' text) = 30 ]").status,
	                 0);
	/* The handler is no thread. Packed records can't tell that from one that is not known. */
	if (strcmp(formats[_i], "PACKED") == 0)
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
	         "-DFORMAT=LOG_MALLOC_%s -Wl,--wrap=pool_get -Wl,--wrap=pool_put -Wl,--wrap=pool_resize", formats[_i]);
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
	const struct chip *chip = &chips[_i / FORMATS];
	char flags[100];
	uint64_t events, lost, broken;

	if (!can_emulate("a_link_that_drops_bytes_loses_whole_records_and_counts_them", chip))
		return;
	snprintf(flags, sizeof flags, "-DFORMAT=LOG_MALLOC_%s", formats[_i % FORMATS]);
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
	static const struct chip named = {"m3-named", "arm-none-eabi-",
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
	const struct chip *chip = _i ? &chips[CHIPS - 1] : M3;

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

/* ---- memory that is taken out --------------------------------------------------------------- */

/* The first buffer of KIND in the file "dump", by the rules of ram.h; AREA is its area. */
static struct lm_ram find_buffer(enum lm_ram_kind kind, const unsigned char **area)
{
	size_t size;
	const unsigned char *dump = (const unsigned char *)read_file("dump", &size);
	struct lm_ram found = {0};
	uint32_t words[6];

	for (size_t at = 0; at + sizeof found <= size; at += 4) {
		memcpy(&found, dump + at, sizeof found);
		if (memcmp(found.magic, LM_RAM_MAGIC, LM_RAM_MAGIC_SIZE) != 0)
			continue;
		memcpy(words, &found.order, sizeof words);
		ck_assert_uint_eq(found.order, LM_RAM_ORDER);
		ck_assert_uint_eq(found.version, LM_RAM_VERSION);
		ck_assert_uint_eq(found.check, lm_ram_check(words));
		ck_assert_uint_le(at + found.header + found.preamble + found.capacity, size);
		*area = dump + at + found.header + found.preamble;
		if (found.kind != kind)
			continue;
		write_file("preamble", (const char *)*area - found.preamble, found.preamble);
		return found;
	}
	ck_abort_msg("the dump has no buffer of kind %d", (int)kind);
}

/* What the ring has: from the oldest byte that is to be believed to the last one. */
static void read_ring(const struct lm_ram *ram, const unsigned char *area)
{
	uint32_t from = ram->reserved & ~LM_RAM_WRAPPED, to = ram->position & ~LM_RAM_WRAPPED;
	char *bytes = malloc(ram->capacity);
	uint32_t size = 0;

	if (!(ram->reserved & LM_RAM_WRAPPED))
		from = 0;
	else if (to <= from)
		to += ram->capacity;
	while (from + size < to) {
		bytes[size] = (char)area[(from + size) % ram->capacity];
		size++;
	}
	write_file("ring", bytes, size);
	free(bytes);
	/* The rest of a record whose beginning was overwritten. */
	must(run("{ cat preamble; if %s; then sed '1,/^/{/^[+#]/!d}' ring; else cat ring; fi; } >trace",
	         ram->reserved & LM_RAM_WRAPPED && ram->format != LM_FORMAT_PACKED ? "true" : "false"));
}

START_TEST(the_last_records_can_be_taken_out_of_the_memory)
{
	/* A ring that was not full, and one that began anew several times. */
	const bool is_full = _i % 2;
	const unsigned char *area;
	struct lm_ram ram;
	char flags[100];

	if (!can_emulate("the_last_records_can_be_taken_out_of_the_memory", M3))
		return;
	snprintf(flags, sizeof flags, "-DFORMAT=LOG_MALLOC_%s -DROUNDS=%d", formats[_i / 2], is_full ? 500 : 5);
	run_image(M3, "dump", flags, "");
	ram = find_buffer(LM_RAM_RECORDS, &area);
	ck_assert_uint_eq(ram.position, ram.reserved);
	ck_assert_uint_eq(!!(ram.position & LM_RAM_WRAPPED), is_full);
	read_ring(&ram, area);
	must(run("$B/log-malloc-cat trace >text 2>messages"));
	ck_assert_int_eq(run("grep -q '^+ calloc 32 .* (4 8)$' text").status, 0);
	ck_assert_int_eq(run("[ $(grep -c '^+ free' text) %s 5 ]", is_full ? "-gt" : "=").status, 0);
	if (!is_full)
		marked_lines_leak("trace", "dump.c");
}
END_TEST

START_TEST(what_is_live_can_be_taken_out_of_the_memory)
{
	const struct lm_ram_entry *entries;
	const unsigned char *area;
	struct lm_ram ram;
	FILE *trace;

	if (!can_emulate("what_is_live_can_be_taken_out_of_the_memory", M3))
		return;
	run_image(M3, "dump", "-DFORMAT=LOG_MALLOC_PACKED -DROUNDS=1000", "");
	ram = find_buffer(LM_RAM_LIVE, &area);
	entries = (const struct lm_ram_entry *)(const void *)area;
	trace = fopen(must(run("printf %%s $PWD/live")).out, "w");
	for (uint32_t i = 0; i < ram.capacity / sizeof *entries; i++) {
		uint32_t size = entries[i].size & LM_RAM_SIZE_MAX;

		if (!entries[i].block || entries[i].size >> LM_RAM_SIZE_BITS == LM_RAM_THREAD_OTHER)
			continue;
		fprintf(trace, "+ malloc %u 0x%x [%u:0]\n[0x%x]\n", size, entries[i].block, size, entries[i].caller);
	}
	fclose(trace);
	must(run("cat preamble live >trace"));
	marked_lines_leak("trace", "dump.c");
}
END_TEST

/* ---- what it costs --------------------------------------------------------------------------- */

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
	build_library(&unwinding);
	link_image(&unwinding, "unwinding", "-DTRACED", "cost.c", "log-malloc2-embedded");
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
	const struct chip *chip = &chips[_i];

	if (!can_emulate("counters_count_what_the_allocator_does", chip))
		return;
	build_library(chip);
	link_image(chip, "counts", "", "counts.c", "log-malloc2-count");
	emulate(chip, "counts");
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
	TIMES(the_last_records_can_be_taken_out_of_the_memory, FORMATS * 2);
	ONCE(what_is_live_can_be_taken_out_of_the_memory);
	ONCE(a_chip_has_room_for_the_tracker);
	ONCE(a_malloc_and_its_free_cost_few_instructions);
	ONCE(the_table_keeps_as_many_blocks_as_it_has_entries);
	ONCE(counters_count_a_heap_of_freertos);
	TIMES(counters_count_what_the_allocator_does, CHIPS);
	return run_suite(suite);
}
