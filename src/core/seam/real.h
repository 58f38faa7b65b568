/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The seam to the real allocator: all functions of it that the core needs. The
 * preload library finds them with dlsym (src/preload/real.c), the wrap archive
 * through the linker's __real_ names (wrap/real.c).
 *
 * Each does what the C library's function of that name does, errno included.
 * Functions that the C library does not have are made of others: reallocarray of
 * realloc with an overflow check, free_sized and free_aligned_sized of free,
 * valloc and pvalloc of memalign. Callable from any thread at any time.
 */
#ifndef LM_REAL_H
#define LM_REAL_H

#include <stddef.h>

#include "atomic.h"
#include "compiler.h"
#include "tag.h"
#include "trace_format.h"

void *lm_real_malloc(size_t size);
void *lm_real_calloc(size_t count, size_t size);
void *lm_real_realloc(void *p, size_t size);
void *lm_real_reallocarray(void *p, size_t count, size_t size);
void *lm_real_memalign(size_t alignment, size_t size);
void *lm_real_aligned_alloc(size_t alignment, size_t size);
int lm_real_posix_memalign(void **result, size_t alignment, size_t size);
void *lm_real_valloc(size_t size);
void *lm_real_pvalloc(size_t size);
void lm_real_free(void *p);
void lm_real_free_sized(void *p, size_t size);
void lm_real_free_aligned_sized(void *p, size_t alignment, size_t size);

/* The usable size of a live block of this allocator, never of NULL. 0 where the allocator can't tell. */
size_t lm_real_usable_size(void *p);

/* 1 once a block has shown that tags tell the usable size (tag.h), so that no function has to be called for it. */
extern int lm_real_has_tags LM_INTERNAL;

/* The same as lm_real_usable_size(), quicker. */
static inline size_t lm_real_usable_size_of_live(void *p)
{
	return likely(lm_load(&lm_real_has_tags)) ? lm_tag_usable(p) : lm_real_usable_size(p);
}

/* The memory of blocks that are the seam's own, which the real allocator does not know: *SIZE bytes, or 0. */
const void *lm_real_own_blocks(size_t *size);

/* Is the real allocator glibc's own? */
int lm_real_is_glibc(void);

/* 1 in the wrap archive if the preload library is in the process too: that one sees all calls and writes the trace. */
int lm_real_is_traced(void);

/*
 * Called by the tracker's constructor, with the guard at LM_GUARD_REAL. If the loader loaded the tracker late, this
 * finds out who asked for that, and all real functions: later, they would be searched for in vain.
 */
void lm_real_loaded(void);

/* How the tracker got into this process, and so which calls it sees. For certain only behind lm_real_loaded(). */
enum lm_flavour lm_real_flavour(void);

_Noreturn void lm_real_exit(int status);

int lm_real_mlockall(int flags);

/* Async-signal-safe, and callable in a child of vfork: the real functions were found earlier. */
int lm_real_execve(const char *path, char *const argv[], char *const envp[]);
int lm_real_execvpe(const char *file, char *const argv[], char *const envp[]);
int lm_real_fexecve(int fd, char *const argv[], char *const envp[]);

#endif
