/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The seam of the wrap archive: the linker resolves __real_malloc to malloc.
 * References to functions that only some libcs have are weak. If such a function
 * is not there, it is made of others. References to functions that all libcs have
 * must not be weak: a weak reference does not pull a function out of a static
 * libc.
 *
 * glibc is different: its allocator is one object. malloc() pulls all of it out of
 * the static libc, so the references to the rest can be weak. They have to be, since
 * a static program may have a malloc() of its own, which glibc's object would define
 * again. dietlibc has malloc() and what goes with it alone.
 */
#include "real.h"
#include "static_names.h"

#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stddef.h>

#include "atomic.h"
#include "libc.h"
#include "seam.h"
#include "sys.h"
#include "tag.h"

/* uClibc's headers say that they are glibc's, too. */
#if defined __dietlibc__ || (defined __GLIBC__ && !defined __UCLIBC__)
#define LM_IN_ONE_OBJECT      __attribute__((weak))
#define LM_IS_THERE(function) ((function) != NULL)
#define LM_ONE_OBJECT         1
#else
#define LM_IN_ONE_OBJECT
#define LM_IS_THERE(function) 1
#define LM_ONE_OBJECT         0
#endif

/* Not every uClibc has these, and its allocator is many objects. */
#if defined __UCLIBC__
#define LM_PERHAPS       __attribute__((weak))
#define LM_HAS(function) ((function) != NULL)
#else
#define LM_PERHAPS       LM_IN_ONE_OBJECT
#define LM_HAS(function) LM_IS_THERE(function)
#endif

extern void *__real_reallocarray(void *p, size_t count, size_t size) __attribute__((weak));
extern void *__real_memalign(size_t alignment, size_t size) LM_IN_ONE_OBJECT;
extern void *__real_aligned_alloc(size_t alignment, size_t size) LM_PERHAPS;
extern int __real_posix_memalign(void **result, size_t alignment, size_t size) LM_IN_ONE_OBJECT;
extern size_t malloc_usable_size(void *p) LM_PERHAPS;
extern void *__real_valloc(size_t size) __attribute__((weak));
extern void *__real_pvalloc(size_t size) __attribute__((weak));
extern void __real_free_sized(void *p, size_t size) __attribute__((weak));
extern void __real_free_aligned_sized(void *p, size_t alignment, size_t size) __attribute__((weak));
/* Not __real__exit: musl's _exit() calls _Exit(), which is wrapped, too. */
extern _Noreturn void __real__Exit(int status);

extern int __real_mlockall(int flags);
extern int __real_execve(const char *path, char *const argv[], char *const envp[]);
extern int __real_execvpe(const char *file, char *const argv[], char *const envp[]);
extern int __real_fexecve(int fd, char *const argv[], char *const envp[]);

/* Another name of glibc's malloc. See is_glibc(). */
extern void *__libc_malloc(size_t size) __attribute__((weak));

/* Defined by the preload library, if that is in the process. */
extern const char log_malloc_tracker_preloaded __attribute__((weak));

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

void *lm_real_malloc(size_t size)
{
	return __real_malloc(size);
}

void *lm_real_calloc(size_t count, size_t size)
{
	return __real_calloc(count, size);
}

void *lm_real_realloc(void *p, size_t size)
{
	return __real_realloc(p, size);
}

void *lm_real_reallocarray(void *p, size_t count, size_t size)
{
	size_t total;

	if (__real_reallocarray)
		return __real_reallocarray(p, count, size);
	return __builtin_mul_overflow(count, size, &total) ? no_memory() : __real_realloc(p, total);
}

void *lm_real_memalign(size_t alignment, size_t size)
{
	return LM_IS_THERE(__real_memalign) ? __real_memalign(alignment, size) : no_memory();
}

void *lm_real_aligned_alloc(size_t alignment, size_t size)
{
	return LM_HAS(__real_aligned_alloc) ? __real_aligned_alloc(alignment, size) : lm_real_memalign(alignment, size);
}

int lm_real_posix_memalign(void **result, size_t alignment, size_t size)
{
	return LM_IS_THERE(__real_posix_memalign) ? __real_posix_memalign(result, alignment, size) : ENOMEM;
}

void *lm_real_valloc(size_t size)
{
	return __real_valloc ? __real_valloc(size) : lm_real_memalign((size_t)sysconf(_SC_PAGESIZE), size);
}

void *lm_real_pvalloc(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (__real_pvalloc)
		return __real_pvalloc(size);
	return size > SIZE_MAX - page ? no_memory() : lm_real_memalign(page, (size + page - 1) / page * page);
}

void lm_real_free(void *p)
{
	__real_free(p);
}

void lm_real_free_sized(void *p, size_t size)
{
	if (__real_free_sized)
		__real_free_sized(p, size);
	else
		__real_free(p);
}

void lm_real_free_aligned_sized(void *p, size_t alignment, size_t size)
{
	if (__real_free_aligned_sized)
		__real_free_aligned_sized(p, alignment, size);
	else
		__real_free(p);
}

static size_t tag_usable_size(void *p)
{
	return lm_tag_usable(p);
}

int lm_real_has_tags;

static size_t tried_usable_size(void *p);
static size_t (*usable_size)(void *p) = tried_usable_size;

static size_t unknown_usable_size(void *p)
{
	(void)p;
	return 0;
}

/* Another name of glibc's malloc_usable_size in a static program. */
extern size_t __malloc_usable_size(void *p) __attribute__((weak));

/* Where the object begins that FUNCTION lies in; NULL in a static program, which is one object. */
static const void *object_of(const void *function)
{
	Dl_info found;

	return dladdr((void *)function, &found) ? found.dli_fbase : NULL;
}

/*
 * In a static program without glibc, the libc's malloc() stands right behind
 * __libc_malloc() of the same source file (musl). A program's own malloc() does not.
 */
static int is_beside_libc_malloc(void)
{
	uintptr_t distance = (uintptr_t)__real_malloc - (uintptr_t)__libc_malloc;

	return __libc_malloc != NULL && distance < 256;
}

/* Is malloc_usable_size() of the same allocator as malloc()? A libc's own knows that libc's blocks alone, and may
 * crash. */
static int can_tell_usable_size(void)
{
	if (!LM_HAS(malloc_usable_size))
		return 0;
	if (lm_real_is_glibc())
		return 1;
	if (malloc_usable_size == __malloc_usable_size)
		return 0;
	if (dladdr)
		return object_of((const void *)malloc_usable_size) == object_of((const void *)__real_malloc);
	return LM_ONE_OBJECT || is_beside_libc_malloc();
}

/*
 * The first block shows whether its tag tells the usable size. It does not under
 * valgrind, which replaces glibc's functions, or with memory tagging.
 */
static size_t tried_usable_size(void *p)
{
	size_t usable;
	int is_tag;

	if (!can_tell_usable_size()) {
		lm_store(&usable_size, unknown_usable_size);
		return 0;
	}
	usable = malloc_usable_size(p);
	is_tag = lm_real_is_glibc() && usable == lm_tag_usable(p);

	lm_store(&usable_size, is_tag ? tag_usable_size : malloc_usable_size);
	lm_store(&lm_real_has_tags, is_tag);
	return usable;
}

size_t lm_real_usable_size(void *p)
{
	return lm_load(&usable_size)(p);
}

const void *lm_real_own_blocks(size_t *size)
{
	*size = 0;
	return NULL;
}

static int is_glibc(void)
{
	if (!__libc_malloc || __libc_malloc != __real_malloc)
		return 0;
	/* Other allocators define both names, too. If it can be asked, the object that malloc lies in tells. */
	return !lm_libc_can_tell() || lm_libc_has((const void *)__real_malloc);
}

int lm_real_is_glibc(void)
{
	static signed char known;

	if (!lm_load(&known))
		lm_store(&known, is_glibc() ? 1 : -1);
	return known > 0;
}

int lm_real_is_traced(void)
{
	return &log_malloc_tracker_preloaded != NULL;
}

/* The linker defines it where there is a dynamic section. Static programs that can lie anywhere have one, too. */
extern ElfW(Dyn) _DYNAMIC[] __attribute__((weak, visibility("hidden")));

void lm_real_loaded(void)
{
}

/* A dynamic program needs libc at least. A static one needs no library; that holds also where ld.so is the command. */
enum lm_flavour lm_real_flavour(void)
{
	for (const ElfW(Dyn) *entry = _DYNAMIC; entry && entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == DT_NEEDED)
			return LM_FLAVOUR_WRAP_DYNAMIC;
	}
	return LM_FLAVOUR_WRAP_STATIC;
}

void lm_real_exit(int status)
{
	__real__Exit(status);
}

int lm_real_mlockall(int flags)
{
	return __real_mlockall(flags);
}

int lm_real_execve(const char *path, char *const argv[], char *const envp[])
{
	return __real_execve(path, argv, envp);
}

int lm_real_execvpe(const char *file, char *const argv[], char *const envp[])
{
	return __real_execvpe(file, argv, envp);
}

int lm_real_fexecve(int fd, char *const argv[], char *const envp[])
{
	return __real_fexecve(fd, argv, envp);
}

/* Linked into static programs only, see static_names.c. */
extern const struct lm_static_name log_malloc_static_names[] __attribute__((weak, visibility("hidden")));

const struct lm_static_name *lm_static_names(void)
{
	return log_malloc_static_names;
}
