/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Memory for what the tracker keeps as long as it has a trace: names of frames,
 * modules. Freed all at once, taken from the kernel in large pieces. No locks; any
 * thread, any signal handler.
 */
#ifndef LM_ARENA_H
#define LM_ARENA_H

#include <stddef.h>

/* SIZE zeroed bytes, aligned for any object, or NULL. */
void *lm_arena_alloc(size_t size);

/* The same, at a multiple of ALIGNMENT, a power of two. */
void *lm_arena_alloc_aligned(size_t size, size_t alignment);

/* A copy of STRING, or NULL. */
char *lm_arena_string(const char *string);

/* Frees all of it. No other thread may be at work, and nobody may keep a pointer to it. */
void lm_arena_release(void);

#endif
