/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Splits one frame of a backtrace into its parts. Frames can be the tracker's,
 * those of glibc's backtrace_symbols() and backtrace_symbols_fd(), or typed by a user:
 * OBJECT(SYMBOL+0xOFFSET)[0xADDRESS], OBJECT(+0xOFFSET), [0xADDRESS], 0xADDRESS.
 */
#ifndef LM_READER_FRAME_H
#define LM_READER_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame {
	const char *object; /* as it is written, \ooo included; NULL if there is none */
	size_t object_len;
	const char *symbol; /* NULL if there is none */
	size_t symbol_len;
	uint64_t offset;  /* from the symbol, or without a symbol from the object's load bias */
	uint64_t address; /* the return address */
	bool has_offset;
	bool has_address;
};

/* Returns 0, or -EINVAL if TEXT is no frame. Pointers in FRAME point into TEXT. */
int frame_parse(const char *text, size_t len, struct frame *frame);

#endif
