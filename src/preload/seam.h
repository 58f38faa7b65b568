/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The two functions of the real allocator that are called without a detour (quiet.h). */
#ifndef LM_SEAM_H
#define LM_SEAM_H

#include <stddef.h>

extern struct lm_seam {
	void *(*malloc)(size_t size);
	void (*free)(void *p);
} lm_seam;

#define LM_SEAM_MALLOC lm_seam.malloc
#define LM_SEAM_FREE   lm_seam.free

#endif
