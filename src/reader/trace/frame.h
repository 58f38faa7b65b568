/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One frame of a backtrace -> its parts. Reads what the tracker writes, what
 * glibc's backtrace_symbols() and backtrace_symbols_fd() give, and what people
 * type: OBJECT(SYMBOL+0xOFFSET)[0xADDRESS], OBJECT(+0xOFFSET), [0xADDRESS], 0xADDRESS.
 */
#ifndef LM_READER_FRAME_H
#define LM_READER_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame {
	const char *object; /* as it is written, with its \ooo; NULL if there is none */
	size_t object_len;
	const char *symbol; /* NULL if there is none */
	size_t symbol_len;
	uint64_t offset;  /* from the symbol; without one, from the object's load bias */
	uint64_t address; /* the return address */
	bool has_offset;
	bool has_address;
};

/* 0, or -EINVAL: TEXT is no frame. Pointers in FRAME point into TEXT. */
int frame_parse(const char *text, size_t len, struct frame *frame);

#endif
