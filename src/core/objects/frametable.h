/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The sorted table of .eh_frame_hdr: where each function of an object begins, and
 * where its call frame information is. It is there in stripped objects, too. The
 * table is input, see image.h.
 */
#ifndef LM_FRAMETABLE_H
#define LM_FRAMETABLE_H

#include <stdint.h>

#include "headers.h"

/* Where the linker made no table, one can be made of .eh_frame: pairs of offsets from BASE, as the linker's has them.
 */
struct lm_frame_list {
	uintptr_t base;
	size_t count;
	int32_t (*pairs)[2]; /* sorted: where a function begins, and where its FDE is */
};

/* How a pointer is stored (LSB, "DWARF Exception Header Encoding"). */
enum {
	LM_ENC_OMIT = 0xff,
	LM_ENC_FORMAT = 0x0f,
	LM_ENC_ABSPTR = 0x00,
	LM_ENC_ULEB = 0x01,
	LM_ENC_UDATA2 = 0x02,
	LM_ENC_UDATA4 = 0x03,
	LM_ENC_UDATA8 = 0x04,
	LM_ENC_SLEB = 0x09,
	LM_ENC_SDATA2 = 0x0a,
	LM_ENC_SDATA4 = 0x0b,
	LM_ENC_SDATA8 = 0x0c,
	LM_ENC_BASE = 0x70,
	LM_ENC_PCREL = 0x10,
	LM_ENC_DATAREL = 0x30,
};

/* The last function that begins at PC or below: *START, and the address of its FDE. 0: the table has none. */
uintptr_t lm_frametable_find(const struct lm_loaded *loaded, uintptr_t pc, uintptr_t *start);

/* Did the linker make no table that can be searched, and is there no list either? */
int lm_frametable_is_missing(const struct lm_loaded *loaded);

#endif
