/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The functions of the real allocator that every event needs; the first two are called without a detour (quiet.h). */
#ifndef LM_SEAM_H
#define LM_SEAM_H

#include <stddef.h>

extern struct lm_seam {
	void *(*malloc)(size_t size);
	void (*free)(void *p);
	size_t (*usable_size)(void *p);
} lm_seam;

#define LM_SEAM_MALLOC lm_seam.malloc
#define LM_SEAM_FREE   lm_seam.free

#endif
