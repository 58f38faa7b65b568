/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Implements real.h by calling libc, for unit suites: they call parts of the core and nothing is intercepted. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plain_seam.h"
#include "real.h"
#include "static_names.h"

/* A test sets this to have something happen in the middle of a real call. */
void (*plain_seam_hook)(void);

void *lm_real_malloc(size_t size)
{
	if (plain_seam_hook)
		plain_seam_hook();
	return malloc(size);
}

void *lm_real_calloc(size_t count, size_t size)
{
	return calloc(count, size);
}

void *lm_real_realloc(void *p, size_t size)
{
	return realloc(p, size);
}

void *lm_real_reallocarray(void *p, size_t count, size_t size)
{
	return reallocarray(p, count, size);
}

void *lm_real_memalign(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

void *lm_real_aligned_alloc(size_t alignment, size_t size)
{
	return aligned_alloc(alignment, size);
}

int lm_real_posix_memalign(void **result, size_t alignment, size_t size)
{
	return posix_memalign(result, alignment, size);
}

void *lm_real_valloc(size_t size)
{
	return valloc(size);
}

void *lm_real_pvalloc(size_t size)
{
	return pvalloc(size);
}

void lm_real_free(void *p)
{
	free(p);
}

void lm_real_free_sized(void *p, size_t size)
{
	(void)size;
	free(p);
}

void lm_real_free_aligned_sized(void *p, size_t alignment, size_t size)
{
	(void)alignment, (void)size;
	free(p);
}

int lm_real_has_tags;

size_t lm_real_usable_size(void *p)
{
	return malloc_usable_size(p);
}

int lm_real_is_glibc(void)
{
	return 0;
}

const void *lm_real_own_blocks(size_t *size)
{
	*size = 0;
	return NULL;
}

int lm_real_is_traced(void)
{
	return 0;
}

void lm_real_loaded(void)
{
}

enum lm_flavour lm_real_flavour(void)
{
	return LM_FLAVOUR_PRELOAD;
}

void lm_real_exit(int status)
{
	_exit(status);
}

int lm_real_mlockall(int flags)
{
	return mlockall(flags);
}

int lm_real_execve(const char *path, char *const argv[], char *const envp[])
{
	return execve(path, argv, envp);
}

int lm_real_execvpe(const char *file, char *const argv[], char *const envp[])
{
	return execvpe(file, argv, envp);
}

int lm_real_fexecve(int fd, char *const argv[], char *const envp[])
{
	return fexecve(fd, argv, envp);
}

const struct lm_static_name *lm_static_names(void)
{
	return NULL;
}
