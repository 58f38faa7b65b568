/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Which functions are glibc's own. Their names say little: other allocators take
 * them, __libc_malloc and its like included. The object that they lie in tells.
 * For both seams; not while dlsym is at work.
 */
#ifndef LM_LIBC_H
#define LM_LIBC_H

#include <dlfcn.h>
#include <stddef.h>

/* Only glibc has that. */
extern const char *gnu_get_libc_version(void) __attribute__((weak));

/* A static program need not have either, and is one object anyway. */
extern __typeof__(dladdr) dladdr __attribute__((weak));

static inline int lm_libc_can_tell(void)
{
	return dladdr != NULL && gnu_get_libc_version != NULL;
}

/* Does FUNCTION lie in glibc? */
static inline int lm_libc_has(const void *function)
{
	Dl_info found, libc;

	return lm_libc_can_tell() && dladdr((void *)function, &found) && dladdr((void *)gnu_get_libc_version, &libc) &&
	       found.dli_fbase == libc.dli_fbase;
}

#endif
