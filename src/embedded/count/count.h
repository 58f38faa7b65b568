/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Counters alone: what is counted for each call. Bytes are those that the allocator says
 * are usable, as nothing is kept of a block. Interrupts are masked for some instructions.
 */
#ifndef LM_COUNT_H
#define LM_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "log-malloc2-embedded.h"

/* P, for which SIZE bytes were asked, is new, or NULL. */
void lm_count_new(const void *p, size_t size, size_t usable);

/* A block of USABLE bytes is released. */
void lm_count_gone(size_t usable);

/*
 * realloc of OLD, which had BEFORE bytes, returned P, for which SIZE were asked. AFTER: the bytes of P, or of OLD if
 * the call failed.
 */
void lm_count_realloc(const void *old, size_t before, const void *p, size_t size, size_t after);

/*
 * memalign gets a larger block and releases what is too much of it, and realloc gets
 * another one, by the functions that are counted. While they run, calls that come from
 * right below their stack pointer are not counted. Returns what lm_count_unmute() gets.
 */
uintptr_t lm_count_mute(void);
void lm_count_unmute(uintptr_t before);

#endif
