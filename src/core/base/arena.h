/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Memory for what the tracker keeps until the process ends: names of frames,
 * modules. Never freed, taken from the kernel in large pieces. No locks; any
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

#endif
