/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The functions of the real allocator that quiet.h calls directly. */
#ifndef LM_SEAM_H
#define LM_SEAM_H

#include <stddef.h>

extern void *__real_malloc(size_t size);
extern void *__real_calloc(size_t count, size_t size);
extern void *__real_realloc(void *p, size_t size);
extern void __real_free(void *p);

#define LM_SEAM_MALLOC  __real_malloc
#define LM_SEAM_CALLOC  __real_calloc
#define LM_SEAM_REALLOC __real_realloc
#define LM_SEAM_FREE    __real_free

#endif
