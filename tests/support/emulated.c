/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See emulated.h. */
#include "emulated.h"
#include "linked.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

#define PICOLIBC(flash, ram)                                                                                           \
	"-Wl,--defsym=__flash=" flash ",--defsym=__flash_size=256K,--defsym=__ram=" ram ",--defsym=__ram_size=64K"

const struct emulated emulated[CHIPS] = {
	{"m3-newlib", "arm-none-eabi-", CORTEX_M3, M3_BOARD "--specs=nosys.specs", M3_QEMU, NULL},
	{"m3-nano", "arm-none-eabi-", CORTEX_M3, M3_BOARD "--specs=nano.specs --specs=nosys.specs", M3_QEMU, NULL},
	{"m3-picolibc", "arm-none-eabi-", CORTEX_M3 " --specs=picolibc.specs", PICOLIBC("0", "0x20000000"), M3_QEMU,
         NULL},
	{"riscv64-picolibc", "riscv64-unknown-elf-", "-march=rv64gc -mabi=lp64d -mcmodel=medany --specs=picolibc.specs",
         PICOLIBC("0x80000000", "0x80400000"), "qemu-system-riscv64 -M virt -bios none", NULL},
};

const struct emulated emulated_unwinding = {"m3-exidx", "arm-none-eabi-",
                                            CORTEX_M3,  M3_BOARD "--specs=nosys.specs -lstdc++",
                                            M3_QEMU,    "EMBEDDED_UNWIND=exidx"};

const char *const image_formats[FORMATS] = {"FULL", "COMPACT", "PACKED"};

bool can_emulate(const char *test, const struct emulated *chip)
{
	char compiler[100], emulator[100];

	snprintf(compiler, sizeof compiler, "%sgcc", chip->tools);
	snprintf(emulator, sizeof emulator, "%.*s", (int)strcspn(chip->emulator, " "), chip->emulator);
	return can_run(test, compiler) && can_run(test, emulator) && can_run(test, "jq");
}

void build_library(const struct emulated *chip)
{
	struct run made = run(
		"mkdir -p $B/tests/scratch/chips && exec 9>$B/tests/scratch/chips/lock && flock 9 && unset CC CXX && "
		"[ -e $B/tests/scratch/chips/%s/built ] || { " MAKE
		"embedded B=$B/tests/scratch/chips/%s CROSS_COMPILE=%s CFLAGS='%s -Os -g' %s && "
		"touch $B/tests/scratch/chips/%s/built; }",
		chip->name, chip->name, chip->tools, chip->flags, chip->settings ? chip->settings : "", chip->name);

	ck_assert_msg(made.status == 0 && !*made.err, "make embedded: %.800s", made.err);
}

void link_image(const struct emulated *chip, const char *name, const char *flags, const char *sources,
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

void emulate(const struct emulated *chip, const char *name)
{
	struct run ran = run(
		"timeout 20 %s -icount shift=0 -display none -monitor none -serial none -semihosting -kernel %s.elf",
		chip->emulator, name);

	ck_assert_msg(ran.status == 0, "%s: status %d %.400s%.400s", name, ran.status, ran.out, ran.err);
}

void run_image(const struct emulated *chip, const char *name, const char *flags, const char *others)
{
	char sources[200];

	build_library(chip);
	snprintf(sources, sizeof sources, "%s.c %s", name, others);
	link_image(chip, name, flags, sources, "log-malloc2-embedded");
	emulate(chip, name);
}

void marked_lines_leak(const char *trace, const char *source)
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
