/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The seam of the preload library: the next definitions behind our own, found
 * with dlsym. dlsym itself may allocate; it is served from a static buffer
 * (boot.h), whose blocks are known here for as long as the process lives.
 */
#include "real.h"
#include "static_names.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

#include "atomic.h"
#include "attach.h"
#include "boot.h"
#include "compiler.h"
#include "libc.h"
#include "seam.h"
#include "signals.h"
#include "stub.h"
#include "sys.h"
#include "tag.h"

/* Stands for a function that was searched for and does not exist. */
#define MISSING ((void *)1)

static void *first_malloc(size_t size);
static void *first_calloc(size_t count, size_t size);
static void *first_realloc(void *p, size_t size);
static void first_free(void *p);
static size_t first_usable_size(void *p);

/* Until the real functions are found, the pointers lead to functions that find them. */
struct lm_seam lm_seam = {
	.malloc = first_malloc,
	.calloc = first_calloc,
	.realloc = first_realloc,
	.free = first_free,
	.usable_size = first_usable_size,
};

static struct {
	void *(*reallocarray)(void *, size_t, size_t);
	void *(*memalign)(size_t, size_t);
	void *(*aligned_alloc)(size_t, size_t);
	int (*posix_memalign)(void **, size_t, size_t);
	void *(*valloc)(size_t);
	void *(*pvalloc)(size_t);
	void (*free_sized)(void *, size_t);
	void (*free_aligned_sized)(void *, size_t, size_t);
	void (*exit)(int);
	int (*mlockall)(int);
	int (*execve)(const char *, char *const[], char *const[]);
	int (*execvpe)(const char *, char *const[], char *const[]);
	int (*fexecve)(int, char *const[], char *const[]);
	int ready;
} real;

/* Not NULL: ThreadSanitizer is in the process. */
extern void __tsan_init(void) __attribute__((weak));

/* ---- while dlsym is at work ---- */

/*
 * Is this thread in dlsym()? Volatile, because libc's headers promise the compiler that dlsym() does not call back into
 * this file. It does when it allocates.
 */
static __thread volatile unsigned char resolving;

static void *boot_malloc(size_t size)
{
	void *p = lm_boot_alloc(1, size);

	if (!p)
		errno = ENOMEM;
	return p;
}

/* ---- finding the real ones ---- */

/*
 * The symbol versions that programs are linked to. glibc's debugging allocator,
 * which implements MALLOC_CHECK_ and the like, defines its functions only with
 * these versions. A search without a version does not find it.
 */
#if defined __x86_64__
#define BASE_VERSION          "GLIBC_2.2.5"
#define ALIGNED_ALLOC_VERSION "GLIBC_2.16"
#elif defined __aarch64__
#define BASE_VERSION          "GLIBC_2.17"
#define ALIGNED_ALLOC_VERSION BASE_VERSION
#else
#define BASE_VERSION          NULL
#define ALIGNED_ALLOC_VERSION NULL
#endif

/* Signals are blocked: a handler that leaves by longjmp would leave RESOLVING set, and the loader's lock held. */
static void begin_resolving(struct lm_signals *signals)
{
	lm_signals_block(signals);
	resolving = 1;
}

static void end_resolving(const struct lm_signals *signals)
{
	resolving = 0;
	lm_signals_unblock(signals, 0);
}

/* Not every libc has dlvsym(). */
extern void *dlvsym(void *handle, const char *name, const char *version) __attribute__((weak));

static enum lm_flavour flavour = LM_FLAVOUR_PRELOAD;

/* Whose definitions are the real ones: those behind ours; or all there are, if the process ran without ours. */
static void *scope = RTLD_NEXT;

static int is_ours(const void *function)
{
	Dl_info found, own;

	return dladdr(function, &found) && dladdr(&lm_seam, &own) && found.dli_fbase == own.dli_fbase;
}

/* Among all definitions, the last ones are those of the library that asks, which are ours. */
static void *real_one(void *found)
{
	return found && scope == RTLD_DEFAULT && is_ours(found) ? NULL : found;
}

static void *find_any(const char *name)
{
	void *found = dlsym(scope, name);

	if (found && scope == RTLD_DEFAULT && lm_stub_is(found, name))
		return lm_stub_behind(name);
	return real_one(found);
}

/*
 * A failed search leaves a message, which the program must not find in dlerror(). glibc's dlerror() translates it,
 * which allocates and changes what gettext() keeps. There, the next search that succeeds clears the message, too.
 */
static void forget_message(void)
{
	if (!dlvsym || !dlsym(scope, "malloc"))
		dlerror();
}

/*
 * Other allocators define their functions without versions, so a search without a version comes first. Only if that
 * finds glibc's function, a search with a version follows.
 */
static void *next(const char *name)
{
	const char *version = strcmp(name, "aligned_alloc") == 0 ? ALIGNED_ALLOC_VERSION : BASE_VERSION;
	void *found = find_any(name), *versioned;

	if (!found || !version || !dlvsym || !lm_libc_has(found))
		return found;
	versioned = dlvsym(scope, name, version);
	if (!versioned)
		forget_message();
	else if (scope == RTLD_DEFAULT && lm_stub_is(versioned, name))
		return found;
	return versioned ? versioned : found;
}

/* ISO C does not allow converting an object pointer to a function pointer. POSIX does, for dlsym(). */
#define FIND(function, name) (*(void **)(void *)&(function) = next(name))

/*
 * For functions that have only one version, which may be newer than BASE_VERSION:
 * a search with BASE_VERSION would fail. A failed search translates its error
 * message. If the first malloc of the program is inside setlocale(), the
 * translation unlocks a lock that setlocale() has taken, and the next setlocale()
 * waits for ever.
 */
#define FIND_ANY(function, name) (*(void **)(void *)&(function) = find_any(name))

static void replace(void **function, const char *name)
{
	void *found = next(name);

	if (found)
		lm_store_release(function, found);
}

#define REPLACE(function, name) replace((void **)(void *)&(function), name)

/* For a function that some libcs do not have. It is searched for only when it is called. It has only one version. */
static void find_optional(void **function, const char *name)
{
	struct lm_signals signals;
	void *found;

	if (lm_load_acquire(function) || resolving)
		return;
	begin_resolving(&signals);
	found = find_any(name);
	if (!found) {
		forget_message();
		found = MISSING;
	}
	end_resolving(&signals);
	lm_store_release(function, found);
}

/* The function, or NULL if it does not exist. */
#define OPTIONAL(function, name)                                                                                       \
	(find_optional((void **)(void *)&(function), name),                                                            \
	 *(void **)(void *)&(function) == MISSING ? NULL : (function))

/* The real allocator is glibc's own. */
static int is_glibc;

/*
 * ThreadSanitizer allocates before its malloc_usable_size() works, so that is never called. An allocator need not have
 * that function.
 */
static size_t unknown_usable_size(void *p)
{
	(void)p;
	return 0;
}

int lm_real_has_tags;

static size_t (*libc_usable_size)(void *);

static size_t tag_usable_size(void *p)
{
	return lm_tag_usable(p);
}

/*
 * The first block shows whether its tag tells the usable size. It does not under
 * valgrind, which replaces glibc's functions, or with memory tagging.
 */
static size_t tried_usable_size(void *p)
{
	size_t usable = libc_usable_size(p);

	int is_tag = usable == lm_tag_usable(p);

	lm_store_release(&lm_seam.usable_size, is_tag ? tag_usable_size : libc_usable_size);
	lm_store(&lm_real_has_tags, is_tag);
	return usable;
}

static void resolve_usable_size(void)
{
	if (__tsan_init) {
		lm_store_release(&lm_seam.usable_size, unknown_usable_size);
		return;
	}
	FIND(libc_usable_size, "malloc_usable_size");
	is_glibc = lm_libc_has((const void *)lm_seam.malloc);
	/* glibc's function knows glibc's blocks alone. */
	if (!is_glibc && lm_libc_has((const void *)libc_usable_size)) {
		lm_store_release(&lm_seam.usable_size, unknown_usable_size);
		return;
	}
	lm_store_release(&lm_seam.usable_size, is_glibc ? tried_usable_size : libc_usable_size);
}

static void resolve(void)
{
	struct lm_signals signals;
	int saved = errno;

	if (resolving)
		return;
	begin_resolving(&signals);
	FIND(real.memalign, "memalign");
	FIND(real.aligned_alloc, "aligned_alloc");
	FIND(real.posix_memalign, "posix_memalign");
	FIND(real.exit, "_exit");
	FIND_ANY(real.mlockall, "mlockall");
	/* Found now, since they are mostly called in a child of fork, where the loader may be locked for ever. */
	FIND_ANY(real.execve, "execve");
	FIND_ANY(real.execvpe, "execvpe");
	FIND_ANY(real.fexecve, "fexecve");
	/* Calls by other threads still come to the first_ functions until these pointers are replaced. */
	REPLACE(lm_seam.free, "free");
	REPLACE(lm_seam.realloc, "realloc");
	REPLACE(lm_seam.calloc, "calloc");
	REPLACE(lm_seam.malloc, "malloc");
	resolve_usable_size();
	end_resolving(&signals);
	errno = saved;
	lm_store_release(&real.ready, 1);
}

/* ---- loaded late ---- */

/* The objects that the program was started with come in front of the loader, those that came later behind it. */
static int look_for_loader(struct dl_phdr_info *info, size_t size, void *is_early)
{
	const uintptr_t own = (uintptr_t)&lm_seam, loader = (uintptr_t)getauxval(AT_BASE);

	(void)size;
	if (info->dlpi_addr == loader)
		return 1;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && own - info->dlpi_addr - segment->p_vaddr < segment->p_memsz)
			*(int *)is_early = 1;
	}
	return *(int *)is_early;
}

/*
 * Did the program run already when this library was loaded? Then its calls are bound to another allocator. An own
 * allocator of a program that was started with this library is another matter.
 */
static int is_late(void)
{
	const void *bound = dlsym(RTLD_DEFAULT, "malloc");
	int is_early = 0;

	if (!bound || is_ours(bound))
		return 0;
	/* If the loader was called as a command, the kernel does not tell where it is. */
	if (getauxval(AT_BASE))
		dl_iterate_phdr(look_for_loader, &is_early);
	return !is_early;
}

static int is_from_launcher(void)
{
	Dl_info own;

	return dladdr(&lm_seam, &own) && own.dli_fname &&
	       strncmp(own.dli_fname, LM_ATTACH_LOADED, sizeof LM_ATTACH_LOADED - 1) == 0;
}

/* Those that find_optional() would search for at a call. */
static void find_all_optional(void)
{
	(void)OPTIONAL(real.reallocarray, "reallocarray");
	(void)OPTIONAL(real.valloc, "valloc");
	(void)OPTIONAL(real.pvalloc, "pvalloc");
	(void)OPTIONAL(real.free_sized, "free_sized");
	(void)OPTIONAL(real.free_aligned_sized, "free_aligned_sized");
}

void lm_real_loaded(void)
{
	if (!is_late())
		return;
	flavour = is_from_launcher() ? LM_FLAVOUR_ATTACHED : LM_FLAVOUR_DLOPEN;
	scope = RTLD_DEFAULT;
	resolve();
	find_all_optional();
}

void lm_seam_attach(void)
{
	flavour = LM_FLAVOUR_ATTACHED;
}

/* Are the real functions found? Finds them if not. 0 while this thread is in dlsym(), which allocates. */
static inline int ready(void)
{
	if (likely(lm_load_acquire(&real.ready)))
		return 1;
	resolve();
	return !resolving;
}

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

/* ---- the seam ---- */

static void *first_malloc(size_t size)
{
	return ready() && lm_seam.malloc != first_malloc ? lm_seam.malloc(size) : boot_malloc(size);
}

void *lm_real_malloc(size_t size)
{
	return lm_seam.malloc(size);
}

static void *first_calloc(size_t count, size_t size)
{
	size_t total;

	if (ready() && lm_seam.calloc != first_calloc)
		return lm_seam.calloc(count, size);
	return __builtin_mul_overflow(count, size, &total) ? no_memory() : boot_malloc(total);
}

void *lm_real_calloc(size_t count, size_t size)
{
	return lm_seam.calloc(count, size);
}

static void *first_realloc(void *p, size_t size)
{
	void *moved;

	if (ready() && !lm_boot_has(p) && lm_seam.realloc != first_realloc)
		return lm_seam.realloc(p, size);
	moved = lm_real_malloc(size);
	if (moved && p)
		memcpy(moved, p, lm_boot_usable(p) < size ? lm_boot_usable(p) : size);
	return moved;
}

void *lm_real_realloc(void *p, size_t size)
{
	return likely(!lm_boot_has(p)) ? lm_seam.realloc(p, size) : first_realloc(p, size);
}

void *lm_real_reallocarray(void *p, size_t count, size_t size)
{
	void *(*function)(void *, size_t, size_t) = OPTIONAL(real.reallocarray, "reallocarray");
	size_t total;

	if (likely(function && !lm_boot_has(p)))
		return function(p, count, size);
	return __builtin_mul_overflow(count, size, &total) ? no_memory() : lm_real_realloc(p, total);
}

void *lm_real_memalign(size_t alignment, size_t size)
{
	return ready() && real.memalign ? real.memalign(alignment, size) : no_memory();
}

void *lm_real_aligned_alloc(size_t alignment, size_t size)
{
	return ready() && real.aligned_alloc ? real.aligned_alloc(alignment, size) : no_memory();
}

int lm_real_posix_memalign(void **result, size_t alignment, size_t size)
{
	return ready() && real.posix_memalign ? real.posix_memalign(result, alignment, size) : ENOMEM;
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

void *lm_real_valloc(size_t size)
{
	void *(*function)(size_t) = OPTIONAL(real.valloc, "valloc");

	return function ? function(size) : lm_real_memalign(page_size(), size);
}

void *lm_real_pvalloc(size_t size)
{
	void *(*function)(size_t) = OPTIONAL(real.pvalloc, "pvalloc");
	size_t page = page_size();

	if (function)
		return function(size);
	return size > SIZE_MAX - page ? no_memory() : lm_real_memalign(page, (size + page - 1) / page * page);
}

static void first_free(void *p)
{
	if (ready() && lm_seam.free != first_free)
		lm_seam.free(p);
}

void lm_real_free(void *p)
{
	if (likely(!lm_boot_has(p)))
		lm_seam.free(p);
}

void lm_real_free_sized(void *p, size_t size)
{
	void (*function)(void *, size_t) = OPTIONAL(real.free_sized, "free_sized");

	if (function && !lm_boot_has(p))
		function(p, size);
	else
		lm_real_free(p);
}

void lm_real_free_aligned_sized(void *p, size_t alignment, size_t size)
{
	void (*function)(void *, size_t, size_t) = OPTIONAL(real.free_aligned_sized, "free_aligned_sized");

	if (function && !lm_boot_has(p))
		function(p, alignment, size);
	else
		lm_real_free(p);
}

const void *lm_real_own_blocks(size_t *size)
{
	*size = sizeof lm_boot_buffer;
	return lm_boot_buffer;
}

static size_t first_usable_size(void *p)
{
	return ready() && lm_seam.usable_size != first_usable_size ? lm_seam.usable_size(p) : 0;
}

size_t lm_real_usable_size(void *p)
{
	return likely(!lm_boot_has(p)) ? lm_seam.usable_size(p) : lm_boot_usable(p);
}

int lm_real_is_glibc(void)
{
	return ready() && is_glibc;
}

/* The wrap archive in the same process sees by this symbol that the preload library is there. */
extern const char log_malloc_tracker_preloaded;
__attribute__((visibility("default"))) const char log_malloc_tracker_preloaded = 1;

int lm_real_is_traced(void)
{
	return 0;
}

enum lm_flavour lm_real_flavour(void)
{
	return flavour;
}

void lm_real_exit(int status)
{
	if (ready() && real.exit)
		real.exit(status);
	for (;;)
		lm_sys(SYS_exit_group, status);
}

static int no_function(void)
{
	errno = ENOSYS;
	return -1;
}

int lm_real_mlockall(int flags)
{
	return ready() && real.mlockall ? real.mlockall(flags) : no_function();
}

int lm_real_execve(const char *path, char *const argv[], char *const envp[])
{
	return ready() && real.execve ? real.execve(path, argv, envp) : no_function();
}

int lm_real_execvpe(const char *file, char *const argv[], char *const envp[])
{
	return ready() && real.execvpe ? real.execvpe(file, argv, envp) : no_function();
}

int lm_real_fexecve(int fd, char *const argv[], char *const envp[])
{
	return ready() && real.fexecve ? real.fexecve(fd, argv, envp) : no_function();
}

const struct lm_static_name *lm_static_names(void)
{
	return NULL;
}
