/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Pointers to the real functions that most events need. quiet.h calls all but the last one directly through them. */
#ifndef LM_SEAM_H
#define LM_SEAM_H

#include <stddef.h>

#include "compiler.h"
#include "early.h"

extern struct lm_seam {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t count, size_t size);
	void *(*realloc)(void *p, size_t size);
	void (*free)(void *p);
	size_t (*usable_size)(void *p);
} lm_seam LM_INTERNAL;

/* From here on, the flavour is LM_FLAVOUR_ATTACHED, however the library got into the process. */
void lm_seam_attach(void);

#define LM_SEAM_MALLOC  lm_seam.malloc
#define LM_SEAM_CALLOC  lm_seam.calloc
#define LM_SEAM_REALLOC lm_seam.realloc
#define LM_SEAM_FREE    lm_seam.free

/* The first lines of each entry point. Once the session has started, the question is one look at a word. */
#define LM_SEAM_EARLY(name, arguments)                                                                                 \
	do {                                                                                                           \
		if (unlikely(!lm_load(&lm_session.started)) && lm_early_is_now())                                      \
			return lm_early_##name arguments;                                                              \
	} while (0)

#endif
