/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stands in for a chip that writes a trace, to a link or into its memory (src/format/ram.h): of either byte order and
 * word size. Its program allocates two blocks and releases the second one, again and again.
 */
#ifndef LM_TESTS_CHIP_H
#define LM_TESTS_CHIP_H

#include "ram.h"
#include "trace_format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHIP_MEMORY = 8192 };

struct chip {
	bool is_big;
	unsigned pointer_size, block_shift;
	enum lm_ram_kind kind;
	enum lm_format format;
	uint32_t caller_high, capacity;
	/* The rest is the chip's state. */
	unsigned char memory[CHIP_MEMORY];
	size_t area, size;           /* where the area begins; bytes of the whole buffer */
	uint32_t position, reserved; /* as in struct lm_ram */
};

/* What record number I of a trace says. Some are no events. */
struct chip_event {
	bool is_free;
	uint64_t pointer, size, frame; /* a release has no frame: 0 */
};
bool chip_is_event(size_t i);
struct chip_event chip_event(const struct chip *chip, size_t i);

enum { CHIP_RECORD = 160, CHIP_HEAD = 512 };

/* Makes that record in the chip's format. Its size. */
size_t chip_record(const struct chip *chip, size_t i, char record[CHIP_RECORD]);

/* Makes the lines that the trace begins with. Their size. */
size_t chip_head(const struct chip *chip, char head[CHIP_HEAD]);

/* Sets the buffer up, with HEAD as its first lines, of a multiple of eight bytes. */
void chip_begin(struct chip *chip, const char *head);

void chip_put32(struct chip *chip, size_t at, uint32_t value);

/* Makes the header's check right. */
void chip_check(struct chip *chip);

/* Where a record of SIZE bytes will end: the first step of adding one. */
void chip_reserve(struct chip *chip, size_t size);

/* The other steps. The second one can stop behind WRITTEN bytes. */
void chip_write(struct chip *chip, const void *record, size_t written);
void chip_finish(struct chip *chip);

/* All steps. */
void chip_add(struct chip *chip, const void *record, size_t size);

/* Sets an entry of the table of live blocks. */
void chip_set_live(struct chip *chip, size_t index, uint64_t block, uint32_t size, unsigned thread, uint64_t caller);

/* Fills a line up with blanks to a multiple of eight bytes, if the trace is packed. The line's size. */
size_t chip_fill(const struct chip *chip, char *line);

#endif
