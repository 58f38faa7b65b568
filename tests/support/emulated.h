/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Images for chips, which qemu-system runs. The images are in tests/embedded, their boards in examples/embedded.
 */
#ifndef LM_TESTS_EMULATED_H
#define LM_TESTS_EMULATED_H

#include <stdbool.h>

/* A chip and its libc: the names of the tools, flags to compile with, what a program is linked with, and an emulator.
 */
struct emulated {
	const char *name, *tools, *flags, *board, *emulator;
	const char *settings; /* of make, or NULL */
};

enum { CHIPS = 4, FORMATS = 3 };

extern const struct emulated emulated[CHIPS];

#define M3 (&emulated[0])

/* Its flags, its board and its emulator. */
#define CORTEX_M3 "-mcpu=cortex-m3 -mthumb"
#define M3_BOARD  "$S/examples/embedded/cortex-m3.c -nostartfiles -T $S/examples/embedded/cortex-m3.ld "
#define M3_QEMU   "qemu-system-arm -M lm3s6965evb"

/* The first of them, with backtraces. */
extern const struct emulated emulated_unwinding;

/* The formats of a trace, as the API calls them. */
extern const char *const image_formats[FORMATS];

bool can_emulate(const char *test, const struct emulated *chip);

/* Builds the archive for CHIP, unless an earlier test has. */
void build_library(const struct emulated *chip);

/* Links SOURCES of tests/embedded, with FLAGS in front of the archive's, into NAME.elf. ARCHIVE: the .pc file, or NULL.
 */
void link_image(const struct emulated *chip, const char *name, const char *flags, const char *sources,
                const char *archive);

/*
 * Runs NAME.elf, which ends the emulation with status 0 if all is as it expects. Its time goes by instructions, so each
 * run is the same.
 */
void emulate(const struct emulated *chip, const char *name);

/* All of that, for a source of the image's name and others. */
void run_image(const struct emulated *chip, const char *name, const char *flags, const char *others);

/* The leaks of TRACE are the lines of SOURCE that have the mark, and no others; their function is named. */
void marked_lines_leak(const char *trace, const char *source);

#endif
