/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The buffers that a dump can be read from (ram.h): what both kinds have in front of their area. */
#ifndef LM_RAM_HEAD_H
#define LM_RAM_HEAD_H

#include <stddef.h>

#include "ram.h"

/*
 * Begins a buffer of KIND in SIZE bytes at MEMORY: its header, and the head of a trace of FORMAT. The area behind it is
 * all zeros. The buffer can't be found yet. NULL: SIZE is too small. Called between lm_port_lock() and
 * lm_port_unlock().
 */
struct lm_ram *lm_ram_begin(void *memory, size_t size, enum lm_ram_kind kind, unsigned format);

/* From here on, it can be found. */
void lm_ram_show(struct lm_ram *ram);

static inline unsigned char *lm_ram_area(struct lm_ram *ram)
{
	return (unsigned char *)ram + ram->header + ram->preamble;
}

#endif
